"""HTTPS -> nothing: the body is read and acknowledged."""

import functions_framework
from flask import Request, Response


@functions_framework.http
def bare(request: Request) -> Response:
    """Take whatever comes."""
    request.get_data()
    return Response(status=204)
