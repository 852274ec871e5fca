"""Parcels whose carrier does not answer, and those who would take them."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from shared.carriers.types import CarrierUnavailable
from shared.contracts.parcels import ParcelPlanned
from shared.costing.book import Bookshelf
from shared.costing.types import NO_LIMIT_M, Step, Zone, ZoneRule
from shared.flows.buy_label import CALLS
from shared.flows.charge_parcel import charge_parcel
from shared.kit.breaker import OPENS_AFTER
from shared.platform.db import Database
from shared.platform.sql import text
from tests.flows.doubles import RecordingCarrier, buy, parcels_of
from tests.support import given


def zone(price_cents: int, days: int | None = 1, max_weight_g: int = 10_000) -> tuple[Zone, ...]:
    """Anywhere, up to a weight."""
    rules = (ZoneRule(max_distance_m=NO_LIMIT_M),)
    return (Zone("all", rules, (Step(max_weight_g, price_cents),), transit_days=days),)


def offer(database: Database, carrier: str, price_cents: int, **said: Any) -> None:
    """A carrier's service that placement does not choose: it was published when that was over."""
    zones = zone(price_cents, said.pop("days", 1), said.pop("max_weight_g", 10_000))
    database.run(
        lambda tx: given.rates(
            tx, carrier=carrier, valid_from=tx.now - timedelta(days=1), zones=zones, **said
        ),
        given.cause(),
    )


def down(_request: object) -> None:
    raise CarrierUnavailable("no answer")


def open_breaker(database: Database, carrier: str = "correios") -> None:
    database.statement(
        text(f"""INSERT INTO carrier_breakers (carrier, failures, failed_at, since)
                 VALUES ('{carrier}', {OPENS_AFTER}, '{database.now()}', '{database.now()}')""")
    )


def go_unanswered(database: Database, parcel_id: str, carrier: RecordingCarrier) -> None:
    """No call for the parcel is answered, so that after the last one it goes by another carrier."""
    for _ in range(CALLS - 1):
        with pytest.raises(CarrierUnavailable):
            buy(database, parcel_id, carrier)
    buy(database, parcel_id, carrier)


def work(database: Database, kind: type[Any]) -> list[Any]:
    """The messages of one kind in the outbox."""
    found = given.rows(
        database, f"SELECT body FROM outbox WHERE attributes->>'ce-type' = '{kind.type}'"
    )
    return [kind.decode(body.encode()) for (body,) in found]


def planned(database: Database) -> str:
    """A planned parcel of one kilogram by correios, quoted at 4.90 and charged."""
    given.catalogue(database, {"BER": {"MUG": 50}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    ((planned,),) = given.rows(
        database,
        "SELECT body FROM outbox WHERE attributes->>'ce-type' = 'dispatch.parcel.planned.v1'",
    )
    event = ParcelPlanned.decode(planned.encode())
    database.run(lambda tx: charge_parcel(tx, event, Bookshelf()), given.cause())
    given.silence(database)
    (found,) = parcels_of(database, "ord_1")
    return found


@pytest.fixture
def parcel_id(database: Database) -> str:
    """A planned parcel of one kilogram by correios, quoted at 4.90 and charged."""
    return planned(database)


@pytest.fixture(autouse=True)
def books_are_right(database: Database) -> Iterator[None]:
    """Whatever a test does, the books are right afterwards."""
    yield
    assert given.violations(database) == []
