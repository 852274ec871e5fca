"""Answers a customer's browser: the page of a token, the files beside it, and nothing else.

| asked for | answer |
|---|---|
| a token that opens an order | 200, or 304 where the browser has it as it is |
| the style sheet or the sign, by the name that has their hash | 200, to be kept for ever |
| any other path | 404: the same page, whatever was wrong with it |
| another method than GET and HEAD | 405 |
| the database does not answer; our fault | 503, 500 |

No page has a script, loads anything from elsewhere, may stand in a frame, tells other sites its
address, or is kept by anybody but the browser. The token is in no line of our log.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from flask import Request, Response

from shared.contracts.base import Cause
from shared.edge import http
from shared.edge.arrival import Arrival, from_outside, take
from shared.edge.services import Services
from shared.edge.tracking_page import render
from shared.flows.follow_order import follow_order
from shared.kit.errors import NotYet
from shared.kit.ids import new_id
from shared.kit.languages import Language, spoken
from shared.platform import log

METHODS = ("GET", "HEAD")
FRESH_S = 30  # a page; news comes every few hours
FOR_EVER_S = 31_536_000
RETRY_AFTER_S = 60
_NAME = "followOrder"  # of the operation; its token is in no trace either

HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": (
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none';"
            " form-action 'none'; frame-ancestors 'none'"
        ),
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex, nofollow, noarchive",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Strict-Transport-Security": f"max-age={FOR_EVER_S}",
    }
)


def serve(request: Request, services: Services) -> Response:
    """Answer one request of somebody who is not known, and need not be."""
    response = _answer(request, services)
    response.headers.update(HEADERS)
    return response


def _answer(request: Request, services: Services) -> Response:
    if request.method not in METHODS:
        return Response(status=405, headers={"Allow": ", ".join(METHODS)})
    name = request.path.strip("/")
    # By its last part: a browser asks for it beside whatever address the page was opened by.
    asset = render.assets().get(name.rpartition("/")[2])
    if asset is not None:
        kept = {"Cache-Control": f"public, max-age={FOR_EVER_S}, immutable"}
        return Response(asset.content, content_type=asset.content_type, headers=kept)
    event_id = new_id("req")
    cause = Cause(event_id, event_id)
    arrived = Arrival(_NAME, _NAME, "server", from_outside(request), cause)
    return take(request, services, arrived, lambda: _tried(request, services, name, cause))


def _tried(request: Request, services: Services, token: str, cause: Cause) -> Response:
    try:
        return _page(request, services, token, cause)
    except Exception as error:
        return _trouble(request, error)


def _page(request: Request, services: Services, token: str, cause: Cause) -> Response:
    story = services.run(lambda tx: follow_order(tx, token), cause)
    if story is None:
        return _of_nobody(request, render.nothing_page, 404)
    language = spoken(request.args.get("lang", "")) or story.language
    text = render.order_page(story, language, services.database.now())
    response = _html(text, 200, f"private, max-age={FRESH_S}, must-revalidate")
    response.add_etag()
    response.make_conditional(request)
    return response


def _trouble(request: Request, error: Exception) -> Response:
    status = 503 if isinstance(error, NotYet) else 500
    log.failure("page.failed", error, code=http.code_of(error))
    response = _of_nobody(request, render.trouble_page, status)
    response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


def _of_nobody(request: Request, page: Callable[[Language], str], status: int) -> Response:
    """A page that belongs to no order: in the language that is asked for, or that is read."""
    asked = spoken(request.args.get("lang", ""))
    tags = (tag for tag, _ in request.accept_languages)
    language = asked or next(filter(None, map(spoken, tags)), Language.ENGLISH)
    response = _html(page(language), status, "no-store")
    response.vary.add("Accept-Language")
    return response


def _html(text: str, status: int, keeping: str) -> Response:
    kept = {"Cache-Control": keeping}
    return Response(text, status, kept, content_type="text/html; charset=utf-8")
