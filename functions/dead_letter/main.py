"""Pub/Sub `dead-letters` -> park what was given up, with its reason."""

import functions_framework
from flask import Request, Response

from shared.edge import pubsub
from shared.wiring import services


@functions_framework.http
def dead_letter(request: Request) -> Response:
    """Park one message."""
    return pubsub.consume_dead(request, services())
