"""Changes that overtake the order which they change."""

from emulators.line.script import AMENDED, CANCELLED
from tests.journeys.stage import Stage, wait_until


def wait_until_remembered(stage: Stage, order_id: str) -> None:
    def rows() -> list[tuple[object, ...]]:
        return list(stage.rows(f"SELECT 1 FROM early_changes WHERE order_id = '{order_id}'"))

    wait_until(rows, "the change waits for its order")


def test_a_cancellation_before_its_order_cancels_it(stage: Stage) -> None:
    # Goal: nothing is bought for it, however fast the line is.
    stage.publish("orders", CANCELLED, {"order_id": "change-cancel", "reason": "no longer wanted"})
    wait_until_remembered(stage, "change-cancel")

    with stage.listening("order-events") as ears:
        stage.submit("change-cancel", {"MUG-RED": 2})
        stage.wait_for("change-cancel", "cancelled")
        stage.wait_for_rest()
        heard = ears.hear("order-events", "change-cancel")

    assert [message.kind for message in heard] == ["order.accepted", "order.closed"]
    assert heard[-1].body["state"] == "cancelled"
    assert heard[-1].body["reason"] == "no longer wanted"
    assert stage.rows("SELECT 1 FROM parcels WHERE order_id = 'change-cancel'") == []
    assert stage.line.books.violations() == ()


def test_an_amendment_before_its_order_changes_it(stage: Stage) -> None:
    lines = [{"line_no": 1, "sku": "MUG-RED", "quantity": 5, "unit_price_cents": 2_990}]
    amendment = {"order_id": "change-amend", "revision": 2, "lines": lines}
    stage.publish("orders", AMENDED, amendment)
    wait_until_remembered(stage, "change-amend")

    stage.submit("change-amend", {"MUG-RED": 2})
    stage.wait_for("change-amend", "delivered")

    assert stage.value("SELECT revision FROM orders WHERE order_id = 'change-amend'") == 2
    assert stage.rows(
        "SELECT sum(quantity) FROM parcel_items JOIN parcels USING (parcel_id)"
        " WHERE parcels.order_id = 'change-amend' AND state = 'delivered'"
    ) == [(5,)]
    assert stage.line.books.violations() == ()
