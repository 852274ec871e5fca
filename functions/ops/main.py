"""HTTPS from browsers and machines -> show how things stand, do what a person decides."""

import functions_framework
from flask import Request, Response

from shared.edge.console import serving
from shared.wiring import desk, documents, webhooks


@functions_framework.http
def ops(request: Request) -> Response:
    """Answer one request to the console."""
    return serving.serve(request, desk()._replace(documents=documents, webhooks=webhooks))
