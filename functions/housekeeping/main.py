"""Cloud Scheduler -> work that no event starts, one job a path."""

import functions_framework
from flask import Request, Response

from shared.edge import schedule
from shared.flows.announce_availability import announce_availability
from shared.flows.audit_books import audit_books
from shared.flows.early_changes import park_early_changes
from shared.flows.expect_backorders import expect_backorders
from shared.flows.expire_holds import expire_holds
from shared.flows.forget_messages import forget_messages
from shared.flows.request_placement import promote_waiting, wake_backorders
from shared.wiring import longest_wait_s, services


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
            "/park-early-changes": lambda parts, cause: {
                "parked": parts.run(park_early_changes, cause)
            },
            "/expire": lambda parts, cause: forget_messages(parts.runner(cause)),
            "/audit": lambda parts, cause: {"violations": parts.run(audit_books, cause)},
        },
    )
