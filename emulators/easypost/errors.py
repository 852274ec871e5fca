"""EasyPost's error documents.

Source: https://docs.easypost.com/docs/errors; the texts of the first two from the cassettes of
easypost-python's own tests.
"""

from collections.abc import Sequence
from typing import NoReturn

from emulators.sellers import refusals
from emulators.sellers.refusals import Words

FieldError = tuple[str, str]  # field, message


class Refusal(refusals.Refusal):
    """An answer that is an error."""

    def __init__(
        self, status: int, code: str, message: str, fields: Sequence[FieldError] = ()
    ) -> None:
        errors = [{"field": field, "message": text} for field, text in fields]
        error = {"code": code, "message": message, "errors": errors}
        super().__init__(status, {"error": error})


WORDS = Words(
    no_json=lambda: Refusal(400, "BAD_REQUEST", "The body is not JSON."),
    failed=lambda text: Refusal(500, "INTERNAL_SERVER_ERROR", text),
    too_many=lambda: Refusal(429, "RATE_LIMITED", "You are making too many requests."),
    no_key=lambda: Refusal(401, "APIKEY.INACTIVE", "This api key is no longer active."),
)


def parameter_required(*fields: str) -> NoReturn:
    """Refuse a request that lacks `fields`."""
    missing = [(field, "cannot be blank") for field in fields]
    raise Refusal(422, "PARAMETER.REQUIRED", "Missing required parameter.", missing)


def not_found() -> NoReturn:
    """Refuse an id or a reference that nobody knows."""
    raise Refusal(404, "NOT_FOUND", "The requested resource could not be found.")
