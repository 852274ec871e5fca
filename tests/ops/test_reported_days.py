"""Days of reports that are kept are what happened on them, however late it happened."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from random import Random
from threading import Event, Thread

import pytest

from shared.contracts.orders import OrderCancelled
from shared.contracts.parcels import ParcelCancelled, ParcelPlanned
from shared.costing.book import Bookshelf
from shared.flows import keep_reports as keeping
from shared.flows.cancel_order import cancel_order
from shared.flows.charge_parcel import charge_parcel, take_charges_back
from shared.flows.keep_reports import keep_reports
from shared.kit.errors import Rejected
from shared.kit.geo import Point
from shared.ops.cost_reports import By, cost_report, cost_report_of_days, costs_of_day
from shared.ops.refusals import refusals
from shared.ops.service_reports import placement_days, promise_days
from shared.platform.db import Database, LostRace, Transaction
from shared.platform.software_costs import SoftwareCosts
from shared.platform.sql import text
from shared.reports.store import Kind
from tests.flows.doubles import RecordingCarrier, buy, parcels_of, void
from tests.support import given
from tests.support.clock import TestClock

TOGETHER = (By.WAREHOUSE, By.CARRIER, By.DAY, By.SKU)
STEPS = 70
KEPT = "SELECT count(*) FROM report_days"
MARKS = "SELECT DISTINCT kind, CAST(day AS text) FROM report_marks ORDER BY 1, 2"
# What the reports say, asked of all that ever happened.
DECISIONS = text("""
    SELECT CAST(decided_at AT TIME ZONE 'UTC' AS date) AS day, count(*) AS decisions,
           count(*) FILTER (WHERE outcome = 'placed') AS placed,
           count(*) FILTER (WHERE outcome = 'backordered') AS backordered
      FROM placement_decisions GROUP BY 1
""")
PROMISES = text("""
    WITH came AS (
        SELECT promised_at, CASE WHEN state IN ('delivered', 'returned')
                                 THEN (SELECT max(delivered_at) FROM parcels
                                        WHERE parcels.order_id = orders.order_id) END AS came_at
          FROM orders WHERE state <> 'cancelled')
    SELECT CAST(promised_at AT TIME ZONE 'UTC' AS date) AS day, count(*) AS orders,
           count(*) FILTER (WHERE came_at <= promised_at) AS kept,
           count(*) FILTER (WHERE came_at > promised_at) AS late,
           count(*) FILTER (WHERE came_at IS NULL AND promised_at < :now) AS overdue
      FROM came GROUP BY 1
""")
REFUSALS = text("""
    SELECT warehouse,
           (SELECT count(DISTINCT order_id) FROM parcels
             WHERE parcels.warehouse = warehouses.warehouse
               AND CAST(planned_at AT TIME ZONE 'UTC' AS date)
                   BETWEEN CAST(:first AS date) AND CAST(:last AS date)) AS orders,
           (SELECT count(DISTINCT order_id) FROM order_exclusions
             WHERE order_exclusions.warehouse = warehouses.warehouse
               AND CAST(excluded_at AT TIME ZONE 'UTC' AS date)
                   BETWEEN CAST(:first AS date) AND CAST(:last AS date)) AS refused
      FROM warehouses
