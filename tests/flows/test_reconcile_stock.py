"""Reconciliation: every drift is found, repaired or fenced off, and what is right is left alone."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest
from sqlalchemy import text

from shared.contracts.orders import OrderCancelled
from shared.contracts.stock import CountedUnits, StockCounted
from shared.flows import reconcile_stock as flow
from shared.flows.cancel_order import cancel_order
from shared.flows.count_stock import count_stock
from shared.flows.reconcile_stock import reconcile_stock
from shared.flows.steps import Result
from shared.platform.db import Database, Transaction
from shared.stock.types import CountBelowReserved
from tests.flows import partitioned
from tests.flows.partitioned import ordered, reconcile, rows, spread, states
from tests.flows.test_supply import hold
from tests.support import given
from tests.support.clock import TestClock

DRIFTS = """
    SELECT sku, partition, figure, found, explained, outcome FROM stock_drifts ORDER BY drift_id
"""
FENCES = "SELECT fenced_for FROM stock_levels ORDER BY sku, warehouse, partition"


def corrupt(database: Database, *lies: str) -> None:
    """Write past every flow; the constraints of the table still hold."""

    def write(tx: Transaction) -> None:
        for lie in ("SET LOCAL session_replication_role = replica", *lies):
            tx.connection.execute(text(lie))

    database.run(write, given.cause())


@pytest.fixture
def unconstrained(database: Database) -> Iterator[Database]:
    """A database that takes figures which cannot be."""
    database.statement(text("ALTER TABLE stock_levels DROP CONSTRAINT never_oversold"))
    yield database
    database.statement(
        text("UPDATE stock_levels SET on_hand = greatest(on_hand, 0) + 99,"
             " reserved = greatest(reserved, 0), held = greatest(held, 0)")
    )  # fmt: skip
    database.statement(
        text("ALTER TABLE stock_levels ADD CONSTRAINT never_oversold CHECK ("
             "0 <= reserved AND 0 <= held AND reserved + held <= on_hand)")
    )  # fmt: skip


def count(database: Database, units: int, at: TestClock, *, count_id: str = "cnt_1") -> None:
    event = StockCounted(
        warehouse="BER",
        count_id=count_id,
        counted_at=at.now,
        lines=(CountedUnits(sku="MUG", on_hand=units),),
    )
    given.apply(database, count_stock, event)


def told(database: Database, kind: str) -> list[dict[str, object]]:
    return [
        body
        for (body,) in given.rows(
            database,
            f"SELECT body::json FROM outbox WHERE attributes->>'ce-type' = '{kind}'"
            " ORDER BY outbox_id",
        )
    ]


def promised(database: Database) -> None:
    """Nine mugs, of which an order has two and a cart three; five pens that nobody wants."""
    given.catalogue(database, {"BER": {"MUG": 9, "PEN": 5}})
    ordered(database, "ord_1", 2)
    hold(database, "hold_1", {("MUG", "BER"): 3})
    given.silence(database)


def test_books_that_are_right_are_left_alone(database: Database) -> None:
    promised(database)
    spread(database, 3)
    partitioned.allot(database, 2)
    given.silence(database)
    before = given.rows(database, "SELECT * FROM stock_levels ORDER BY 1, 2, 3")

    report = reconcile(database)

    assert (report.balances, report.repaired, report.fenced, report.lifted) == (2, 0, 0, 0)
    assert given.rows(database, "SELECT * FROM stock_levels ORDER BY 1, 2, 3") == before
    assert given.rows(database, DRIFTS) == []
    assert given.told(database) == []


@pytest.mark.parametrize(
    ("lie", "drift"),
    [
        ("UPDATE stock_levels SET reserved = 4", ("reserved", 4, 2)),
        ("UPDATE stock_levels SET reserved = 0", ("reserved", 0, 2)),
        ("UPDATE stock_levels SET held = 6", ("held", 6, 3)),
        ("UPDATE stock_levels SET held = 0", ("held", 0, 3)),
        ("UPDATE stock_levels SET on_hand = 7", ("on_hand", 7, 9)),
        ("UPDATE stock_levels SET on_hand = 12", ("on_hand", 12, 9)),
        ("UPDATE stock_movements SET quantity = 8", ("on_hand", 9, 8)),
        ("DELETE FROM stock_movements", ("on_hand", 9, 0)),
    ],
)
def test_a_drift_is_repaired_with_an_entry_and_kept_with_what_explains_it(
    database: Database, lie: str, drift: tuple[str, int, int]
) -> None:
    promised(database)
    corrupt(database, f"{lie} WHERE sku = 'MUG'")

    report = reconcile(database)

    assert (report.balances, report.repaired, report.fenced) == (2, 1, 0)
    assert given.rows(database, DRIFTS) == [("MUG", 0, *drift, "repaired")]
    assert given.rows(database, "SELECT run_id, actor, found_at IS NOT NULL FROM stock_drifts") == [
        (report.run_id, "nightly", True)
    ]
    figure, found, explained = drift
    assert given.rows(
        database,
        "SELECT quantity, reference, actor FROM stock_movements WHERE kind = 'repair'",
    ) == ([(found - explained, report.run_id, "nightly")] if figure == "on_hand" else [])
    assert given.violations(database) == []
    assert reconcile(database).repaired == 0


def test_on_hand_that_contradicts_the_ledger_asks_for_a_count(database: Database) -> None:
    promised(database)
    corrupt(
        database,
        "UPDATE stock_levels SET on_hand = 8 WHERE sku = 'MUG'",
        "UPDATE stock_levels SET reserved = 1 WHERE sku = 'PEN'",
    )

    reconcile(database)

    assert told(database, "dispatch.stock.count_wanted.v1") == [
        {"warehouse": "BER", "skus": ["MUG"], "fenced": []}
    ]


def test_units_that_were_reserved_for_nobody_go_to_who_waits_first(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 3}})
    corrupt(database, "UPDATE stock_levels SET reserved = 3")
    ordered(database, "waits", 2)
    given.silence(database)

    reconcile(database)
    assert given.told(database) == ["work.place_order", "stock.increased"]
    ordered(database, "new", 2)
    partitioned.place(database, "waits")

    assert states(database) == ["backordered", "placed"]
    assert given.violations(database) == []


def test_what_is_promised_beyond_on_hand_is_fenced_off_and_nothing_is_changed(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    # Goal: a balance that the table's CHECK permits, and that cannot be repaired without breaking
    # it: parcels have more than there is. Whoever was promised keeps it, nobody new gets any.
    given.catalogue(database, {"BER": {"MUG": 9}, "LIS": {"MUG": 2}})
    ordered(database, "ord_1", 5)
    corrupt(
        database,
        "UPDATE stock_levels SET on_hand = 4, reserved = 1 WHERE warehouse = 'BER'",
    )
    given.silence(database)
    capsys.readouterr()

    report = reconcile(database)

    assert (report.repaired, report.fenced) == (0, 1)
    assert given.rows(database, DRIFTS) == [
        ("MUG", 0, "on_hand", 4, 9, "fenced"),
        ("MUG", 0, "reserved", 1, 5, "fenced"),
        ("MUG", 0, "promised", 5, 4, "fenced"),
    ]
    assert rows(database) == [
        (0, 4, 1, 0, "fewer are on hand than are promised"),
        (0, 2, 0, 0, ""),
    ]
    assert told(database, "dispatch.stock.count_wanted.v1") == [
        {"warehouse": "BER", "skus": ["MUG"], "fenced": ["MUG"]}
    ]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (paged,) = (line for line in lines if line["severity"] == "CRITICAL")
    assert paged["message"] == "stock.fenced_off"
    assert (paged["sku"], paged["warehouse"], paged["partition"]) == ("MUG", "BER", 0)
    # The other warehouse promises as before.
    ordered(database, "ord_2", 2)
    ordered(database, "ord_3", 1)
    assert states(database) == ["placed", "placed", "backordered"]


def test_a_negative_row_is_fenced_off_and_the_others_of_its_spread_go_on(
    unconstrained: Database,
) -> None:
    database = unconstrained
    given.catalogue(database, {"BER": {"MUG": 6}})
    spread(database, 3)
    corrupt(database, "UPDATE stock_levels SET on_hand = -7 WHERE partition = 1")

    report = reconcile(database)

    assert report.fenced == 1
    assert given.rows(database, DRIFTS) == [("MUG", 1, "on_hand", -7, 0, "fenced")]
    assert given.rows(database, FENCES) == [(None,), ("on hand is below zero",), (None,)]
    for number in range(5):
        ordered(database, f"ord_{number}")
    assert states(database) == ["placed"] * 4 + ["backordered"]


def test_negative_promises_are_what_parcels_and_holds_say_again(unconstrained: Database) -> None:
    database = unconstrained
    promised(database)
    corrupt(database, "UPDATE stock_levels SET reserved = -3, held = -1 WHERE sku = 'MUG'")

    assert reconcile(database).repaired == 1
    assert given.violations(database) == []


def test_what_was_promised_of_what_never_had_a_balance_is_fenced_off(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}, "LIS": {}})
    ordered(database, "ord_1", 2)
    corrupt(
        database,
        "UPDATE parcels SET warehouse = 'LIS'",
    )

    report = reconcile(database)

    assert (report.repaired, report.fenced) == (1, 1)
    assert given.rows(database, FENCES) == [(None,), ("fewer are on hand than are promised",)]
    assert given.rows(
        database, "SELECT on_hand, reserved FROM stock_levels ORDER BY warehouse"
    ) == [
        (9, 0),
        (0, 0),
    ]


def test_a_row_that_is_fenced_off_is_found_once_and_pages_every_night(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}})
    ordered(database, "ord_1", 5)
    corrupt(database, "UPDATE stock_levels SET on_hand = 4, reserved = 1")
    reconcile(database)
    found = given.rows(database, DRIFTS)
    given.silence(database)
    capsys.readouterr()

    assert reconcile(database).fenced == 1

    assert given.rows(database, DRIFTS) == found
    assert given.told(database) == []
    assert '"CRITICAL"' in capsys.readouterr().out


def test_reconciliation_lifts_the_fence_when_the_row_is_right_again(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}})
    ordered(database, "ord_1", 3)
    ordered(database, "ord_2", 2)
    corrupt(database, "UPDATE stock_levels SET on_hand = 4, reserved = 4")
    reconcile(database)
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))
    given.silence(database)

    report = reconcile(database)

    assert (report.fenced, report.lifted) == (0, 1)
    assert rows(database) == [(0, 4, 2, 0, "")]
    assert given.told(database) == ["stock.increased", "stock.count_wanted"]
    assert given.violations(database) == []


def test_a_count_says_what_is_there_and_lifts_the_fence(
    database: Database, clock: TestClock
) -> None:
    # Goal: what is there was counted; what is promised is what parcels say, and not the row.
    given.catalogue(database, {"BER": {"MUG": 9}})
    ordered(database, "ord_1", 5)
    corrupt(database, "UPDATE stock_levels SET on_hand = 4, reserved = 1")
    reconcile(database)
    given.silence(database)
    clock.advance(minutes=1)

    with pytest.raises(CountBelowReserved, match="but 5 are promised"):
        count(database, 4, clock)
    count(database, 7, clock)

    assert rows(database) == [(0, 7, 5, 0, "")]
    assert told(database, "dispatch.stock.increased.v1") == [
        {"warehouse": "BER", "available": {"MUG": 2}}
    ]
    assert given.rows(database, "SELECT counted_at FROM stock_levels") == [(clock.now,)]
    reconcile(database)
    assert given.violations(database) == []
    count(database, 7, clock)
    assert rows(database) == [(0, 7, 5, 0, "")]


def test_a_count_of_a_spread_balance_makes_every_row_right(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}})
    spread(database, 3)
    ordered(database, "ord_1", 9)
    corrupt(database, "UPDATE stock_levels SET on_hand = 1, reserved = 0 WHERE partition = 1")
    spread_before = given.rows(database, "SELECT spread_from, spread FROM stock_levels")
    assert reconcile(database).fenced == 1
    clock.advance(minutes=1)

    count(database, 10, clock)

    assert [row[2:] for row in rows(database)] == [(3, 0, "")] * 3
    assert sum(row[1] for row in rows(database)) == 10
    assert given.rows(database, "SELECT spread_from, spread FROM stock_levels") == spread_before
    reconcile(database)
    assert given.violations(database) == []


def test_a_shut_row_that_was_fenced_off_is_shut_again(database: Database, clock: TestClock) -> None:
    given.catalogue(database, {"BER": {"MUG": 4}})
    spread(database, 2)
    ordered(database, "ord_1", 4)
    spread(database, 1)
    corrupt(database, "UPDATE stock_levels SET on_hand = 0, reserved = 0 WHERE partition = 1")
    reconcile(database)
    assert given.rows(database, FENCES)[1] == ("fewer are on hand than are promised",)
    clock.advance(minutes=1)

    count(database, 4, clock)

    assert rows(database) == [(0, 2, 2, 0, ""), (1, 2, 2, 0, "shut")]
    reconcile(database)
    assert given.violations(database) == []


def test_a_repair_is_no_movement_for_a_count_that_comes_late(
    database: Database, clock: TestClock
) -> None:
    # Goal: eight are counted; the ledger is repaired in the night; the count comes in the morning.
    given.catalogue(database, {"BER": {"MUG": 9}})
    clock.advance(minutes=1)
    counted = TestClock()
    counted.now = clock.now
    clock.advance(hours=1)
    corrupt(database, "UPDATE stock_levels SET on_hand = 20")
    reconcile(database)

    count(database, 8, counted)

    assert rows(database) == [(0, 8, 0, 0, "")]
    assert given.violations(database) == []


def test_many_balances_are_looked_at_and_mended_in_short_steps(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "LOOKED_AT_ONCE", 4)
    monkeypatch.setattr(flow, "MENDED_AT_ONCE", 2)
    skus = [f"SKU-{number}" for number in range(9)]
    given.catalogue(database, {"BER": dict.fromkeys(skus, 3), "LIS": dict.fromkeys(skus, 3)})
    corrupt(database, "UPDATE stock_levels SET reserved = 1 WHERE sku <> 'SKU-4'")
    steps = []

    def run(step: "partial[Result]") -> Result:
        steps.append(step)
        return database.run(step, given.cause())

    report = reconcile_stock(run, "ada")  # type: ignore[arg-type]

    assert (report.balances, report.repaired) == (18, 16)
    assert len(steps) >= 8
    assert given.violations(database) == []


def test_a_crash_between_two_steps_loses_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "MENDED_AT_ONCE", 1)
    given.catalogue(database, {"BER": {"MUG": 3, "PEN": 3, "TEA": 3}})
    corrupt(database, "UPDATE stock_levels SET on_hand = 2")
    left = [2]

    def dying(step: "partial[Result]") -> Result:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return database.run(step, given.cause())

    with pytest.raises(KeyboardInterrupt):
        reconcile_stock(dying, "ada")  # type: ignore[arg-type]
    assert len(given.rows(database, DRIFTS)) == 2

    assert reconcile(database).repaired == 1
    assert given.rows(database, "SELECT count(*) FROM stock_movements WHERE kind = 'repair'") == [
        (3,)
    ]
    assert given.violations(database) == []


def test_what_happens_at_this_moment_is_no_drift(database: Database, clock: TestClock) -> None:
    # Goal: orders are placed and cancelled, and units are laid anew, while the books are compared.
    given.catalogue(database, {"BER": {"MUG": 40}})
    spread(database, 4)
    names = [f"ord_{number:02}" for number in range(30)]
    for name in names:
        given.order(database, name, {"MUG": 1})
    start = Barrier(4)

    def work(mine: Sequence[str]) -> None:
        start.wait(timeout=10)
        for name in mine:
            partitioned.insist(partial(partitioned.place, database, name))
            cancelled = OrderCancelled(order_id=name, reason="no")
            partitioned.insist(partial(given.apply, database, cancel_order, cancelled))

    def compare() -> list[int]:
        start.wait(timeout=10)
        found = []
        for _ in range(8):
            report = reconcile(database)
            found.append(report.repaired + report.fenced)
        return found

    def lay_anew() -> None:
        start.wait(timeout=10)
        for into in (1, 4, 2):
            partitioned.insist(partial(spread, database, into))
            partitioned.insist(partial(partitioned.empty, database))

    with ThreadPoolExecutor(max_workers=4) as workers:
        busy = [workers.submit(work, names[first::2]) for first in range(2)]
        busy.append(workers.submit(lay_anew))
        found = workers.submit(compare).result(timeout=60)
        for done in busy:
            done.result(timeout=60)

    assert found == [0] * 8
    assert given.rows(database, DRIFTS) == []
    assert given.violations(database) == []


def test_two_that_reconcile_at_once_repair_each_drift_once(database: Database) -> None:
    skus = [f"SKU-{number}" for number in range(9)]
    given.catalogue(database, {"BER": dict.fromkeys(skus, 3)})
    corrupt(database, "UPDATE stock_levels SET on_hand = 5")
    start = Barrier(2)

    def compare(_number: int) -> int:
        start.wait(timeout=10)
        return reconcile(database).repaired

    with ThreadPoolExecutor(max_workers=2) as workers:
        assert sum(workers.map(compare, range(2))) == 9

    assert len(given.rows(database, DRIFTS)) == 9
    assert given.violations(database) == []


def test_a_lie_of_yesterday_and_a_sale_do_not_stand_in_each_others_way(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}})
    partitioned.allot(database, 4, into=2)
    corrupt(database, "UPDATE stock_levels SET reserved = 1 WHERE partition = 65")
    clock.advance(days=1)

    assert reconcile(database).repaired == 1
    ordered(database, "ord_1", 4, sale="friday")

    assert states(database) == ["placed"]
    assert [row[1:3] for row in rows(database)] == [(5, 0), (2, 2), (2, 2)]
    assert given.violations(database) == []
