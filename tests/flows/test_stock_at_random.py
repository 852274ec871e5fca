"""Whatever happens to stock, in whatever order and at once: the books say what lies on the shelves.

Hypothesis makes up what happens. What is drawn in one turn happens at the same time, in threads of
its own; then every balance is compared with the model, and everything with the auditor.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from shared.contracts.orders import OrderAmended, OrderCancelled, OrderedLine
from shared.contracts.stock import AdjustmentKind, Disposition
from shared.flows.adjust_stock import adjust_stock
from shared.flows.cancel_order import cancel_order
from shared.flows.change_order import change_order
from shared.flows.count_stock import count_stock
from shared.flows.receive_stock import receive_stock
from shared.flows.release_stock import release_stock
from shared.flows.return_stock import return_stock
from shared.flows.short_pick import short_pick
from shared.flows.track_parcel import track_parcel
from shared.kit.errors import NotYet, Rejected
from shared.platform.db import Database
from tests.flows import doubles, partitioned, reports, transfers, updates
from tests.flows.shelves import OPENING, Effect, Place, Shelves, stocked
from tests.flows.test_expire_holds import expire
from tests.flows.test_hold_stock import hold, release
from tests.support import given
from tests.support.clock import TestClock
from tests.support.database import empty

pytestmark = pytest.mark.slow

Act = Callable[[], Iterable[Effect]]

AT_ONCE = 3
_ARRIVAL = ("transfer_in", transfers.receive)
OPEN = "SELECT sku, warehouse FROM open_counts"
ON_HAND = "SELECT sku, warehouse, sum(on_hand) FROM stock_levels GROUP BY sku, warehouse"
PARCELS = """
    SELECT parcel_id, warehouse, state, tracking_code, sku, sum(quantity)
      FROM parcels JOIN parcel_items USING (parcel_id)
     WHERE parcels.order_id = '{}' GROUP BY parcel_id, sku ORDER BY parcel_id, sku
