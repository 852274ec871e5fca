"""Whatever happens to a balance in whatever order, no unit is lost, made, or promised twice."""

from contextlib import suppress
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.contracts.orders import OrderCancelled
from shared.contracts.stock import AdjustedUnits, AdjustmentKind, CountedUnits, StockAdjusted
from shared.contracts.stock import StockCounted as Counted
from shared.flows.adjust_stock import adjust_stock
from shared.flows.cancel_order import cancel_order
from shared.flows.count_stock import count_stock
from shared.holds.types import HoldConflict, NotEnoughStock
from shared.platform.db import Database
from shared.stock.types import AdjustmentBelowPromised, BalanceFencedOff, NotEnoughToAllot
from tests.flows import partitioned
from tests.flows.test_expire_holds import expire
from tests.flows.test_hold_stock import hold
from tests.support import given as start
from tests.support.clock import TestClock
from tests.support.database import empty

pytestmark = pytest.mark.slow

UNITS = st.integers(1, 4)
SALE = st.sampled_from([None, "friday", "monday"])
STEPS = st.one_of(
    st.tuples(st.just("spread"), st.integers(1, 5)),
    st.tuples(st.just("allot"), UNITS, st.sampled_from(["friday", "monday"])),
    st.tuples(st.just("end"), st.sampled_from(["friday", "monday"])),
    st.tuples(st.just("order"), UNITS, SALE),
    st.tuples(st.just("order"), UNITS, SALE),
    st.tuples(st.just("cancel"), st.integers(0, 30)),
    st.tuples(st.just("hold"), UNITS, SALE),
    st.tuples(st.just("wait"), st.integers(1, 1_500)),
    st.tuples(st.just("empty")),
    st.tuples(st.just("receive"), UNITS),
    st.tuples(st.just("adjust"), st.sampled_from(AdjustmentKind), UNITS),
    st.tuples(st.just("count"), st.integers(0, 20)),
    st.tuples(st.just("safety"), st.integers(0, 6)),
    st.tuples(st.just("reconcile")),
)
REFUSED = (
    AdjustmentBelowPromised,
    BalanceFencedOff,
    HoldConflict,
    NotEnoughStock,
    NotEnoughToAllot,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(STEPS, min_size=10, max_size=30))
def test_the_books_of_a_balance_are_right_after_every_step(
    database: Database, clock: TestClock, steps: list[tuple[object, ...]]
) -> None:
    # Goal: every flow that touches a balance goes on working however its units are laid. The model
    # is one number: what came and went. The auditor knows all the rest.
    empty(database)
    start.catalogue(database, {"BER": {"MUG": 12}})
    names, units = count(), 12
    for step in steps:
        clock.advance(seconds=1)
        with suppress(*REFUSED):
            units = _take(database, clock, step, units, next(names))
        assert sum(row[1] for row in partitioned.rows(database)) == units, step
        assert start.violations(database) == [], step
    _nothing_is_left_unsold(database, clock)


def _take(
    database: Database, clock: TestClock, step: tuple[object, ...], units: int, number: int
) -> int:
    """Take a step; returns how many units are on hand after it."""
    match step:
        case ("receive", int(n)):
            start.receive(database, "BER", {"MUG": n})
            return units + n
        case ("adjust", AdjustmentKind() as kind, int(n)):
            line = AdjustedUnits(sku="MUG", kind=kind, quantity=n, reason="R")
            adjusted = StockAdjusted(
                warehouse="BER",
                adjustment_id=f"adj_{number}",
                adjusted_at=clock.now,
                lines=(line,),
            )
            start.apply(database, adjust_stock, adjusted)
            return units + (n if kind is AdjustmentKind.UP else -n)
        case ("count", int(n)):
            counted = Counted(
                warehouse="BER",
                count_id=f"cnt_{number}",
                counted_at=clock.now,
                lines=(CountedUnits(sku="MUG", on_hand=n),),
            )
            start.apply(database, count_stock, counted)
            return units if _is_open(database) else n
        case ("reconcile",):
            was_open = _is_open(database)
            report = partitioned.reconcile(database)
            assert report.repaired == 0
            assert was_open == bool(report.fenced or report.lifted)
            # What a count is worth by then is for test_stock_at_random to say.
            is_settled = was_open and not _is_open(database)
            return sum(row[1] for row in partitioned.rows(database)) if is_settled else units
        case ("order" | "cancel" | "hold" | "wait", *_):
            _as_customers(database, clock, step, number)
        case _:
            _as_operators(database, step)
    return units


def _as_customers(
    database: Database, clock: TestClock, step: tuple[object, ...], number: int
) -> None:
    match step:
        case ("order", int(n), sale):
            partitioned.ordered(database, f"ord_{number:02}", n, sale=sale)
        case ("cancel", int(which)):
            event = OrderCancelled(order_id=f"ord_{which:02}", reason="no")
            start.apply(database, cancel_order, event)
        case ("hold", int(n), sale):
            hold(database, f"hold_{number}", {"MUG": n}, sale=sale)
        case ("wait", int(seconds)):
            clock.advance(seconds=seconds)
            expire(database)


def _as_operators(database: Database, step: tuple[object, ...]) -> None:
    match step:
        case ("spread", int(into)):
            partitioned.spread(database, into)
        case ("allot", int(n), str(sale)):
            partitioned.allot(database, n, sale=sale)
        case ("end", str(sale)):
            partitioned.end(database, sale)
        case ("empty",):
            partitioned.empty(database)
        case ("safety", int(n)):
            start.keep_back(database, "BER", {"MUG": n})


def _is_open(database: Database) -> bool:
    """Whether a count found fewer than was promised, and that is not settled."""
    return start.rows(database, "SELECT count(*) FROM open_counts") != [(0,)]


def _nothing_is_left_unsold(database: Database, clock: TestClock) -> None:
    """When all is quiet, everything but the safety of one row can be promised."""
    clock.advance(days=1)
    while expire(database):
        clock.advance(minutes=10)
    for sale in ("friday", "monday"):
        partitioned.end(database, sale)
    if _is_open(database):
        _take(database, clock, ("count", sum(row[1] for row in partitioned.rows(database))), 0, 99)
    partitioned.empty(database)
    partitioned.spread(database, 1)
    found = partitioned.rows(database)
    assert all(on_hand == promised for _, on_hand, promised, *_ in found[1:])
    assert {fence for *_, fence in found[1:]} <= {"shut"}
    assert start.violations(database) == []
