"""What a worker can be asked to do, again and again: one transaction for each item."""

import os
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import partial
from random import Random
from urllib.parse import unquote, urlsplit

import pg8000.native

from emulators.bench.booking import booker
from emulators.bench.insert_floor import INSERT_ROW
from emulators.bench.settings import settings
from emulators.bench.shop import CAUSE, FIRST_SKU, PLACES
from shared.contracts.base import Cause
from shared.contracts.orders import OrderCancelled
from shared.contracts.parcels import CarrierUpdateReceived
from shared.contracts.work import PlaceOrder
from shared.flows.cancel_order import cancel_order
from shared.flows.place_order import Crowd, place_waiting
from shared.flows.rules import Rules
from shared.flows.track_parcel import track_parcel
from shared.kit.clock import utc_now
from shared.kit.ids import new_id
from shared.platform import inbox
from shared.platform.db import Database, Transaction, connect

Step = Callable[[str], None]


class Job(StrEnum):
    """A kind of transaction, by what an item of it is."""

    PLACE = "place"  # the id of an order that waits
    PLACE_TOGETHER = "place_together"  # the same; others that wait are placed with it
    BOOK = "book"  # what is to be booked for an order that waits, as JSON
    CANCEL = "cancel"  # the id of an order that is placed
    TRACK = "track"  # the announcement of a carrier's update, as JSON
    FOLD = "fold"  # the same, as the function does it: each announcement once
    INSERT = "insert"  # anything: every time it is a row of its own
    FLOOR = "floor"  # anything: every time it is an order of its own


def begin(job: Job, url: str) -> Step:
    """Get ready for a job on the database at `url`, with a connection of its own."""
    if job is Job.FLOOR:
        return _floor(url)
    if job is Job.INSERT:
        return _inserter(url)
    return FLOWS[job](connect(settings(url), utc_now))


def placer(database: Database, *, alone: bool = True) -> Step:
    """The transaction of placement_worker; what it announces stays in the outbox."""
    rules, crowd = Rules(), Crowd()

    def place(order_id: str) -> None:
        work = PlaceOrder(order_id=order_id, priority="standard")
        place_waiting(partial(database.run, cause=CAUSE), work, rules, crowd, alone=alone)

    return place


def _canceller(database: Database) -> Step:
    def cancel(order_id: str) -> None:
        event = OrderCancelled(order_id=order_id, reason="bench")
        database.run(lambda tx: cancel_order(tx, event), CAUSE)

    return cancel


def _tracker(database: Database) -> Step:
    def track(announcement: str) -> None:
        event = CarrierUpdateReceived.model_validate_json(announcement)
        database.run(lambda tx: track_parcel(tx, event), CAUSE)

    return track


def _folder(database: Database) -> Step:
    """The transaction of order_tracking; what it announces stays in the outbox."""

    def fold(announcement: str) -> None:
        event = CarrierUpdateReceived.model_validate_json(announcement)
        event_id = new_id("evt")
        database.run(lambda tx: _once(tx, event), Cause(event_id, event_id))

    return fold


def _once(tx: Transaction, event: CarrierUpdateReceived) -> None:
    inbox.take(tx, "order_tracking")
    track_parcel(tx, event)


FLOWS: Mapping[Job, Callable[[Database], Step]] = {
    Job.PLACE: placer,
    Job.PLACE_TOGETHER: partial(placer, alone=False),
    Job.BOOK: booker,
    Job.CANCEL: _canceller,
    Job.TRACK: _tracker,
    Job.FOLD: _folder,
}


def _floor(url: str) -> Step:
    """The floor where there is no pgbench: the driver itself, a prepared statement, no more."""
    connection = _connection(url)
    prepared = connection.prepare(
        "SELECT CAST(floor.place_order(:first, :first_place, :second, :second_place) AS text)"
    )
    (skus,) = connection.run("SELECT count(DISTINCT sku) FROM floor.stock_levels")[0]

    random = Random(os.getpid())  # noqa: S311  no secret, only other rows than the others'

    def place(_item: str) -> None:
        first, second = random.sample(range(skus), 2)
        first_place = random.randint(1, len(PLACES))
        apart = random.randint(1, 6) == 1
        prepared.run(
            first=FIRST_SKU + first,
            first_place=first_place,
            second=FIRST_SKU + second,
            second_place=first_place % len(PLACES) + 1 if apart else first_place,
        )

    return place


def _inserter(url: str) -> Step:
    """The least transaction, where there is no pgbench."""
    prepared = _connection(url).prepare(f"{INSERT_ROW} RETURNING 1")

    def insert(_item: str) -> None:
        prepared.run()

    return insert


def _connection(url: str) -> pg8000.native.Connection:
    parts = urlsplit(url)
    return pg8000.native.Connection(
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        host=parts.hostname,
        port=parts.port,
        database=parts.path.lstrip("/"),
        ssl_context=False,
    )
