"""HTTPS from customers -> the page of the order that the path's token opens."""

import functions_framework
from flask import Request, Response

from shared.edge.tracking_page.serve import serve
from shared.wiring import services


@functions_framework.http
def tracking_page(request: Request) -> Response:
    """Show one order; the path is the token of its page."""
    return serve(request, services())
