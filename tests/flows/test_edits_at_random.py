"""Whatever is edited while others order, pick and cancel: nobody loses what they still want.

Hypothesis makes up what happens. What is drawn in one turn happens at the same time, in threads of
its own; then everything is audited, and every order is compared with what it had before.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from shared.contracts.orders import OrderAmended, OrderCancelled, OrderedLine
from shared.flows.cancel_order import cancel_order
from shared.flows.change_order import change_order
from shared.flows.short_pick import short_pick
from shared.kit.errors import NotYet, Rejected
from shared.orders import backorder_caps
from shared.platform.db import Database
from tests.flows import doubles, partitioned, reports
from tests.flows.test_expire_holds import expire
from tests.flows.test_hold_stock import hold
from tests.support import given
from tests.support.clock import TestClock
from tests.support.database import empty

pytestmark = pytest.mark.slow

AT_ONCE = 3
COMPONENTS = {"MUG": {"MUG": 1}, "PEN": {"PEN": 1}, "SET": {"MUG": 1, "PEN": 2}}
# What is in parcels that were not cancelled, and what is kept of parcels that were.
HAD = """
    SELECT parcels.order_id, item.sku, item.quantity
      FROM parcels JOIN parcel_items AS item USING (parcel_id) WHERE state <> 'cancelled'
     UNION ALL
    SELECT for_order, sku, quantity FROM stock_holds JOIN stock_hold_items USING (hold_id)
     WHERE state = 'open' AND purpose = 'order'
