"""Reconciliation: every drift is found and repaired, and what is right is left alone."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest

from shared.contracts.orders import OrderAmended, OrderCancelled, OrderedLine
from shared.flows import reconcile_stock as flow
from shared.flows.cancel_order import cancel_order
from shared.flows.change_order import change_order
from shared.flows.reconcile_stock import reconcile_stock
from shared.flows.steps import Result
from shared.platform.db import Database
from tests.flows import partitioned
from tests.flows.drifting import DRIFTS, corrupt, count, promised, told
from tests.flows.partitioned import ordered, reconcile, rows, spread, states
from tests.support import given
from tests.support.clock import TestClock


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
    # Names that Postgres and Python may put in another order.
    skus = ["SKU-1", "SKU-4", "SKU_2", "SKU.3", "SKU10", "a", "B", "c", "A-1"]
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


def test_a_drift_is_repaired_by_what_is_true_under_the_lock(database: Database) -> None:
    # Goal: orders go on being placed from a balance that has drifted, while it is repaired.
    given.catalogue(database, {"BER": {"MUG": 40, "TEA": 40}})
    corrupt(
        database,
        "UPDATE stock_levels SET reserved = 5 WHERE sku = 'MUG'",
        "UPDATE stock_levels SET on_hand = 38 WHERE sku = 'TEA'",
    )
    names = [f"ord_{number:02}" for number in range(24)]
    for name in names:
        given.order(database, name, {"MUG": 1, "TEA": 1})
    start = Barrier(4)

    def place(mine: Sequence[str]) -> None:
        start.wait(timeout=10)
        for name in mine:
            partitioned.insist(partial(partitioned.place, database, name))

    def repair() -> int:
        start.wait(timeout=10)
        return sum(reconcile(database).repaired for _ in range(6))

    with ThreadPoolExecutor(max_workers=4) as workers:
        placing = [workers.submit(place, names[first::3]) for first in range(3)]
        repaired = workers.submit(repair).result(timeout=60)
        for done in placing:
            done.result(timeout=60)

    assert repaired == 2
    assert states(database) == ["placed"] * 24
    assert given.violations(database) == []


def test_what_is_kept_for_an_order_that_is_placed_is_given_back(database: Database) -> None:
    # Goal: code that did not know what an edit keeps placed the order from other units.
    promised(database)
    line = OrderedLine(line_no=1, sku="MUG", quantity=1, unit_price_cents=1_000)
    event = OrderAmended(order_id="ord_1", revision=2, lines=(line,))
    given.apply(database, change_order, event)
    kept = "UPDATE stock_holds SET for_order = {} WHERE purpose = 'order'"
    corrupt(database, kept.format("'nobody'"))
    given.place(database, "ord_1")
    corrupt(database, kept.format("'ord_1'"))
    assert given.rows(database, "SELECT reserved, held FROM stock_levels WHERE sku = 'MUG'") == [
        (1, 4)
    ]

    report = reconcile(database)

    assert report.repaired == 1
    assert given.rows(database, "SELECT reserved, held FROM stock_levels WHERE sku = 'MUG'") == [
        (1, 3)
    ]
    assert given.violations(database) == []
