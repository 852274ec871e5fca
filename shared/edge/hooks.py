"""Vendors' webhooks: verified over the raw body, kept, answered at once.

A stranger learns what a door looks like, and nothing else: a vendor that nobody knows and one that
is shut get the same answer, and so do all signatures that prove nothing. The log has the reason.

The answer waits until the message is on its topic. The outbox would make it safe to answer with the
commit and to send afterwards, but on Cloud Run the processor belongs to requests: a thread behind
the answer may stand still until the next one, and the sweep comes once a minute.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from flask import Request, Response
from werkzeug.exceptions import RequestEntityTooLarge

from shared.contracts.base import Cause
from shared.edge import http
from shared.edge.arrival import Arrival, from_outside, take
from shared.edge.http import NothingHere, TooLarge
from shared.edge.services import Services
from shared.flows.receive_carrier_update import receive_carrier_update
from shared.kit.errors import DoneBefore, Malformed
from shared.kit.ids import new_id
from shared.platform import log, trace
from shared.platform.published_keys import KeysUnavailable
from shared.platform.signatures import BadSignature, Sent, Trust
from shared.tracking.vendors.vendor import Vendor

MAX_BODY_BYTES = 1_000_000  # a full history is some ten kilobytes


@dataclass(frozen=True, slots=True)
class Hook:
    """One vendor's webhook: how it is read, and by what the vendor is recognised."""

    vendor: Vendor
    trust: Trust

    @property
    def is_open(self) -> bool:
        """Without anything to recognise its vendor by it takes nothing."""
        return self.vendor.scheme.can_verify(self.trust)


def receive(request: Request, services: Services, hooks: Mapping[str, Hook]) -> Response:
    """Take one update of the vendor that the path names. What it means is found out later."""
    name = request.path.strip("/")
    hook = hooks.get(name)
    if hook is None or not hook.is_open or request.method != "POST":
        # The name is not logged unless it is ours: a stranger may write anything there.
        _refused(None if hook is None else name, _why_nothing(hook))
        return http.problem(NothingHere("nothing here"), status=404)
    arrived = Arrival(name, name, "server", from_outside(request))
    return take(request, services, arrived, lambda: _received(request, services, name, hook))


def _received(request: Request, services: Services, name: str, hook: Hook) -> Response:
    try:
        with suppress(DoneBefore):
            _keep(request, services, name, hook)
    except Exception as error:
        return _turned_away(name, error)
    return http.done()


def _keep(request: Request, services: Services, name: str, hook: Hook) -> None:
    body = _body(request)
    hook.vendor.scheme.verify(Sent(body, request.headers.get, services.database.now()), hook.trust)
    report = hook.vendor.read(body)
    if report is not None:
        event_id = new_id("hook")
        trace.tell(correlation_id=event_id)
        services.run(
            lambda tx: receive_carrier_update(tx, name, report.tracking_code, body),
            Cause(event_id, event_id),
        )


def _body(request: Request) -> bytes:
    # One byte more than is taken: of a body that does not say its length no more than this is read,
    # and what was cut off must not look like what was sent.
    request.max_content_length = MAX_BODY_BYTES + 1
    try:
        body = request.get_data()
    except RequestEntityTooLarge:
        request.max_content_length = None  # functions-framework reads whatever we left unread
        raise TooLarge("the body is too large") from None
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge("the body is too large")
    return body


def _turned_away(name: str, error: Exception) -> Response:
    match error:
        case TooLarge():
            _refused(name, "oversized")
            return http.problem(error, status=413)
        case BadSignature():
            _refused(name, error.reason)
            return http.problem(error, status=401)
        case KeysUnavailable():  # nobody can say who sent it; the vendor sends it again
            _refused(name, error.code)
            return http.failed(error)
        case Malformed():
            log.line("hook.malformed", "WARNING", vendor=name, reason=error.code, field=error.field)
            return http.problem(error)
        case _:  # the vendor sends it again
            log.failure("hook.failed", error, vendor=name, code=http.code_of(error))
            return http.failed(error)


def _refused(vendor: str | None, reason: str) -> None:
    log.line("hook.refused", "WARNING", vendor=vendor, reason=reason)


def _why_nothing(hook: Hook | None) -> str:
    if hook is None:
        return "unknown_vendor"
    return "wrong_method" if hook.is_open else "disabled"
