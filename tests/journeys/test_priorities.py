"""Who waits for whom: express never behind bulk, and nobody for ever."""

from tests.journeys.stage import Stage


def test_express_orders_pass_a_flood_of_bulk_orders(stage: Stage) -> None:
    # Goal: a bulk order that was there first does not hold up an express order. While an express
    # order waits, the bulk queue places one here and one there, and many at once only afterwards.
    bulk = [f"flood-bulk-{n}" for n in range(60)]
    express = [f"flood-express-{n}" for n in range(3)]
    with stage.paused("placement-bulk", "placement-express"):
        for order_id in bulk:
            stage.submit(order_id, {"MUG-RED": 1}, service_level="economy")
        for order_id in express:
            stage.submit(order_id, {"MUG-RED": 1}, service_level="express")
        for order_id in (*bulk, *express):
            stage.wait_for(order_id, "waiting")
    for order_id in express:
        stage.wait_for(order_id, "delivered")
    stage.wait_for_rest()

    def together(when: str) -> list[int]:
        """How many bulk orders each transaction placed then, the largest first.

        Transactions are in the order in which they first wrote, which decisions keep; a moment is
        one of before, and of a busy machine it may be long before.
        """
        written = "CAST(CAST(xmin AS text) AS bigint)"
        found = stage.rows(
            f"SELECT count(*) FROM placement_decisions WHERE order_id LIKE 'flood-bulk-%'"
            f" AND {written} {when} (SELECT max({written}) FROM placement_decisions"
            "                         WHERE order_id LIKE 'flood-express-%')"
            f" GROUP BY {written} ORDER BY 1 DESC"
        )
        return [count for (count,) in found]

    assert set(together("<=")) <= {1}
    assert together(">")[0] > 1, "some were overtaken, and placed together afterwards"
    assert stage.line.books.violations() == ()


def test_an_express_order_goes_its_way_while_everybody_else_stands_still(stage: Stage) -> None:
    # Goal: from intake to label nothing that a flood can fill is shared with what is express.
    others = (
        "order_intake.orders",
        "order_placement.order-events",
        "placement-standard",
        "placement-bulk",
        "labels-correios",
        "labels-jadlog",
    )
    with stage.paused(*others):
        stage.submit("held-up", {"MUG-RED": 1})
        stage.submit("urgent", {"MUG-RED": 1}, service_level="express")
        stage.wait_for("urgent", "delivered")
        assert stage.state("held-up") is None
    stage.wait_for("held-up", "delivered")

    stage.wait_for_rest()
    assert stage.line.books.violations() == ()


def test_an_order_whose_queue_stands_still_is_placed_through_the_next_one(stage: Stage) -> None:
    with stage.paused("placement-standard"):
        stage.submit("aged", {"MUG-RED": 1})
        stage.wait_for("aged", "waiting")
        stage.rows(
            "UPDATE orders SET asked_at = asked_at - interval '30 minutes'"
            " WHERE order_id = 'aged' RETURNING 1"
        )
        stage.run_job("housekeeping-promote-waiting")
        stage.wait_for("aged", "delivered")

    stage.wait_for_rest()
    assert stage.line.books.violations() == ()
