"""One order from the event to the door, seen by everybody downstream."""

from collections import defaultdict
from datetime import datetime

from tests.journeys.stage import Heard, Stage

TOPICS = ("order-events", "parcel-events", "delivery-events")


def kinds(heard: list[Heard]) -> list[str]:
    return [message.kind for message in heard]


def by_parcel(heard: list[Heard]) -> dict[str, list[str]]:
    """Parcel id -> the types of its events, in order."""
    found: dict[str, list[str]] = defaultdict(list)
    for message in heard:
        found[message.body["parcel_id"]].append(message.kind)
    return dict(found)


def on_hand(stage: Stage) -> dict[str, int]:
    """Units of what is ordered here, by SKU."""
    return dict(
        stage.rows("SELECT sku, on_hand FROM stock_levels WHERE sku IN ('TEAPOT-RED', 'PEN-BLUE')")
    )


def test_one_order_from_the_event_to_the_door(stage: Stage) -> None:
    # Goal: the teapot and the pen lie in different warehouses, so the order becomes two parcels;
    # each downstream topic tells its part of the story in order, and the books agree with it.
    before = on_hand(stage)
    with stage.listening(*TOPICS) as ears:
        event_id = stage.submit("one-order", {"TEAPOT-RED": 2, "PEN-BLUE": 3})
        stage.wait_for("one-order", "delivered")
        stage.wait_for_rest()
        orders, parcels, deliveries = (ears.hear(topic, "one-order") for topic in TOPICS)

    assert kinds(orders) == ["order.accepted", "order.placed", "order.closed"]
    assert orders[-1].body["state"] == "delivered"
    placed = orders[1].body
    assert len(placed["parcel_ids"]) == 2
    assert kinds(parcels)[:2] == ["parcel.planned", "parcel.planned"]
    assert [planned.body["parcel_id"] for planned in parcels[:2]] == placed["parcel_ids"]
    for told in by_parcel(parcels).values():
        assert sorted(told) == ["parcel.charged", "parcel.labelled", "parcel.planned"]
    for parcel_id in placed["parcel_ids"]:
        updates = [one.body for one in deliveries if one.body["parcel_id"] == parcel_id]
        moments = [datetime.fromisoformat(update["status_at"]) for update in updates]
        assert moments == sorted(moments)
        assert updates[-1]["status"] == "delivered"

    everything = [*orders, *parcels, *deliveries]
    for message in everything:
        assert message.attributes["ce-specversion"] == "1.0"
        assert message.attributes["ce-source"] == "//dispatch"
        assert message.attributes["ce-subject"] == "one-order"
        assert message.attributes["content-type"] == "application/json"
        assert datetime.fromisoformat(message.attributes["ce-time"]).tzinfo is not None
        assert message.attributes["ce-correlationid"] == event_id, message.kind

    charged = [message.body for message in parcels if message.kind == "parcel.charged"]
    charges = sum(sum(charge["items"].values()) for charge in charged)
    assert charges == placed["cost_cents"]
    assert stage.rows(
        "SELECT sum(quoted_cents), (SELECT sum(amount_cents) FROM charges"
        " WHERE order_id = 'one-order') FROM parcels WHERE order_id = 'one-order'"
    ) == [(charges, charges)]

    after = on_hand(stage)
    assert {sku: before[sku] - after[sku] for sku in before} == {"TEAPOT-RED": 2, "PEN-BLUE": 3}
    assert stage.line.books.violations() == ()
