"""Cloud Scheduler -> send what is left in the outbox."""

import functions_framework
from flask import Request, Response

from shared.edge import schedule
from shared.wiring import services


@functions_framework.http
def outbox_relay(request: Request) -> Response:
    """Sweep the outbox once."""
    return schedule.run_job(
        request, services(), {"/": lambda parts, _cause: {"tried": parts.relay.sweep()}}
    )
