"""Vendors' webhooks: verified over the raw body, kept, answered at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import Request, Response
from werkzeug.exceptions import RequestEntityTooLarge

from shared.contracts.base import Cause
from shared.edge import http
from shared.edge.http import NothingHere, TooLarge
from shared.edge.services import Services
from shared.flows.receive_carrier_update import receive_carrier_update
from shared.kit.errors import Malformed
from shared.kit.ids import new_id
from shared.platform import log
from shared.platform.signatures import BadSignature
from shared.tracking.types import TrackingReport

MAX_BODY_BYTES = 1_000_000  # a full history is some ten kilobytes


@dataclass(frozen=True, slots=True)
class Vendor:
    """How one vendor's webhook is checked and read.

    `verify` takes the raw body and the header that signs it, and raises BadSignature. `read` raises
    Malformed for a body that cannot be used, and gives None for one about something else.
    """

    signature_header: str
    verify: Callable[[bytes, str | None], None]
    read: Callable[[bytes], TrackingReport | None]


def receive(request: Request, services: Services, vendors: Mapping[str, Vendor]) -> Response:
    """Take one update of the vendor that the path names. What it means is found out later."""
    name = request.path.strip("/")
    vendor = vendors.get(name)
    if vendor is None or request.method != "POST":
        return http.problem(NothingHere("nothing here"), status=404)
    request.max_content_length = MAX_BODY_BYTES
    try:
        body = request.get_data()
        vendor.verify(body, request.headers.get(vendor.signature_header))
        report = vendor.read(body)
        if report is not None:
            event_id = new_id("hook")
            services.run(
                lambda tx: receive_carrier_update(tx, name, report.tracking_code, body),
                Cause(event_id, event_id),
            )
    except RequestEntityTooLarge:
        request.max_content_length = None  # functions-framework reads whatever we left unread
        return http.problem(TooLarge("the body is too large"), status=413)
    except BadSignature as error:
        log.line("hook.unsigned", "WARNING", vendor=name, reason=error.reason)
        return http.problem(error, status=401)
    except Malformed as error:
        log.line("hook.malformed", "WARNING", vendor=name, field=error.field)
        return http.problem(error)
    except Exception as error:  # the vendor sends it again
        log.failure("hook.failed", error, vendor=name, code=http.code_of(error))
        return http.failed(error)
    return http.done()
