"""Waiting for stock is a state, and whatever brings the stock ends it."""

from emulators.line.books import CAUSE
from shared.contracts.stock import ReceivedUnits, StockReceived
from shared.flows.receive_stock import receive_stock
from shared.kit.clock import utc_now
from shared.platform.db import Transaction
from shared.platform.sql import text
from tests.journeys.stage import Stage


def backordered(stage: Stage, order_id: str, sku: str) -> None:
    """An order for three of something of which there is one."""
    stage.submit(order_id, {sku: 3})
    stage.wait_for(order_id, "backordered")
    stage.wait_for_rest()


def test_a_receipt_ends_a_backorder(stage: Stage) -> None:
    backordered(stage, "back-receipt", "CHAIR-RED")

    with stage.listening("order-events") as ears:
        stage.line.receive({"SAO": {"CHAIR-RED": 2}}, "back-receipt")
        stage.wait_for("back-receipt", "delivered")
        stage.wait_for_rest()
        heard = ears.hear("order-events", "back-receipt")

    assert [message.kind for message in heard] == ["order.placed", "order.closed"]
    # The trail is the order's and not the receipt's, which woke it.
    correlation_id = stage.value(
        "SELECT correlation_id FROM orders WHERE order_id = 'back-receipt'"
    )
    assert {message.attributes["ce-correlationid"] for message in heard} == {correlation_id}
    assert stage.value("SELECT on_hand FROM stock_levels WHERE sku = 'CHAIR-RED'") == 0


def test_a_count_ends_a_backorder(stage: Stage) -> None:
    backordered(stage, "back-count", "CHAIR-BLUE")
    count = {
        "warehouse": "SAO",
        "count_id": "back-count",
        "counted_at": utc_now().isoformat(),
        "lines": [{"sku": "CHAIR-BLUE", "on_hand": 4}],
    }

    stage.publish("stock-updates", "warehouse.stock.counted.v1", count, ordering_key="SAO")

    stage.wait_for("back-count", "delivered")
    assert stage.value("SELECT on_hand FROM stock_levels WHERE sku = 'CHAIR-BLUE'") == 1


def test_housekeeping_ends_a_backorder_whose_event_was_lost(stage: Stage) -> None:
    backordered(stage, "back-lost", "CHAIR-GREEN")
    event = StockReceived(
        warehouse="RIO",
        receipt_id="back-lost",
        received_at=utc_now(),
        lines=(ReceivedUnits(sku="CHAIR-GREEN", quantity=2),),
    )

    def receive_and_lose_the_news(tx: Transaction) -> None:
        receive_stock(tx, event)
        tx.rows(text("DELETE FROM outbox"))

    stage.line.books.database.run(receive_and_lose_the_news, CAUSE)
    assert stage.state("back-lost") == "backordered"

    stage.run_job("housekeeping-wake-backorders")

    stage.wait_for("back-lost", "delivered")
    assert stage.line.books.violations() == ()
