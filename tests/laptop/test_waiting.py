"""What a laptop waits for before it goes on."""

from emulators.line.run import waiting_of


def test_nobody_waits_for_webhooks_that_are_not_taken() -> None:
    # Goal: a shop that does not answer keeps no stack from starting again, no replay from its end.
    figures = {
        "subscriptions": {
            "projects/p/subscriptions/order_intake.orders": {"backlog": 2},
            "projects/p/subscriptions/order_costing.parcel-events": {"backlog": 3},
        },
        "queues": {
            "projects/p/locations/l/queues/placement-bulk": {"depth": 5},
            "projects/p/locations/l/queues/labels-jadlog": {"depth": 7},
            "projects/p/locations/l/queues/webhooks": {"depth": 4_739},
        },
    }

    assert waiting_of(figures) == (2 + 5, 2 + 3 + 5 + 7)
