"""An event becomes a webhook for each who wants it, and for nobody else."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from emulators.laptop.atlas import reaches
from emulators.laptop.stack import ROOT
from shared.contracts.order_facts import OrderClosed
from shared.contracts.parcels import DeliveryUpdated
from shared.flows.enable_subscriber import disable_subscriber
from shared.platform.db import Database
from shared.subscribers.offered import OFFERED
from shared.subscribers.webhook_deliveries import KEPT, page
from tests.subscribers import given as webhooks
from tests.subscribers.given import ADA, LABELLED
from tests.support import given
from tests.support.clock import TestClock

ROWS = "SELECT event_type, state, attempts FROM webhook_deliveries ORDER BY sequence"
CLOSED = OrderClosed(order_id="ord_1", state="delivered")


def names(database: Database) -> list[str]:
    """Who was told, in the order of the alphabet."""
    found = given.rows(
        database,
        "SELECT name FROM webhook_deliveries JOIN webhook_subscribers USING (subscriber_id)"
        " ORDER BY name",
    )
    return [name for (name,) in found]


def test_each_who_wants_it_gets_a_delivery_and_a_piece_of_work(database: Database) -> None:
    webhooks.subscriber(database, "all")
    webhooks.subscriber(database, "labels", event_types=[LABELLED.type])
    webhooks.subscriber(database, "endings", event_types=[CLOSED.type])

    webhooks.told(database)

    assert names(database) == ["all", "labels"]
    assert given.rows(database, ROWS) == [(LABELLED.type, "waiting", 0)] * 2
    assert given.told(database) == ["work.deliver_webhook"] * 2
    assert given.rows(database, "SELECT DISTINCT destination FROM outbox") == [("webhooks",)]


def test_what_nobody_wants_leaves_nothing(database: Database) -> None:
    webhooks.subscriber(database, "endings", event_types=[CLOSED.type])

    assert webhooks.told(database) == []
    assert given.told(database) == []


def test_of_a_channel_only_its_own_orders_are_told(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 1}, channel="web")
    webhooks.subscriber(database, "everybody")
    webhooks.subscriber(database, "market", channel="market")
    webhooks.subscriber(database, "web", channel="web")

    webhooks.told(database)

    assert names(database) == ["everybody", "web"]


def test_of_an_order_that_nobody_knows_no_channel_is_told(database: Database) -> None:
    webhooks.subscriber(database, "web", channel="web")

    assert webhooks.told(database) == []


def test_what_is_sent_is_the_events_own_body_and_what_it_is(database: Database) -> None:
    webhooks.subscriber(database)
    moment = datetime(2026, 3, 2, 11, 30, 0, 123_456, tzinfo=UTC)

    webhooks.told(database, occurred_at=moment)
    webhooks.told(database, CLOSED)
    (first, second) = sent(database)

    assert first["data"] == json.loads(LABELLED.encode())
    assert first["type"] == "dispatch.parcel.labelled.v1"
    assert datetime.fromisoformat(first["timestamp"]) == moment
    assert first["id"].startswith("evt_")
    assert first["sequence"] < second["sequence"]


def sent(database: Database) -> list[dict[str, Any]]:
    """The bodies of all deliveries, in their order."""
    found = database.run(
        lambda tx: page(tx, name=None, state=None, before=None, limit=10), given.cause()
    )
    return [json.loads(journal.delivery.body) for journal in reversed(found)]


def test_who_is_disabled_is_told_for_as_long_as_deliveries_are_kept(
    database: Database, clock: TestClock
) -> None:
    webhooks.subscriber(database, "away")
    database.run(lambda tx: disable_subscriber(tx, "away", ADA), given.cause())

    clock.advance(seconds=(KEPT - timedelta(seconds=1)).total_seconds())
    assert len(webhooks.told(database)) == 1
    clock.advance(seconds=1)
    assert webhooks.told(database) == []


def test_the_function_handles_just_what_is_offered() -> None:
    hears = reaches(ROOT)["webhook_events"].hears

    assert hears == {contract.__name__ for contract in OFFERED.values()}


@pytest.mark.parametrize("contract", OFFERED.values(), ids=lambda contract: contract.type)
def test_what_is_offered_names_its_order_and_tells_of_no_money(contract: type) -> None:
    fields = set(contract.model_fields)  # type: ignore[attr-defined]

    assert "order_id" in fields
    assert [field for field in fields if field.endswith("_cents")] == []


def test_a_status_on_the_way_is_told_with_its_reason(database: Database) -> None:
    webhooks.subscriber(database)
    update = DeliveryUpdated(
        parcel_id="par_1",
        order_id="ord_1",
        status="delivery_failed",
        status_at=datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
        reason="consignee_away",
    )

    webhooks.told(database, update)

    (body,) = sent(database)
    assert body["data"] == json.loads(update.encode())
