"""Parcels under way that carriers are asked about."""

import json
from typing import Any

from shared.contracts.work import PollParcels
from shared.flows.poll_parcels import poll_parcels
from shared.platform.db import Database
from tests.flows import doubles
from tests.support import given


def parcels(database: Database, count: int) -> dict[str, str]:
    """So many parcels with a label, each of an order of its own: tracking code by parcel id."""
    given.catalogue(database, {"BER": {"MUG": 2 * count}})
    for number in range(count):
        given.order(database, f"ord_{number}", {"MUG": 1})
        given.place(database, f"ord_{number}")
        doubles.labelled(database, f"ord_{number}")
    given.silence(database)
    return dict(given.rows(database, "SELECT parcel_id, tracking_code FROM parcels ORDER BY 1"))


def poll(database: Database) -> int:
    """The job runs; how many parcels it chose."""
    return poll_parcels(lambda step: database.run(step, given.cause()))


def work(database: Database) -> list[PollParcels]:
    """What stands in the queues, oldest first; it is taken out."""
    rows: list[tuple[Any, ...]] = given.rows(
        database, "SELECT destination, body FROM outbox WHERE kind = 'queue' ORDER BY outbox_id"
    )
    given.silence(database)
    found = [PollParcels.model_validate(json.loads(body)) for _, body in rows]
    assert [destination for destination, _ in rows] == [one.queue for one in found]
    return found
