"""What a worker can be asked to do, again and again: one transaction for each item."""

import os
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import partial
from random import Random
from urllib.parse import unquote, urlsplit

import pg8000.native

from emulators.bench.booking import booker
from emulators.bench.settings import settings
from emulators.bench.shop import CAUSE, FIRST_SKU, PLACES
from shared.contracts.orders import OrderCancelled
from shared.contracts.parcels import CarrierUpdateReceived
from shared.contracts.work import PlaceOrder
from shared.flows.cancel_order import cancel_order
from shared.flows.place_order import place_waiting
from shared.flows.rules import Rules
from shared.flows.track_parcel import track_parcel
from shared.kit.clock import utc_now
from shared.platform.db import Database, connect

Step = Callable[[str], None]


class Job(StrEnum):
    """A kind of transaction, by what an item of it is."""

    PLACE = "place"  # the id of an order that waits
    PLACE_TOGETHER = "place_together"  # the same; others that wait are placed with it
    BOOK = "book"  # what is to be booked for an order that waits, as JSON
    CANCEL = "cancel"  # the id of an order that is placed
    TRACK = "track"  # the announcement of a carrier's update, as JSON
    FLOOR = "floor"  # anything: every time it is an order of its own


def begin(job: Job, url: str) -> Step:
    """Get ready for a job on the database at `url`, with a connection of its own."""
    if job is Job.FLOOR:
        return _floor(url)
    return FLOWS[job](connect(settings(url), utc_now))


def placer(database: Database, *, alone: bool = True) -> Step:
    """The transaction of placement_worker; what it announces stays in the outbox."""
    rules = Rules()

    def place(order_id: str) -> None:
        work = PlaceOrder(order_id=order_id, priority="standard")
        place_waiting(partial(database.run, cause=CAUSE), work, rules, alone=alone)

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


FLOWS: Mapping[Job, Callable[[Database], Step]] = {
    Job.PLACE: placer,
    Job.PLACE_TOGETHER: partial(placer, alone=False),
    Job.BOOK: booker,
    Job.CANCEL: _canceller,
    Job.TRACK: _tracker,
}


def _floor(url: str) -> Step:
    """The floor where there is no pgbench: the driver itself, a prepared statement, no more."""
    parts = urlsplit(url)
    connection = pg8000.native.Connection(
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        host=parts.hostname,
        port=parts.port,
        database=parts.path.lstrip("/"),
        ssl_context=False,
    )
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
