"""HTTPS from channels -> take, show or cancel an order -> `order-events`."""

import functions_framework
from flask import Request, Response

from shared.edge import api
from shared.edge.order_operations import operations
from shared.wiring import api_verifier, pages_url, services


@functions_framework.http
def order_api(request: Request) -> Response:
    """Answer one request about an order."""
    return api.serve(request, services(), api_verifier(), operations(pages_url()))
