"""HTTPS from browsers -> tell them at once when something changes that they look at."""

import functions_framework
from flask import Request, Response

from shared.edge.stream import serving
from shared.wiring import post


@functions_framework.http
def ops_stream(request: Request) -> Response:
    """Answer one request to look on; the answer goes on."""
    return serving.serve(request, post())
