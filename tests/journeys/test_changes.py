"""Changes that overtake the order which they change."""

import pytest

from emulators.line.script import AMENDED, CANCELLED
from tests.journeys.stage import Stage, wait_until

pytestmark = pytest.mark.slow

INTAKE = "order_intake.orders"


def test_a_cancellation_before_its_order_cancels_it(stage: Stage) -> None:
    # Goal: the cancellation waits, the order is placed and charged meanwhile, and all of it is
    # taken back. Labels are held up, because after the label it would be too late.
    before = stage.failures(INTAKE)
    stage.publish("orders", CANCELLED, {"order_id": "change-cancel", "reason": "no longer wanted"})
    wait_until(lambda: stage.failures(INTAKE) > before, "the cancellation is refused for now")

    with stage.listening("order-events") as ears:
        with stage.paused("labels-correios"), stage.paused("labels-jadlog"):
            stage.submit("change-cancel", {"MUG-RED": 2})
            stage.wait_for("change-cancel", "cancelled")
        stage.wait_for_rest()
        heard = ears.hear("order-events", "change-cancel")

    # A slow machine may not have placed it before the cancellation comes again.
    told = [message.kind for message in heard if message.kind != "order.placed"]
    assert told == ["order.accepted", "order.closed"]
    assert heard[-1].body["state"] == "cancelled"
    assert heard[-1].body["reason"] == "no longer wanted"
    parcels = stage.rows(
        "SELECT state, (SELECT count(*) FROM labels WHERE labels.parcel_id = parcels.parcel_id),"
        " (SELECT sum(amount_cents) FROM charges WHERE charges.parcel_id = parcels.parcel_id)"
        " FROM parcels WHERE order_id = 'change-cancel'"
    )
    assert set(parcels) <= {("cancelled", 0, 0)}
    assert stage.line.books.violations() == ()


def test_an_amendment_before_its_order_changes_it(stage: Stage) -> None:
    before = stage.failures(INTAKE)
    lines = [{"line_no": 1, "sku": "MUG-RED", "quantity": 5, "unit_price_cents": 2_990}]
    amendment = {"order_id": "change-amend", "revision": 2, "lines": lines}
    stage.publish("orders", AMENDED, amendment)
    wait_until(lambda: stage.failures(INTAKE) > before, "the amendment is refused for now")

    with stage.paused("labels-correios"), stage.paused("labels-jadlog"):
        stage.submit("change-amend", {"MUG-RED": 2})
        wait_until(
            lambda: (
                stage.rows(
                    "SELECT sum(quantity) FROM parcel_items JOIN parcels USING (parcel_id)"
                    " WHERE parcels.order_id = 'change-amend' AND state = 'planned'"
                )
                == [(5,)]
            ),
            "the order is placed anew",
        )
    stage.wait_for("change-amend", "delivered")

    assert stage.value("SELECT revision FROM orders WHERE order_id = 'change-amend'") == 2
    assert stage.line.books.violations() == ()