"""
ASKED = "SELECT order_id, sku, quantity FROM order_lines"
WANTED = "SELECT order_id, sku, quantity - cancelled FROM order_lines"
SECURED = "SELECT order_id, sku, secured FROM order_lines"

wants = st.dictionaries(st.sampled_from(sorted(COMPONENTS)), st.integers(1, 4), min_size=1)
numbers = st.integers(0, 20)

Units = Mapping[str, Counter[str]]  # order -> SKU -> units


class Shop(RuleBasedStateMachine):
    """Two warehouses with too little, and customers who change their minds."""

    def __init__(self, database: Database, clock: TestClock) -> None:
        super().__init__()
        self.database, self.clock = database, clock
        self.batch: list[Callable[[], object]] = []
        self.orders: list[str] = []
        self.edited = Counter[str]()  # in this turn
        self.let_go: set[str] = set()  # may lose in this turn: units of them were missed
        self.cancelled: set[str] = set()
        self.names = count(1)
        empty(database)
        given.catalogue(database, {"BER": {"MUG": 5, "PEN": 4}, "LIS": {"MUG": 3, "PEN": 5}})
        given.kit(database, "SET", COMPONENTS["SET"])
        self.cap(2, "MUG")
        for wanted in ({"MUG": 2, "PEN": 2}, {"SET": 2}, {"MUG": 3}):
            self.order(wanted, named=False)
        self._together()

    @rule(wants=wants, named=st.booleans())
    def order(self, wants: dict[str, int], *, named: bool) -> None:
        name = f"ord_{next(self.names)}"

        def act() -> None:
            given.order(self.database, name, wants, hold_id="cart" if named else None)
            partitioned.place(self.database, name)

        self._do(act)
        self.orders.append(name)

    @rule(wants=wants)
    def fill_the_cart(self, wants: dict[str, int]) -> None:
        self._do(partial(hold, self.database, "cart", wants))

    @rule(number=numbers, wants=wants, and_place=st.booleans())
    def edit(self, number: int, wants: dict[str, int], *, and_place: bool) -> None:
        self._edit(number, lambda _old: wants, and_place=and_place)

    @rule(number=numbers, sku=st.sampled_from(sorted(COMPONENTS)), more=st.integers(-2, 2))
    def edit_a_line(self, number: int, sku: str, more: int) -> None:
        def changed(old: dict[str, int]) -> dict[str, int]:
            new = {**old, sku: old.get(sku, 0) + more}
            return {name: units for name, units in new.items() if units > 0}

        self._edit(number, changed, and_place=True)

    @rule(number=numbers)
    def cancel(self, number: int) -> None:
        name = self._order(number)
        event = OrderCancelled(order_id=name, reason="no")
        self.cancelled.add(name)
        self._do(partial(given.apply, self.database, cancel_order, event))

    @rule(number=numbers, which=st.integers(0, 1))
    def pick(self, number: int, which: int) -> None:
        name = self._order(number)
        doubles.labelled(self.database, name)
        for parcel_id in doubles.parcels_of(self.database, name)[which : which + 1]:
            self._do(partial(doubles.picked, self.database, parcel_id))

    @rule(number=numbers, sku=st.sampled_from(["MUG", "PEN"]))
    def miss_a_unit(self, number: int, sku: str) -> None:
        name = self._order(number)
        self.let_go.add(name)
        found = f"""
            SELECT parcel_id, warehouse FROM parcels JOIN parcel_items USING (parcel_id)
             WHERE parcels.order_id = '{name}' AND state <> 'cancelled' AND sku = '{sku}'
        """
        for parcel_id, warehouse in given.rows(self.database, found)[:1]:
            event = reports.missing(parcel_id, (sku, warehouse), self.clock.now)
            self._do(partial(given.apply, self.database, short_pick, event))

    @rule(sku=st.sampled_from(["MUG", "PEN"]), units=st.integers(1, 2))
    def receive(self, sku: str, units: int) -> None:
        self._do(partial(given.receive, self.database, "BER", {sku: units}))

    @rule(units=st.integers(0, 4), sku=st.sampled_from(sorted(COMPONENTS)))
    def cap(self, units: int, sku: str) -> None:
        put = partial(backorder_caps.put, caps={sku: units})
        self.database.run(put, given.cause())

    @rule()
    def place_all(self) -> None:
        for name in self.orders:
            self._do(partial(partitioned.place, self.database, name))

    @rule(hours=st.integers(1, 3))
    def wait(self, hours: int) -> None:
        self._together()
        self.clock.advance(hours=hours)
        expire(self.database)
        self._check()

    def _edit(
        self,
        number: int,
        change: Callable[[dict[str, int]], dict[str, int]],
        *,
        and_place: bool,
    ) -> None:
        name, revision = self._order(number), 1 + next(self.names)
        self.edited[name] += 1
        if self.edited[name] > 1:  # what the first of them gives back the second may want again
            self.let_go.add(name)

        def act() -> None:
            lines = f"SELECT line_no, sku, quantity FROM order_lines WHERE order_id = '{name}'"
            old = {
                sku: (line_no, units) for line_no, sku, units in given.rows(self.database, lines)
            }
            new = change({sku: units for sku, (_, units) in old.items()})
            free = (n for n in count(1) if n not in {line_no for line_no, _ in old.values()})
            said = [
                OrderedLine(
                    line_no=old[sku][0] if sku in old else next(free),
                    sku=sku,
                    quantity=units,
                    unit_price_cents=1_000,
                )
                for sku, units in new.items()
            ]
            if said:
                event = OrderAmended(order_id=name, revision=revision, lines=tuple(said))
                given.apply(self.database, change_order, event)
            if and_place:
                partitioned.place(self.database, name)

        self._do(act)

    def _order(self, number: int) -> str:
        return self.orders[number % len(self.orders)]

    def _do(self, act: Callable[[], object]) -> None:
        self.batch.append(act)
        if len(self.batch) == AT_ONCE:
            self._together()

    def _together(self) -> None:
        had, secured = self._units(HAD), self._units(SECURED)

        def happen(act: Callable[[], object]) -> None:
            with suppress(Rejected, NotYet):  # what is refused has changed nothing
                act()

        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            list(pool.map(happen, self.batch))
        self.batch.clear()
        self.clock.advance(minutes=1)
        self._check()
        self._compare(had, secured)
        self.let_go.clear()
        self.edited.clear()

    def _check(self) -> None:
        assert given.violations(self.database) == []

    def _compare(self, had: Units, secured: Units) -> None:
        """Whoever did not cancel has what they had of what they want, whatever others did."""
        has, wanted, asked = (self._units(sql) for sql in (HAD, WANTED, ASKED))
        states = dict(given.rows(self.database, "SELECT order_id, state FROM orders"))
        for name in secured.keys() - self.cancelled - self.let_go:
            if secured[name] & asked[name]:  # who wants nothing but other things may be sold out
                assert states[name] != "cancelled", name
            still = secured[name] & wanted.get(name, Counter())
            owed = had.get(name, Counter()) & _parts(still)
            assert owed <= has.get(name, Counter()), (name, owed, has.get(name))

    def _units(self, sql: str) -> dict[str, Counter[str]]:
        found: dict[str, Counter[str]] = {}
        for name, sku, units in given.rows(self.database, sql):
            if units:
                found.setdefault(name, Counter())[sku] += units
        return found

    def teardown(self) -> None:
        """In the end everybody lets go, and nothing is left promised to anybody."""
        self._together()
        for name in self.orders:
            self.cancel(self.orders.index(name))
        self._together()
        self.clock.advance(days=1)
        while expire(self.database):
            pass
        self._check()
        assert given.rows(self.database, "SELECT sum(held) FROM stock_levels") == [(0,)]


def _parts(wanted: Counter[str]) -> Counter[str]:
    found = Counter[str]()
    for sku, units in wanted.items():
        for part, each in COMPONENTS[sku].items():
            found[part] += each * units
    return found


def test_an_edit_never_costs_what_is_still_wanted(database: Database, clock: TestClock) -> None:
    # Goal: no interleaving of edits, picks, caps and rivals takes from an order what it had and
    # wants, cancels what was promised, or leaves anything promised to nobody.
    class Here(Shop):
        def __init__(self) -> None:
            super().__init__(database, clock)

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=25,
            phases=[Phase.generate],  # what happens at once does not happen again in the same way
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
