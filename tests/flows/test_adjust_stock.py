"""Adjustments: booked once, with their reason, as of their time."""

from datetime import timedelta

import pytest

from shared.contracts.stock import (
    AdjustedUnits,
    AdjustmentKind,
    CountedUnits,
    Disposition,
    StockAdjusted,
)
from shared.contracts.stock import StockCounted as Counted
from shared.flows.adjust_stock import adjust_stock
from shared.flows.count_stock import count_stock
from shared.flows.return_stock import return_stock
from shared.platform.db import Database
from shared.stock.types import (
    AdjustmentBelowPromised,
    KitHasNoStock,
    UnknownSku,
    UnknownWarehouse,
)
from tests.flows import reports, transfers
from tests.flows.test_hold_stock import hold
from tests.support import given
from tests.support.clock import TestClock

UP, DOWN, WRITE_OFF = AdjustmentKind.UP, AdjustmentKind.DOWN, AdjustmentKind.WRITE_OFF
ON_HAND = "SELECT sum(on_hand) FROM stock_levels WHERE sku = 'MUG'"


def adjust(
    database: Database,
    *lines: tuple[str, AdjustmentKind, int],
    adjustment_id: str = "adj_1",
    warehouse: str = "BER",
    minutes: int = 0,
) -> None:
    """The warehouse reports these lines as one adjustment."""
    event = StockAdjusted(
        warehouse=warehouse,
        adjustment_id=adjustment_id,
        adjusted_at=database.now() + timedelta(minutes=minutes),
        lines=tuple(
            AdjustedUnits(sku=sku, kind=kind, quantity=n, reason=f"R-{kind}".upper())
            for sku, kind, n in lines
        ),
    )
    given.apply(database, adjust_stock, event)


@pytest.mark.parametrize(
    ("kind", "on_hand", "movement", "told"),
    [
        (UP, 7, ("adjustment", 2, "R-UP"), ["stock.increased"]),
        (DOWN, 3, ("adjustment", -2, "R-DOWN"), []),
        (WRITE_OFF, 3, ("write_off", -2, "R-WRITE_OFF"), []),
    ],
)
def test_an_adjustment_moves_the_balance_and_the_ledger_says_why(
    *,
    database: Database,
    kind: AdjustmentKind,
    on_hand: int,
    movement: tuple[str, int, str],
    told: list[str],
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})

    adjust(database, ("MUG", kind, 2))
    adjust(database, ("MUG", kind, 2))

    assert given.rows(database, ON_HAND) == [(on_hand,)]
    assert given.rows(
        database,
        "SELECT kind, quantity, reason FROM stock_movements WHERE reference = 'adj_1'",
    ) == [movement]
    assert given.told(database) == told
    assert given.violations(database) == []


def test_lines_of_one_sku_count_together(database: Database) -> None:
    # Goal: three are broken and two are lost, of four that are free.
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 1})
    given.place(database, "ord_1")

    with pytest.raises(AdjustmentBelowPromised, match="short pick") as caught:
        adjust(database, ("MUG", WRITE_OFF, 3), ("MUG", DOWN, 2))
    assert caught.value.facts["field"] == "lines.0.quantity"
    assert given.rows(database, ON_HAND) == [(5,)]

    adjust(database, ("MUG", WRITE_OFF, 3), ("MUG", DOWN, 2), ("MUG", UP, 1))

    assert given.rows(database, ON_HAND) == [(1,)]
    assert given.violations(database) == []


def test_units_are_taken_where_they_are_free(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 6}})
    given.spread(database, "MUG", "BER", [1, 2, 3])

    adjust(database, ("MUG", DOWN, 3), ("MUG", WRITE_OFF, 3))

    assert given.rows(database, ON_HAND) == [(0,)]
    assert given.violations(database) == []


@pytest.mark.parametrize("minutes", [0, -5])
def test_an_adjustment_from_before_a_count_leaves_the_balance_as_it_was_counted(
    database: Database, clock: TestClock, minutes: int
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    clock.advance(hours=1)
    counted = Counted(
        warehouse="BER",
        count_id="cnt_1",
        counted_at=clock.now,
        lines=(CountedUnits(sku="MUG", on_hand=2),),
    )
    given.apply(database, count_stock, counted)

    adjust(database, ("MUG", WRITE_OFF, 3), minutes=minutes)
    adjust(database, ("MUG", WRITE_OFF, 3), minutes=minutes)

    assert given.rows(database, ON_HAND) == [(2,)]
    assert given.violations(database) == []


def test_a_count_from_before_an_adjustment_leaves_it_taken(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    counted_at = clock.now + timedelta(minutes=1)
    clock.advance(hours=1)
    adjust(database, ("MUG", DOWN, 2))

    given.apply(
        database,
        count_stock,
        Counted(
            warehouse="BER",
            count_id="cnt_1",
            counted_at=counted_at,
            lines=(CountedUnits(sku="MUG", on_hand=6),),
        ),
    )

    assert given.rows(database, ON_HAND) == [(4,)]
    assert given.violations(database) == []


def test_wrong_reports_are_named(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.kit(database, "SET", {"MUG": 2})

    with pytest.raises(UnknownWarehouse):
        adjust(database, ("MUG", UP, 1), warehouse="XXX")
    with pytest.raises(UnknownSku) as unknown:
        adjust(database, ("MUG", UP, 1), ("GHOST", UP, 1))
    with pytest.raises(KitHasNoStock, match="name MUG"):
        adjust(database, ("SET", UP, 1))

    assert unknown.value.facts["field"] == "lines.1.sku"
    assert given.rows(database, ON_HAND) == [(5,)]


def test_who_has_what_is_gone_is_named(database: Database) -> None:
    # Goal: whoever reports it can go to them: orders, carts, transfers, and returns to look at.
    given.catalogue(database, {"BER": {"MUG": 9}, "LIS": {}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    hold(database, "cart_1", {"MUG": 1})
    transfers.request(database, {"MUG": 3})
    back = reports.returned("rma_1", ("MUG", "BER"), Disposition.QUARANTINE, database.now())
    given.apply(database, return_stock, back)

    with pytest.raises(AdjustmentBelowPromised, match="cancel orders or transfers") as refused:
        adjust(database, ("MUG", DOWN, 4))

    said = str(refused.value)
    assert said.startswith("lines.0.quantity: 4 of MUG are gone, but only 3 are free, ")
    names = ("order ord_1 (2)", "cart hold cart_1 (1)", "transfer trf_1 (3)", "BER/rma_1 (1)")
    assert [name for name in names if name in said] == list(names)
    adjust(database, ("MUG", DOWN, 3))
    assert given.violations(database) == []
