"""Charging a parcel by the rate card of the moment it was planned, and taking it back, once."""

from datetime import timedelta

import pytest

from shared.contracts.orders import OrderCancelled
from shared.contracts.parcels import ParcelCancelled, ParcelPlanned
from shared.costing.bands import Cell, zones_of
from shared.costing.book import Bookshelf
from shared.costing.types import NO_LIMIT_M, NoRateCard, NotCarried
from shared.flows.cancel_order import cancel_order
from shared.flows.charge_parcel import charge_parcel, take_charges_back
from shared.platform.db import Database
from tests.support import given
from tests.support.clock import TestClock


def planned(database: Database) -> ParcelPlanned:
    """The event that placing announced."""
    ((body,),) = given.rows(
        database,
        "SELECT body FROM outbox WHERE attributes->>'ce-type' = 'dispatch.parcel.planned.v1'",
    )
    return ParcelPlanned.decode(body.encode())


def charge(database: Database, event: ParcelPlanned) -> None:
    database.run(lambda tx: charge_parcel(tx, event, Bookshelf()), given.cause())


def placed(database: Database) -> ParcelPlanned:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    event = planned(database)
    given.silence(database)
    return event


def test_a_planned_parcel_is_charged_item_by_item_as_it_was_quoted(database: Database) -> None:
    event = placed(database)

    charge(database, event)

    assert given.rows(
        database, "SELECT kind, entry, amount_cents, currency, rate_card_id FROM charges ORDER BY 1"
    ) == [
        ("freight", "charge", 400, "EUR", "correios-1"),
        ("handling", "charge", 90, "EUR", "correios-1"),
    ]
    assert given.rows(database, "SELECT quoted_cents FROM parcels") == [(490,)]
    assert given.told(database) == ["parcel.charged"]
    assert given.violations(database) == []


def test_the_version_of_the_moment_of_planning_counts_even_when_a_newer_one_is_valid(
    database: Database, clock: TestClock
) -> None:
    # Goal: the charge may be booked late, after a price change; the customer's order was decided
    # on the old price and is charged by it.
    event = placed(database)
    database.run(
        lambda tx: given.rates(
            tx,
            handling_cents=999,
            valid_from=tx.now + timedelta(hours=1),
            zones=zones_of([Cell(NO_LIMIT_M, 10_000, 9_999)]),
        ),
        given.cause(),
    )
    clock.advance(hours=2)

    charge(database, event)
    charge(
        database,
        event.model_copy(update={"planned_at": clock.now, "zone": "any-distance"}),
    )

    assert given.rows(database, "SELECT sum(amount_cents), min(rate_card_id) FROM charges") == [
        (490, "correios-1")
    ]
    given.order(database, "ord_2", {"MUG": 1})
    given.place(database, "ord_2")
    assert given.rows(database, "SELECT max(quoted_cents) FROM parcels") == [(10_998,)]


def test_charging_twice_is_charging_once(database: Database) -> None:
    event = placed(database)

    charge(database, event)
    charge(database, event)

    assert given.rows(database, "SELECT count(*), sum(amount_cents) FROM charges") == [(2, 490)]


def test_a_cancelled_parcel_costs_nothing_in_the_end(database: Database) -> None:
    event = placed(database)
    charge(database, event)
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))
    given.silence(database)
    back = ParcelCancelled(parcel_id=event.parcel_id, order_id="ord_1")

    given.apply(database, take_charges_back, back)
    given.apply(database, take_charges_back, back)

    assert given.rows(database, "SELECT count(*), sum(amount_cents) FROM charges") == [(4, 0)]
    assert given.rows(database, "SELECT body::json->'items'->>'freight' FROM outbox LIMIT 1") == [
        ("-400",)
    ]
    assert given.violations(database) == []


def test_a_parcel_that_was_never_charged_has_nothing_to_take_back(database: Database) -> None:
    event = placed(database)
    back = ParcelCancelled(parcel_id=event.parcel_id, order_id="ord_1")

    given.apply(database, take_charges_back, back)

    assert given.rows(database, "SELECT count(*) FROM charges") == [(0,)]
    assert given.told(database) == []


def test_without_a_rate_card_of_that_moment_there_is_no_price(database: Database) -> None:
    event = placed(database)

    with pytest.raises(NoRateCard):
        charge(database, event.model_copy(update={"carrier": "nobody"}))
    with pytest.raises(NoRateCard):
        charge(
            database,
            event.model_copy(update={"planned_at": event.planned_at - timedelta(days=2)}),
        )
    with pytest.raises(NotCarried):
        charge(database, event.model_copy(update={"weight_g": 10_001}))
