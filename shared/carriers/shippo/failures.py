"""Shippo's errors, sorted by what to do next.

Sources: https://docs.goshippo.com/docs/api_concepts/apihttpstatuscodes (statuses) and the public
API's examples of `messages`. An error's body has no code: it is `{"detail": text}`, or problems by
field, as deep as the field lies in what was sent.
"""

from http import HTTPStatus
from typing import Any

from shared.carriers.types import (
    BrokenAnswer,
    CarrierAccountRefused,
    CarrierTooFast,
    CarrierUnavailable,
    RefusedByCarrier,
    VendorUnavailable,
)
from shared.kit.errors import DispatchError


class NotThere(RefusedByCarrier):
    """Shippo knows nothing under that id."""


# 409: "too many concurrent calls".
_TOO_FAST_STATUSES = frozenset({HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS})
_ACCOUNT_STATUSES = frozenset(
    {HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN}
)
_REFUSAL_STATUSES = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY}
)
# What a carrier behind Shippo says of this moment alone.
_PASSING_CODES = frozenset({"carrier_timeout"})
_OF_NO_FIELD = frozenset({"detail", "__all__", "non_field_errors", "error", "message"})


def sort_failure(status: int, body: Any, retry_after_s: int | None) -> DispatchError:
    """The outcome that a failed call means for us.

    Args:
        status: the HTTP status, 300 or more.
        body: the JSON that came; None when none came.
        retry_after_s: from the answer's Retry-After, where it has one.
    """
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return VendorUnavailable(f"Shippo is down (HTTP {status})", retry_after_s=retry_after_s)
    if status in _TOO_FAST_STATUSES:
        return CarrierTooFast(
            f"Shippo wants fewer calls (HTTP {status})", retry_after_s=retry_after_s
        )
    if status in _ACCOUNT_STATUSES:
        return CarrierAccountRefused(f"Shippo refused our account (HTTP {status})")
    if status in _REFUSAL_STATUSES and isinstance(body, dict | list):
        field, problem = _first_problem(body)
        text = ": ".join(part for part in (field, problem) if part)
        kind = NotThere if status == HTTPStatus.NOT_FOUND else RefusedByCarrier
        return kind(f"Shippo: {text}", vendor_code=f"http_{status}", field=field)
    return BrokenAnswer(f"Shippo answered HTTP {status} without sense", status=status)


def sort_refusal(code: str, text: str) -> DispatchError:
    """The outcome of a call that was answered with a message instead of what was asked for."""
    if code in _PASSING_CODES:
        return CarrierUnavailable(f"Shippo asks to wait ({code})")
    return RefusedByCarrier(f"Shippo: {text or code}", vendor_code=code)


def _first_problem(body: Any) -> tuple[str, str]:
    """The dotted path of the first field that something is said of, and what is said."""
    path: list[str] = []
    while isinstance(body, dict | list) and body:
        name, body = next(iter(body.items())) if isinstance(body, dict) else ("", body[0])
        path += [name] if name and name not in _OF_NO_FIELD else []
    return ".".join(path), body if isinstance(body, str) else ""
