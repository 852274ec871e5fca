"""EasyPost's error documents.

Source: https://docs.easypost.com/docs/errors; the texts of the first two from the cassettes of
easypost-python's own tests.
"""

import json
from collections.abc import Sequence
from typing import NoReturn

from aiohttp import web

FieldError = tuple[str, str]  # field, message


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(
        self, status: int, code: str, message: str, fields: Sequence[FieldError] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields

    def response(self, headers: dict[str, str] | None = None) -> web.Response:
        """The answer as EasyPost sends it."""
        errors = [{"field": field, "message": text} for field, text in self.fields]
        body = {"error": {"code": self.code, "message": self.message, "errors": errors}}
        return web.Response(
            status=self.status,
            text=json.dumps(body),
            content_type="application/json",
            headers=headers,
        )


def parameter_required(*fields: str) -> NoReturn:
    """Refuse a request that lacks `fields`."""
    missing = [(field, "cannot be blank") for field in fields]
    raise Refusal(422, "PARAMETER.REQUIRED", "Missing required parameter.", missing)


def not_found() -> NoReturn:
    """Refuse an id or a reference that nobody knows."""
    raise Refusal(404, "NOT_FOUND", "The requested resource could not be found.")