""")


def keep(database: Database) -> int:
    return keep_reports(lambda step: database.run(step, given.cause()))


class History:
    """What chance does to a shop, day after day."""

    def __init__(self, database: Database, clock: TestClock, seed: int) -> None:
        self.database, self.clock, self.random = database, clock, Random(seed)
        self.orders: list[str] = []
        self.carrier = RecordingCarrier()
        given.catalogue(
            database, {"BER": {"MUG": 500, "PEN": 500}, "LIS": {"MUG": 500, "PEN": 500}}
        )
        database.statement(text("UPDATE skus SET weight_g = 333 WHERE sku = 'PEN'"))

    def step(self) -> None:
        acts: tuple[Callable[[], None], ...] = (
            self.order, self.order, self.order, self.charge, self.buy, self.cancel, self.deliver,
            self.reroute, self.refuse, self.meter, self.promise, self.wait, self.keep,
        )  # fmt: skip
        with suppress(Rejected):
            self.random.choice(acts)()

    def order(self) -> None:
        name = f"ord_{len(self.orders)}"
        wants = {sku: self.random.randint(1, 3) for sku in self.random.sample(["MUG", "PEN"], 1)}
        given.order(self.database, name, {**wants, "MUG": 1}, at=self._place())
        self.orders.append(name)
        self.promise()
        given.place(self.database, name)

    def charge(self) -> None:
        for (body,) in given.rows(
            self.database,
            "SELECT body FROM outbox WHERE attributes->>'ce-type' = 'dispatch.parcel.planned.v1'",
        ):
            event = ParcelPlanned.decode(body.encode())
            given.apply(
                self.database, lambda tx, event: charge_parcel(tx, event, Bookshelf()), event
            )

    def buy(self) -> None:
        for parcel_id in parcels_of(self.database, self._some()):
            buy(self.database, parcel_id, self.carrier)

    def cancel(self) -> None:
        name = self._some()
        given.apply(self.database, cancel_order, OrderCancelled(order_id=name, reason="no"))
        for parcel_id in parcels_of(self.database, name):
            event = ParcelCancelled(parcel_id=parcel_id, order_id=name)
            given.apply(self.database, take_charges_back, event)
            void(self.database, parcel_id, self.carrier)

    def deliver(self) -> None:
        """Its parcels came at some moment until now; or, as it turns out, at another."""
        came_at = self.clock.now - timedelta(hours=self.random.randint(0, 60))
        self._change("UPDATE parcels SET delivered_at = :at WHERE order_id = :name", at=came_at)
        if self.random.random() < 0.8:
            self._change(
                """
                UPDATE orders SET state = 'delivered', placed_at = coalesce(placed_at, :at),
                                  closed_at = :at
                 WHERE order_id = :name AND state <> 'cancelled'
                """,
                at=came_at,
            )

    def reroute(self) -> None:
        self._change("UPDATE parcels SET carrier = 'jadlog' WHERE order_id = :name")

    def refuse(self) -> None:
        """Something cannot be sent, perhaps again; another SKU may have been before."""
        self.database.statement(
            text("""
                INSERT INTO order_exclusions (order_id, sku, warehouse, reason, excluded_at)
                VALUES (:name, :sku, :warehouse, 'broken', :at)
                    ON CONFLICT (order_id, sku, warehouse)
                    DO UPDATE SET excluded_at = excluded.excluded_at
            """),
            name=self.random.choice(self.orders[:2]),
            sku=self.random.choice(["MUG", "PEN"]),
            warehouse=self.random.choice(["BER", "LIS"]),
            at=self.clock.now - timedelta(hours=self.random.choice([0, 0, 50])),
        )

    def meter(self) -> None:
        costs = SoftwareCosts()
        day = self.clock.now.date() - timedelta(days=self.random.randint(0, 4))
        costs.add(day, "order_intake", self.random.randint(1, 999))
        costs.keep(self.database)

    def promise(self) -> None:
        at = self.clock.now + timedelta(hours=self.random.randint(-50, 70))
        self._change("UPDATE orders SET promised_at = :at WHERE order_id = :name", at=at)

    def wait(self) -> None:
        self.clock.advance(hours=self.random.randint(1, 30))

    def keep(self) -> None:
        keep(self.database)

    def _some(self) -> str:
        return self.random.choice(self.orders)

    def _place(self) -> Point:
        return self.random.choice(list(given.PLACES.values()))

    def _change(self, sql: str, **values: object) -> None:
        self.database.statement(text(sql), name=self._some(), **values)

    def check(self) -> None:
        """Every report, of a range that chance chooses, is what all that happened adds up to."""
        today = self.clock.now.date()
        first = today - timedelta(days=self.random.randint(0, 12))
        last = first + timedelta(days=self.random.randint(0, 14))
        self.database.run(partial(self._check, first=first, last=last), given.cause())

    def _check(self, tx: Transaction, first: date, last: date) -> None:
        since = datetime.combine(first, time(), UTC)
        until = datetime.combine(last, time(), UTC) + timedelta(days=1)
        for by in TOGETHER:
            for places in (None, {"BER"}):
                kept = cost_report_of_days(tx, by, first, last, limit=99, warehouses=places)
                plain = cost_report(tx, by, since=since, until=until, limit=99, warehouses=places)
                assert kept == plain, (by, places, first, last)
        decided = {row.day: row for row in tx.rows(DECISIONS)}
        for found in placement_days(tx, first, last):
            row = decided.get(found.day)
            expected = (row.decisions, row.placed, row.backordered) if row else (0, 0, 0)
            assert (found.decisions, found.placed, found.backordered) == expected, found.day
        promised = {row.day: row for row in tx.rows(PROMISES, now=tx.now)}
        for told in promise_days(tx, first, last):
            row = promised.get(told.day)
            assert (told.orders, told.kept, told.late, told.overdue) == (
                (row.orders, row.kept, row.late, row.overdue) if row else (0, 0, 0, 0)
            ), told.day
        assert refusals(tx, first, last) == {
            row.warehouse: (row.orders, row.refused)
            for row in tx.rows(REFUSALS, first=first, last=last)
        }


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_however_late_a_report_is_what_happened(
    database: Database, clock: TestClock, seed: int
) -> None:
    # Goal: to read what was added up before is never to read something else. Oracle: the plain
    # queries over all there is, after any steps, with some days kept, some stale and some neither.
    history = History(database, clock, seed)
    history.order()
    for number in range(STEPS):
        history.step()
        if number % 3 == 0:
            history.check()
    while keep(database):
        pass
    history.check()

    assert given.rows(database, MARKS) == []
    assert [one for one in given.violations(database) if " day" in one.rule] == []


@pytest.fixture
def kept(database: Database, clock: TestClock) -> Database:
    """An order of a day that was added up; it is the day after the next."""
    history = History(database, clock, 0)
    given.order(database, "ord_1", {"MUG": 1})
    given.place(database, "ord_1")
    history.charge()
    history.orders = ["ord_1"]
    history.refuse()
    database.statement(
        text("UPDATE orders SET promised_at = :at"), at=clock.now + timedelta(days=1)
    )
    database.statement(text("UPDATE order_exclusions SET excluded_at = :at"), at=clock.now)
    costs = SoftwareCosts()
    costs.add(clock.now.date(), "order_intake", 7)
    costs.keep(database)
    clock.advance(days=2)
    keep(database)
    return database


def freight(database: Database, clock: TestClock) -> int | None:
    """What the report says that the first day cost."""
    day = clock.now.date() - timedelta(days=2)
    found = database.run(
        lambda tx: cost_report_of_days(tx, By.DAY, day, day, limit=9), given.cause()
    )
    return found.totals["EUR"].freight_cents


def test_what_is_kept_is_read_and_not_counted_again(kept: Database, clock: TestClock) -> None:
    kept.statement(text("UPDATE cost_days SET freight_cents = 7"))

    assert freight(kept, clock) == 7
    broken = {one.rule for one in given.violations(kept)}
    assert "a day's costs that are kept are those of its parcels" in broken


def test_a_change_of_a_kept_day_shows_at_once_and_is_kept_by_the_next_run(
    kept: Database, clock: TestClock
) -> None:
    kept.statement(text("UPDATE charges SET amount_cents = 1000 WHERE kind = 'freight'"))

    assert given.rows(kept, MARKS) == [("costs", "2026-03-02")]
    assert freight(kept, clock) == 1_000
    assert keep(kept) == 1
    assert given.rows(kept, MARKS) == []
    assert given.rows(kept, "SELECT freight_cents FROM cost_days") == [(1_000,)]
    assert keep(kept) == 0


@pytest.mark.parametrize(
    ("change", "marks"),
    [
        ("UPDATE parcels SET carrier = 'jadlog'", {"costs": "2026-03-02"}),
        ("UPDATE parcels SET state = 'cancelled', cancelled_at = :now", {"costs": "2026-03-02"}),
        ("UPDATE parcels SET delivered_at = :now", {"promises": "2026-03-03"}),
        ("UPDATE parcels SET warehouse = 'LIS'", {"costs": "2026-03-02", "refusals": "2026-03-02"}),
        ("UPDATE orders SET state = 'cancelled', closed_at = :now", {"promises": "2026-03-03"}),
        ("UPDATE orders SET promised_at = :now", {"promises": "2026-03-03"}),
        ("UPDATE orders SET state = 'shipped'", {}),
        ("UPDATE software_costs SET nano_usd = 8", {"costs": "2026-03-02"}),
        ("UPDATE order_exclusions SET excluded_at = :now", {"refusals": "2026-03-02"}),
        ("UPDATE order_exclusions SET lifted_at = :now", {}),
        (
            """
            INSERT INTO parcels
            SELECT (jsonb_populate_record(kept, '{"parcel_id": "x"}')).*
              FROM parcels AS kept WHERE CAST(:now AS timestamptz) IS NOT NULL
            """,
            {"costs": "2026-03-02", "refusals": "2026-03-02"},
        ),
        (
            """
            INSERT INTO placement_decisions
            SELECT (jsonb_populate_record(kept, '{"decision_id": 99}')).*
              FROM placement_decisions AS kept WHERE CAST(:now AS timestamptz) IS NOT NULL
            """,
            {"decisions": "2026-03-02"},
        ),
        (
            """
            INSERT INTO orders
            SELECT (jsonb_populate_record(kept, '{"order_id": "x", "tracking_token": "x"}')).*
              FROM orders AS kept WHERE CAST(:now AS timestamptz) IS NOT NULL
            """,
            {"promises": "2026-03-03"},
        ),
    ],
)
def test_who_changes_what_a_kept_day_tells_marks_that_day(
    kept: Database, change: str, marks: dict[str, str]
) -> None:
    kept.statement(text(change), now=kept.now())

    assert dict(given.rows(kept, MARKS)) == marks


def test_today_leaves_no_marks(kept: Database, clock: TestClock) -> None:
    # Goal: what everybody does all day costs no more than to look at one row.
    given.order(kept, "ord_2", {"MUG": 1})
    given.place(kept, "ord_2")

    assert given.rows(kept, MARKS) == []


def changing(database: Database, begun: Event, go_on: Event) -> Thread:
    """Somebody who changes a charge, and commits when told to."""

    def change(tx: Transaction) -> None:
        tx.rows(text("UPDATE charges SET amount_cents = 1000 WHERE kind = 'freight'"))
        begun.set()
        assert go_on.wait(30)

    thread = Thread(target=database.run, args=(change, given.cause()))
    thread.start()
    assert begun.wait(30)
    return thread


def test_a_change_that_is_committed_while_its_day_is_added_up_is_not_lost(
    kept: Database, clock: TestClock
) -> None:
    # Another change leaves a mark, so that the day is added up while the first one is under way.
    begun, go_on = Event(), Event()
    kept.statement(text("INSERT INTO report_marks (kind, day) VALUES ('costs', '2026-03-02')"))
    thread = changing(kept, begun, go_on)

    assert keep(kept) == 1
    go_on.set()
    thread.join()

    assert freight(kept, clock) == 1_000
    assert keep(kept) == 1
    assert freight(kept, clock) == 1_000


def test_a_change_between_counting_a_day_and_keeping_it_is_not_lost(
    kept: Database, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def count_and_be_late(tx: Transaction, day: date) -> Mapping[str, str]:
        counted = costs_of_day(tx, day)
        kept.statement(text("UPDATE charges SET amount_cents = 1000 WHERE kind = 'freight'"))
        return counted

    kept.statement(text("INSERT INTO report_marks (kind, day) VALUES ('costs', '2026-03-02')"))
    monkeypatch.setattr(keeping, "OF_DAY", {**keeping.OF_DAY, Kind.COSTS: count_and_be_late})

    assert keep(kept) == 1

    assert freight(kept, clock) == 1_000


def test_a_day_is_not_kept_while_somebody_changes_it_who_leaves_no_mark(
    database: Database, clock: TestClock
) -> None:
    # Goal: who looked at the horizon before it was raised has committed before a day is kept.
    history = History(database, clock, 0)
    given.order(database, "ord_1", {"MUG": 1})
    given.place(database, "ord_1")
    history.charge()
    clock.advance(days=2)
    begun, go_on = Event(), Event()
    thread = changing(database, begun, go_on)

    with pytest.raises(LostRace):
        keep(database)
    assert given.rows(database, KEPT) == [(0,)]
    go_on.set()
    thread.join()
    keep(database)

    assert given.rows(database, MARKS) == []
    assert given.rows(database, "SELECT freight_cents FROM cost_days") == [(1_000,)]
