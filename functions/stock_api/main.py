"""HTTPS from channels -> hold stock, or say what can be promised -> `stock-events`, work."""

import functions_framework
from flask import Request, Response

from shared.edge import api
from shared.edge.stock_operations import operations
from shared.wiring import api_verifier, hold_ttl_s, services


@functions_framework.http
def stock_api(request: Request) -> Response:
    """Answer one request about stock."""
    return api.serve(request, services(), api_verifier(), operations(hold_ttl_s()))