"""

skus = st.sampled_from(["MUG", "PEN"])
warehouses = st.sampled_from(["BER", "LIS"])
wants = st.dictionaries(st.sampled_from(["MUG", "PEN", "SET"]), st.integers(1, 3), min_size=1)
numbers = st.integers(0, 30)
carts = st.sampled_from("abc")


class Warehouses(RuleBasedStateMachine):
    """Two warehouses, their orders, carts and transfers."""

    def __init__(self, database: Database, clock: TestClock) -> None:
        super().__init__()
        self.database, self.clock = database, clock
        self.shelves = Shelves()
        self.batch: list[Act] = []
        self.orders: list[str] = []
        self.transfers: list[tuple[str, str, int]] = []
        self.late: list[Act] = []
        self.quarantined: list[tuple[str, Place]] = []
        self.names = count(1)
        self.carrier = doubles.RecordingCarrier()  # of one memory: no two labels have one code
        self.told: dict[tuple[str, ...], object] = {}
        self.is_right = True
        empty(database)
        given.catalogue(database, stocked(OPENING))
        given.kit(database, "SET", {"MUG": 1, "PEN": 1})
        clock.advance(minutes=1)
        for wants in ({"MUG": 3}, {"PEN": 3}, {"SET": 1}):
            self.order(wants, None)
        self._together()

    # What customers do.

    @rule(wants=wants, cart=st.none() | carts)
    def order(self, wants: dict[str, int], cart: str | None) -> None:
        name = f"ord_{next(self.names)}"

        def act() -> None:
            given.order(self.database, name, wants, hold_id=cart)
            self._place(name)

        self._do(act)
        self.orders.append(name)

    @rule(cart=carts, wants=wants)
    def fill_a_cart(self, cart: str, wants: dict[str, int]) -> None:
        self._do(partial(hold, self.database, cart, wants))

    @rule(cart=carts)
    def leave_a_cart(self, cart: str) -> None:
        self._do(partial(release, self.database, cart))

    @rule(number=numbers, sku=skus, units=st.integers(1, 3))
    def amend(self, number: int, sku: str, units: int) -> None:
        name, revision = self._order(number), 1 + next(self.names)
        line = OrderedLine(line_no=1, sku=sku, quantity=units, unit_price_cents=100)
        event = OrderAmended(order_id=name, revision=revision, lines=(line,))

        def act() -> None:
            given.apply(self.database, change_order, event)
            self._place(name)

        self._do(act)

    @rule(number=numbers)
    def cancel(self, number: int) -> None:
        event = OrderCancelled(order_id=self._order(number), reason="no")
        self._do(partial(given.apply, self.database, cancel_order, event))

    # What warehouses do.

    @rule(number=numbers)
    def pick(self, number: int) -> None:
        for parcel in self._parcels(number):
            self._do(partial(doubles.picked, self.database, parcel))

    @rule(number=numbers, late=st.booleans())
    def send(self, number: int, *, late: bool) -> None:
        self._act(partial(self._sent, self._order(number), late=late))

    @rule(number=numbers, sku=skus)
    def miss_a_unit(self, number: int, sku: str) -> None:
        for parcel, (warehouse, items) in self._parcels(number).items():
            if sku in items:
                self._act(partial(self._missed, parcel, warehouse, sku))

    @rule(sku=skus, warehouse=warehouses, units=st.integers(1, 4), late=st.booleans())
    def receive(self, sku: str, warehouse: str, units: int, *, late: bool) -> None:
        at, place = self._moment(), (sku, warehouse)
        said = at if late else self._by_its_clock()
        event = reports.received(f"rcp_{next(self.names)}", place, units, said)

        def reported() -> Iterable[Effect]:
            reports.twice(self.database, receive_stock, event)
            return [("booked", place, units, at)]

        if late:
            self._act(lambda: [("happens", place, units, at)])
            self.late.append(reported)
        else:
            self._act(lambda: [("happens", place, units, at), *reported()])

    @rule()
    def report_what_is_late(self) -> None:
        if self.late:
            self._act(self.late.pop())

    @rule(sku=skus, warehouse=warehouses)
    def lose_a_unit(self, sku: str, warehouse: str) -> None:
        if self.shelves.units[sku, warehouse] > 0:
            self._act(lambda: [("happens", (sku, warehouse), -1, self._moment())])

    @rule(warehouse=warehouses)
    def count(self, warehouse: str) -> None:
        self._act(partial(self._counted, warehouse, dict(self.shelves.units)))

    @rule(sku=skus, warehouse=warehouses, kind=st.sampled_from(AdjustmentKind))
    def adjust(self, sku: str, warehouse: str, kind: AdjustmentKind) -> None:
        if kind is AdjustmentKind.UP or self.shelves.units[sku, warehouse] > 0:
            self._act(partial(self._adjusted, sku, warehouse, kind))

    @rule(sku=skus, warehouse=warehouses, disposition=st.sampled_from(Disposition))
    def take_back(self, sku: str, warehouse: str, disposition: Disposition) -> None:
        name = f"rma_{next(self.names)}"
        self._act(partial(self._come_back, name, (sku, warehouse), disposition))
        if disposition is Disposition.QUARANTINE:
            self.quarantined.append((name, (sku, warehouse)))

    @rule(number=numbers, disposition=st.sampled_from(["restock", "write_off"]))
    def look_at_what_came_back(self, number: int, disposition: str) -> None:
        if self.quarantined:
            name, place = self.quarantined[number % len(self.quarantined)]
            self._act(partial(self._released, name, place, disposition))

    @rule(sku=skus, units=st.integers(1, 3))
    def ask_for_a_transfer(self, sku: str, units: int) -> None:
        name = f"trf_{next(self.names)}"
        self.transfers.append((name, sku, units))
        self._do(partial(transfers.request, self.database, {sku: units}, inbound_id=name))

    @rule(number=numbers, short=st.booleans())
    def ship_a_transfer(self, number: int, *, short: bool) -> None:
        if self.transfers:
            name, sku, units = self.transfers[number % len(self.transfers)]
            self._move(name, sku, short - units, "BER")

    @rule(number=numbers, short=st.booleans())
    def unload_a_transfer(self, number: int, *, short: bool) -> None:
        if self.transfers:
            name, sku, units = self.transfers[number % len(self.transfers)]
            self._move(name, sku, units - short, "LIS")

    @rule(number=numbers)
    def call_a_transfer_off(self, number: int) -> None:
        if self.transfers:
            name, _, _ = self.transfers[number % len(self.transfers)]
            self._do(partial(transfers.cancel, self.database, inbound_id=name))

    # What operators and housekeeping do.

    @rule(sku=skus, warehouse=warehouses, into=st.integers(1, 3))
    def spread(self, sku: str, warehouse: str, into: int) -> None:
        self._do(partial(partitioned.spread, self.database, into, sku=sku, warehouse=warehouse))

    @rule()
    def tidy(self) -> None:
        self._do(partial(partitioned.empty, self.database))
        self._do(partial(self._wake, 20))

    @rule(minutes=st.integers(1, 30))
    def wait(self, minutes: int) -> None:
        self._together()
        self.clock.advance(minutes=minutes)
        expire(self.database)

    # How it is done.

    def _act(self, act: Act) -> None:
        self.batch.append(act)
        if len(self.batch) == AT_ONCE:
            self._together()

    def _do(self, act: Callable[[], object]) -> None:
        def done() -> Iterable[Effect]:
            act()
            return ()

        self._act(done)

    def _together(self) -> None:
        """Everything that was drawn happens at once."""
        effects: list[Effect] = []

        def happen(act: Act) -> None:
            with suppress(Rejected, NotYet):  # what is refused has changed nothing
                effects.extend(act())

        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            list(pool.map(happen, self.batch))
        self.batch.clear()
        self.clock.advance(minutes=1)
        self.shelves.apply(effects)
        self._check()

    def _check(self) -> None:
        self.is_right = False
        self._compare()
        report = partitioned.reconcile(self.database)
        assert report.repaired == 0
        # What could be settled is as it was counted.
        self.shelves.settle([(sku, place) for sku, place in given.rows(self.database, OPEN)])
        assert bool(report.fenced) == bool(self.shelves.open)
        self._compare()
        self.is_right = True

    def _compare(self) -> None:
        books = {(s, w): int(n) for s, w, n in given.rows(self.database, ON_HAND)}
        assert books == {p: n + self.shelves.ahead[p] for p, n in self.shelves.units.items()}
        assert given.violations(self.database) == []

    def _is_first(self, *what: str) -> bool:
        """Whether nobody has told the model of this yet: two may report the same at once."""
        mine = object()
        return self.told.setdefault(what, mine) is mine

    def _moment(self) -> datetime:
        return self.clock.now

    def _by_its_clock(self) -> datetime:
        """Now, as a warehouse says that has no better clock: it is taken as now."""
        return self.clock.now + next(self.names) % 4 * timedelta(minutes=1)

    def _order(self, number: int) -> str:
        return self.orders[number % len(self.orders)] if self.orders else "ord_none"

    def _parcels(self, number: int) -> Mapping[str, tuple[str, list[str]]]:
        found: dict[str, tuple[str, list[str]]] = {}
        for parcel, warehouse, state, _, sku, _ in self._rows(self._order(number)):
            if state in {"planned", "labelled"}:
                found.setdefault(parcel, (warehouse, []))[1].append(sku)
        return found

    def _rows(self, order_id: str) -> list[tuple[Any, ...]]:
        return given.rows(self.database, PARCELS.format(order_id))

    def _place(self, name: str) -> None:
        partitioned.place(self.database, name)

    def _wake(self, most: int) -> None:
        """What the queue of placement does with whoever waits."""
        waiting = given.rows(
            self.database,
            "SELECT order_id FROM orders WHERE state IN ('waiting', 'backordered') ORDER BY 1",
        )
        for (name,) in waiting[:most]:
            with suppress(NotYet):
                self._place(name)

    def _sent(self, name: str, *, late: bool) -> Iterable[Effect]:
        """What is labelled leaves; its carrier scans it at once, or some time later."""
        at = self._moment()
        doubles.labelled(self.database, name, self.carrier)
        effects: list[Effect] = []
        by_code: dict[str, list[tuple[Place, int]]] = {}
        for _, warehouse, state, code, sku, units in self._rows(name):
            if state == "labelled":
                by_code.setdefault(code, []).append(((sku, warehouse), int(units)))
        for code, items in by_code.items():
            if self._is_first("left", code):
                effects += [("happens", place, -units, at) for place, units in items]
            scan = partial(self._scanned, code, items, at)
            with suppress(NotYet):  # it is sent again, and what other parcels have done stays
                if not late:
                    effects += scan()
                    continue
            self.late.append(scan)
        return effects

    def _scanned(
        self, code: str, items: Iterable[tuple[Place, int]], at: datetime
    ) -> Iterable[Effect]:
        news = updates.received(self.database, updates.body(code, [("in_transit", at)]))
        given.apply(self.database, track_parcel, news)
        shipped = f"SELECT shipped_at FROM parcels WHERE tracking_code = '{code}'"
        if given.rows(self.database, shipped) != [(at,)] or not self._is_first("sent", code):
            return []  # it was cancelled meanwhile, or scanned before
        return [("booked", place, -units, at) for place, units in items]

    def _missed(self, parcel: str, warehouse: str, sku: str) -> Iterable[Effect]:
        at = self._moment()
        event = reports.missing(parcel, (sku, warehouse), self._by_its_clock())
        given.apply(self.database, short_pick, event)
        booked = (
            f"SELECT count(*) FROM stock_movements WHERE kind = 'short_pick' AND sku = '{sku}'"
            f" AND reference = '{parcel}' AND occurred_at = '{at}'"
        )
        if given.rows(self.database, booked) == [(0,)] or not self._is_first("missed", parcel):
            return []  # cancelled or gone meanwhile, or something else of it was missed first
        place = (sku, warehouse)
        return [("happens", place, -1, at), ("missed", place, -1, at)]

    def _adjusted(self, sku: str, warehouse: str, kind: AdjustmentKind) -> Iterable[Effect]:
        at, place = self._moment(), (sku, warehouse)
        name = f"adj_{next(self.names)}"
        event = reports.adjusted(name, place, kind, self._by_its_clock())
        reports.twice(self.database, adjust_stock, event)
        units = 1 if kind is AdjustmentKind.UP else -1
        return [("happens", place, units, at), ("booked", place, units, at)]

    def _released(self, name: str, place: Place, disposition: str) -> Iterable[Effect]:
        at, number = self._moment(), next(self.names)
        event = reports.released(f"rel_{number}", name, place, disposition, self._by_its_clock())
        given.apply(self.database, release_stock, event)
        if disposition == "restock":
            return []
        return [("happens", place, -1, at), ("booked", place, -1, at)]

    def _counted(self, warehouse: str, units: Mapping[Place, int]) -> Iterable[Effect]:
        """It is of a second before all that happens now: its clock may be behind."""
        at, name = self.clock.now - timedelta(seconds=1), f"cnt_{next(self.names)}"
        there = {sku: n for (sku, where), n in units.items() if where == warehouse and n >= 0}
        if not there:
            return []  # more has left than anybody knows of: nothing that can be counted
        given.apply(self.database, count_stock, reports.counted(name, warehouse, there, at))
        short = given.rows(self.database, f"SELECT sku FROM open_counts WHERE count_id = '{name}'")
        return [
            ("short" if (sku,) in short else "counted", (sku, warehouse), n, at)
            for sku, n in there.items()
        ]

    def _come_back(self, name: str, place: Place, disposition: Disposition) -> Iterable[Effect]:
        at = self._moment()
        event = reports.returned(name, place, disposition, self._by_its_clock())
        given.apply(self.database, return_stock, event)
        if disposition is Disposition.WRITE_OFF:
            return []
        return [("happens", place, 1, at), ("booked", place, 1, at)]

    def _move(self, name: str, sku: str, units: int, warehouse: str) -> None:
        """The warehouse reports what left it (below zero) or came."""
        leaves = units < 0
        kind, report = ("transfer_out", transfers.ship) if leaves else _ARRIVAL

        def act() -> Iterable[Effect]:
            at, place = self._moment(), (sku, warehouse)
            report(self.database, {sku: abs(units)}, at, inbound_id=name)
            booked = (
                f"SELECT count(*) FROM stock_movements WHERE kind = '{kind}'"
                f" AND reference = '{name}' AND occurred_at = '{at}'"
            )
            if given.rows(self.database, booked) == [(0,)] or not self._is_first(kind, name):
                return []  # it was reported before
            return [("happens", place, units, at), ("booked", place, units, at)]

        if units:
            self._act(act)

    def teardown(self) -> None:
        """In the end everybody lets go, and the books are right still."""
        if not self.is_right:
            return
        self._together()
        while self.late:
            self._act(self.late.pop())
        self._together()
        for name in self.orders:
            self.cancel(self.orders.index(name))
        for number in range(len(self.transfers)):
            self.call_a_transfer_off(number)
        self._together()
        for _ in range(3):
            self.clock.advance(days=1)
            while expire(self.database):
                pass
        self._check()


def test_the_books_say_what_lies_on_the_shelves(database: Database, clock: TestClock) -> None:
    # Goal: holds, orders, edits, cancels, picks, short picks, returns, adjustments, counts,
    # transfers and partitions, at once, late, twice and by clocks that are ahead: no unit is made,
    # lost, or promised twice.
    class Here(Warehouses):
        def __init__(self) -> None:
            super().__init__(database, clock)

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=40,
            phases=[Phase.generate],  # what happens at once does not happen again in the same way
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
