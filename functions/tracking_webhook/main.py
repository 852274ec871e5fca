"""HTTPS from carriers -> verify, keep raw, answer -> `carrier-updates`."""

import functions_framework
from flask import Request, Response

from shared.edge.hooks import receive
from shared.wiring import hooks, services


@functions_framework.http
def tracking_webhook(request: Request) -> Response:
    """Take a vendor's update; the path is the vendor's name."""
    return receive(request, services(), hooks())
