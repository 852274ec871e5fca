"""Whatever happens to holds in whatever order, what is held is what open holds say."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.holds.types import HoldConflict, HoldEnded, NotEnoughStock, UnknownHold
from shared.platform.db import Database
from shared.platform.sql import text
from tests.flows.test_expire_holds import expire
from tests.flows.test_hold_stock import hold, release, renew
from tests.support import given as start
from tests.support.clock import TestClock
from tests.support.database import empty

CARTS = st.sampled_from("abcd")
WANTS = st.dictionaries(st.sampled_from(["MUG", "PEN", "SET"]), st.integers(1, 3), min_size=1)
STEPS = st.one_of(
    st.tuples(st.just("hold"), CARTS, WANTS),
    st.tuples(st.just("hold"), CARTS, WANTS),
    st.tuples(st.just("order"), CARTS, WANTS),
    st.tuples(st.just("renew"), CARTS),
    st.tuples(st.just("release"), CARTS),
    st.tuples(st.just("wait"), st.integers(1, 1_200)),
)


@pytest.mark.slow
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(STEPS, min_size=5, max_size=20))
def test_what_is_held_is_what_open_holds_say(
    database: Database, clock: TestClock, steps: list[tuple[object, ...]]
) -> None:
    # Goal: hold, renew, release, expire, consume and keep for the waitlist never lose a unit. The
    # auditor compares every balance with its holds; the model knows which carts have ended.
    empty(database)
    start.catalogue(database, {"BER": {"MUG": 4, "PEN": 3}, "LIS": {"MUG": 2}})
    start.kit(database, "SET", {"MUG": 1, "PEN": 1})
    ended: set[object] = set()
    for number, step in enumerate(steps):
        with suppress(HoldConflict, HoldEnded, NotEnoughStock, UnknownHold):
            match step:
                case ("hold", str(cart), dict(wants)):
                    hold(database, cart, wants)
                case ("order", str(cart), dict(wants)):
                    start.order(database, f"ord_{number}", wants, hold_id=cart)
                    start.place(database, f"ord_{number}")
                case ("renew", str(cart)):
                    renew(database, cart)
                    assert cart not in ended
                case ("release", str(cart)):
                    release(database, cart)
                    ended.add(cart)
                case ("wait", int(seconds)):
                    clock.advance(seconds=seconds)
                    expire(database)
        assert start.violations(database) == []
    clock.advance(days=1)
    while expire(database):
        clock.advance(minutes=10)
    assert database.statement(text("SELECT sum(held) FROM stock_levels"))[0][0] == 0
    assert start.violations(database) == []
