"""Secondary carriers of a zone: who is named takes over first, whatever it costs."""

import pytest

from shared.contracts.policies import FallbackDocument, PolicyDocument
from shared.flows.publish_policy import PublishPolicy, publish_policy
from shared.people.types import Person
from shared.platform.db import Database
from tests.flows.doubles import RecordingCarrier, buy
from tests.flows.rerouting import books_are_right, offer, open_breaker, parcel_id
from tests.support import given

DIFFERENCE = "SELECT amount_cents, rate_card_id FROM charges WHERE kind = 'fallback_difference'"

__all__ = ["books_are_right", "parcel_id"]


def prefer(
    database: Database, *to: str, of: tuple[str, str] | None = None, excluded: str = ""
) -> None:
    """A policy names secondary carriers of the parcel's carrier and zone, or of those given."""
    (own,) = given.rows(database, "SELECT carrier, zone FROM parcels")
    carrier, zone = of or own
    document = PolicyDocument(
        fallbacks=(FallbackDocument(carrier=carrier, zone=zone, to=to),),
        excluded_services=frozenset(filter(None, [excluded])),
    )
    wanted = PublishPolicy(document, None, Person("ada", "a test"))
    database.run(lambda tx: publish_policy(tx, wanted), given.cause())


def test_the_secondary_carrier_of_a_zone_takes_over_though_dearer_and_later(
    database: Database, parcel_id: str
) -> None:
    offer(database, "jadlog", 100)
    offer(database, "dhl", 900, days=9)
    offer(database, "ups", 1_000)
    prefer(database, "dhl", "ups")
    open_breaker(database)

    buy(database, parcel_id, RecordingCarrier())

    assert given.rows(database, "SELECT carrier FROM parcels") == [("dhl",)]
    assert given.rows(database, DIFFERENCE) == [(410, "dhl-1")]


@pytest.mark.parametrize("trouble", ["paused", "too heavy for it", "excluded"])
def test_where_the_secondary_carrier_cannot_the_next_one_named_does(
    database: Database, parcel_id: str, trouble: str
) -> None:
    offer(database, "jadlog", 100)
    offer(database, "dhl", 900, max_weight_g=999 if trouble == "too heavy for it" else 10_000)
    offer(database, "ups", 1_000)
    prefer(database, "dhl", "ups", excluded="dhl" if trouble == "excluded" else "")
    if trouble == "paused":
        open_breaker(database, "dhl")
    open_breaker(database)

    buy(database, parcel_id, RecordingCarrier())

    assert given.rows(database, "SELECT carrier FROM parcels") == [("ups",)]


def test_where_none_of_those_named_can_the_cheapest_does(
    database: Database, parcel_id: str
) -> None:
    offer(database, "jadlog", 800)
    offer(database, "ups", 700)
    offer(database, "dhl", 900)
    prefer(database, "dhl")
    open_breaker(database, "dhl")
    open_breaker(database)

    buy(database, parcel_id, RecordingCarrier())

    assert given.rows(database, "SELECT carrier FROM parcels") == [("ups",)]


def test_a_secondary_carrier_is_for_its_zone_alone(database: Database, parcel_id: str) -> None:
    offer(database, "jadlog", 800)
    offer(database, "dhl", 900)
    prefer(database, "dhl", of=("jadlog", "all"))
    open_breaker(database)

    buy(database, parcel_id, RecordingCarrier())

    assert given.rows(database, "SELECT carrier FROM parcels") == [("jadlog",)]
