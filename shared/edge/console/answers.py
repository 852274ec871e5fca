"""Answers of the console: with what a browser must be told so that a page can do nothing else."""

import json
import re
from collections.abc import Mapping
from typing import Any

from flask import Request, Response

from shared.edge import http
from shared.edge.console import live, rendering
from shared.edge.console.desk import Desk
from shared.kit.errors import DispatchError

# Nothing from elsewhere, nothing inline: what a page shows of the world cannot run in it.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_TITLES = {
    400: "That cannot be answered",
    401: "Please sign in",
    403: "That is not yours to do",
    404: "There is nothing here",
    405: "That is not how this is used",
    409: "Something has changed",
    422: "That cannot be done",
    429: "Too many attempts",
    500: "Something went wrong on our side",
    503: "Not just now",
}


def html(text: str, status: int = 200) -> Response:
    """A page."""
    return Response(text, status=status, content_type="text/html; charset=utf-8")


def csv(text: str, path: str) -> Response:
    """A table to take away, named after where it was shown."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", path).strip("-")
    answer = Response(text, content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


def see(request: Request, path: str) -> Response:
    """Look there next, whatever was sent here."""
    return Response(status=303, headers={"Location": request.script_root + path})


def wants_page(request: Request) -> bool:
    """Whether a person looks at the answer."""
    return "text/html" in request.headers.get("Accept", "")


def refused(request: Request, error: DispatchError, status: int | None = None) -> Response:
    """What went wrong: a page for people, a problem document for machines."""
    problem = http.problem(error, status=status)
    if not wants_page(request):
        return problem
    answer = html(
        rendering.page(
            "error.html",
            title=_TITLES.get(problem.status_code, "That did not work"),
            problem=problem_of(problem),
            root=request.script_root,
            anew=request.path if request.method == "GET" and request.query_string else None,
        ),
        problem.status_code,
    )
    if "Retry-After" in problem.headers:
        answer.headers["Retry-After"] = problem.headers["Retry-After"]
    return answer


def problem_of(response: Response) -> Mapping[str, Any]:
    """The problem document in an answer."""
    found: Mapping[str, Any] = json.loads(response.get_data(as_text=True))
    return found


def guarded(response: Response, request: Request, desk: Desk) -> Response:
    """The answer with all that browsers are told every time."""
    for name, value in _ALWAYS.items():
        response.headers.setdefault(name, value)
    stream = live.origin(request, desk)
    policy = POLICY.replace("connect-src 'self'", f"connect-src 'self' {stream}".rstrip())
    response.headers.setdefault("Content-Security-Policy", policy)
    response.headers.setdefault("Cache-Control", "no-store")
    if not desk.is_local:
        response.headers.setdefault(
            "Strict-Transport-Security", "max-age=31536000; includeSubDomains"
        )
    return response
