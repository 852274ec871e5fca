"""EasyPost's errors, sorted by what to do next.

Sources: https://docs.easypost.com/guides/errors-guide (HTTP statuses and the shape of an error) and
the list of codes behind https://docs.easypost.com/docs/errors.
"""

from http import HTTPStatus

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
    """EasyPost knows nothing under that id or reference."""


class AlreadyBought(RefusedByCarrier):
    """The shipment has its label."""


# Refusals of this moment: the purchase runs, or its outcome is unknown. The vendor is asked again.
_PASSING_CODES = frozenset(
    {
        "SHIPMENT.PURCHASE.IN_PROGRESS",
        "SHIPMENT.POSTAGE.NO_RESPONSE",
        "SHIPMENT.POSTAGE.TIMED_OUT",
    }
)
_RATE_LIMITED = "RATE_LIMITED"
_ACCOUNT_STATUSES = frozenset(
    {HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN}
)
_REFUSAL_STATUSES = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY}
)


def sort_failure(
    status: int | None,
    vendor_code: str | None,
    message: str,
    details: object,
    retry_after_s: int | None,
) -> DispatchError:
    """The outcome that a failed call means for us.

    Args:
        status: the HTTP status; None when no answer came.
        vendor_code: the error's code; None when the body is not an error of EasyPost.
        message: the error's text for people.
        details: the error's `errors`: field errors, bare texts, or nothing.
        retry_after_s: from the answer's Retry-After, where it has one.
    """
    if status is None:
        return VendorUnavailable("EasyPost gave no answer")
    if passing := _passing(status, vendor_code):
        trouble, told = passing
        return trouble(f"EasyPost {told}", retry_after_s=retry_after_s)
    if status in _ACCOUNT_STATUSES:
        return CarrierAccountRefused(
            f"EasyPost refused our account (HTTP {status})", vendor_code=vendor_code
        )
    if status in _REFUSAL_STATUSES and vendor_code:
        field, problem = _first_detail(details)
        text = ": ".join(part for part in (message, field, problem) if part)
        kind = _refusal(status, vendor_code)
        return kind(f"EasyPost: {text}", vendor_code=vendor_code, field=field)
    return BrokenAnswer(f"EasyPost answered HTTP {status} without sense", status=status)


def _passing(status: int, vendor_code: str | None) -> tuple[type[CarrierUnavailable], str] | None:
    """What may be over in a moment: whose trouble it is, and how it is told."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return VendorUnavailable, f"is down (HTTP {status})"
    if status == HTTPStatus.TOO_MANY_REQUESTS or vendor_code == _RATE_LIMITED:
        return CarrierTooFast, f"wants fewer calls (HTTP {status})"
    if vendor_code in _PASSING_CODES:
        return CarrierUnavailable, f"asks to wait ({vendor_code})"
    return None


def _refusal(status: int, vendor_code: str) -> type[RefusedByCarrier]:
    if status == HTTPStatus.NOT_FOUND:
        return NotThere
    if vendor_code == "SHIPMENT.POSTAGE.EXISTS":
        return AlreadyBought
    return RefusedByCarrier


def _first_detail(details: object) -> tuple[str, str]:
    if not isinstance(details, list) or not details:
        return "", ""
    first = details[0]
    if isinstance(first, dict):
        return str(first.get("field") or ""), str(first.get("message") or "")
    return "", str(first)
