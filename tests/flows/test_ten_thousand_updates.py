"""Ten thousand updates about hundreds of parcels, of all vendors, shuffled and doubled."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from random import Random

import pytest

from shared.contracts.base import Cause
from shared.contracts.parcels import CarrierUpdateReceived
from shared.flows.receive_carrier_update import receive_carrier_updates
from shared.flows.track_parcel import track_parcel
from shared.kit.errors import DoneBefore
from shared.platform import inbox
from shared.platform.db import Database, Transaction
from tests.flows import doubles
from tests.support import given
from tests.support.clock import TestClock
from tests.tracking.lab.cases.table import ALL_VENDORS
from tests.tracking.stories import Story, standing, story

pytestmark = pytest.mark.slow

T0 = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
ORDERS = 150  # of two parcels each
UPDATES = 34  # of each parcel: 10,200 in all
HANDS = 4  # that fold at the same time, each the parcels of its own, as the topic deals them


def two_parcels_each(database: Database) -> list[str]:
    """Orders whose goods lie in two warehouses; returns the tracking codes."""
    given.catalogue(database, {"BER": {"MUG": ORDERS}, "LIS": {"PEN": ORDERS}})
    codes = []
    for number in range(ORDERS):
        given.order(database, f"ord_{number}", {"MUG": 1, "PEN": 1})
        given.place(database, f"ord_{number}")
        codes += doubles.labelled(database, f"ord_{number}")
    given.silence(database)
    return codes


def received(database: Database, stories: Sequence[Story]) -> list[CarrierUpdateReceived]:
    """The updates are kept raw, each of them sent twice; returns what is announced of them."""
    for number, vendor, _ in product(range(UPDATES), sorted(ALL_VENDORS), range(2)):
        sent = {told.code: told.bodies[number] for told in stories if told.vendor == vendor}
        database.run(partial(receive_carrier_updates, vendor=vendor, bodies=sent), given.cause())
    rows = given.rows(
        database, "SELECT body FROM outbox WHERE destination = 'carrier-updates' ORDER BY outbox_id"
    )
    given.silence(database)
    return [CarrierUpdateReceived.decode(body.encode()) for (body,) in rows]


def fold(database: Database, events: Iterable[CarrierUpdateReceived]) -> None:
    """What `order_tracking` does with each of these; the event's id is that of its update."""

    def once(tx: Transaction, event: CarrierUpdateReceived) -> None:
        inbox.take(tx, "order_tracking")
        track_parcel(tx, event, ALL_VENDORS)

    for event in events:
        cause = Cause(event.update_id, event.update_id)
        with suppress(DoneBefore):
            database.run(partial(once, event=event), cause)


def dealt(events: Sequence[CarrierUpdateReceived]) -> list[list[CarrierUpdateReceived]]:
    """A parcel's events all into one hand."""
    codes = sorted({event.tracking_code for event in events})
    hands: list[list[CarrierUpdateReceived]] = [[] for _ in range(HANDS)]
    for event in events:
        hands[codes.index(event.tracking_code) % HANDS].append(event)
    return hands


def test_ten_thousand_updates_in_any_order_and_twice_come_to_the_right_ends(
    database: Database, clock: TestClock
) -> None:
    # Goal: what happened is known in the end, all of it, whatever came when, how often and of whom;
    # and whoever listens meanwhile is never told that a parcel goes backwards.
    random = Random(20_260_303)
    vendors = sorted(ALL_VENDORS)
    stories = [
        story(code, vendors[number % len(vendors)], UPDATES, T0 + timedelta(minutes=number), random)
        for number, code in enumerate(two_parcels_each(database))
    ]
    clock.advance(days=60)  # all of it has happened
    events = received(database, stories)
    assert len(events) == 2 * ORDERS * UPDATES
    events *= 2
    random.shuffle(events)

    with ThreadPoolExecutor(max_workers=HANDS) as pool:
        list(pool.map(lambda hand: fold(database, hand), dealt(events)))

    check_ends(database, stories)
    check_histories(database, stories)
    check_orders(database)
    check_news(database)
    assert given.rows(database, "SELECT count(*) FROM dead_letters") == [(0,)]
    assert given.violations(database) == []


def check_ends(database: Database, stories: Sequence[Story]) -> None:
    found = given.rows(
        database,
        "SELECT tracking_code, tracking_status, tracking_status_at, shipped_at, delivered_at,"
        " returned_at, last_update_at FROM parcels ORDER BY tracking_code",
    )
    wanted = []
    for told in sorted(stories, key=lambda one: one.code):
        end = told.end()
        wanted.append(
            (told.code, end.status, end.status_at, end.shipped_at, end.delivered_at,
             end.returned_at, end.last_update_at)
        )  # fmt: skip
    assert found == wanted


def check_histories(database: Database, stories: Sequence[Story]) -> None:
    kept = defaultdict(set)
    for code, content_id in given.rows(
        database,
        "SELECT tracking_code, content_id FROM tracking_events JOIN parcels USING (parcel_id)",
    ):
        kept[code].add(content_id)
    assert kept == {told.code: set(told.updates()) for told in stories}


def check_orders(database: Database) -> None:
    """An order is as far as its parcels together are."""
    rows = given.rows(
        database,
        "SELECT orders.state, array_agg(DISTINCT parcels.state ORDER BY parcels.state)"
        " FROM orders JOIN parcels USING (order_id) GROUP BY order_id",
    )
    assert len(rows) == ORDERS
    for state, parcels in rows:
        if parcels in (["delivered"], ["returned"]):
            assert state == parcels[0]
        elif "shipped" in parcels:
            assert state == "shipped"
    assert {state for state, _ in rows} >= {"delivered", "shipped"}


def check_news(database: Database) -> None:
    told = defaultdict(list)
    for (body,) in given.rows(
        database, "SELECT body FROM outbox WHERE destination = 'delivery-events' ORDER BY outbox_id"
    ):
        news = json.loads(body)
        told[news["parcel_id"]].append(standing(news["status"], news["status_at"]))
    assert len(told) == 2 * ORDERS
    for places in told.values():
        assert places == sorted(places)
