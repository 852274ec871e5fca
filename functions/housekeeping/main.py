"""Cloud Scheduler -> work that no event starts, one job a path."""

from dataclasses import asdict

import functions_framework
from flask import Request, Response

from shared.edge import schedule
from shared.flows.announce_availability import announce_availability
from shared.flows.audit_books import audit_books
from shared.flows.early_changes import park_early_changes
from shared.flows.empty_partitions import empty_partitions
from shared.flows.expect_backorders import expect_backorders
from shared.flows.expire_holds import expire_holds
from shared.flows.forget_messages import forget_messages
from shared.flows.reconcile_stock import reconcile_stock
from shared.flows.request_placement import promote_waiting, wake_backorders
from shared.flows.spread_hot_skus import spread_hot_skus
from shared.wiring import hot_skus, longest_wait_s, services


@functions_framework.http
def housekeeping(request: Request) -> Response:
    """Run the job of this path."""
    return schedule.run_job(
        request,
        services(),
        {
            "/wake-backorders": lambda parts, cause: {"woken": parts.run(wake_backorders, cause)},
            "/promote-waiting": lambda parts, cause: {
                "promoted": parts.run(lambda tx: promote_waiting(tx, longest_wait_s()), cause)
            },
            "/expect-backorders": lambda parts, cause: {
                "told": expect_backorders(parts.runner(cause))
            },
            "/announce-availability": lambda parts, cause: {
                "announced": announce_availability(parts.runner(cause))
            },
            "/expire-holds": lambda parts, cause: {"expired": expire_holds(parts.runner(cause))},
            "/empty-partitions": lambda parts, cause: {
                "emptied": empty_partitions(parts.runner(cause))
            },
            "/spread-hot-skus": lambda parts, cause: spread_hot_skus(
                parts.runner(cause), *hot_skus()
            ),
            "/park-early-changes": lambda parts, cause: {
                "parked": parts.run(park_early_changes, cause)
            },
            "/expire": lambda parts, cause: forget_messages(parts.runner(cause)),
            "/reconcile": lambda parts, cause: asdict(
                reconcile_stock(parts.runner(cause), actor="nightly")
            ),
            "/audit": lambda parts, cause: {"violations": parts.run(audit_books, cause)},
        },
    )
