"""Answers that are errors."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web


class Refusal(Exception):
    """An answer that is an error; `body` is the document in which the vendor says so."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.body = body

    def response(self, headers: Mapping[str, str] | None = None) -> web.Response:
        """The answer as the vendor sends it."""
        return web.Response(
            status=self.status,
            text=json.dumps(self.body),
            content_type="application/json",
            headers=headers,
        )


@dataclass(frozen=True, slots=True)
class Words:
    """How a vendor says what every vendor has to say.

    Attributes:
        no_json: the body cannot be read.
        failed: something is broken here; the text says what.
        too_many: the caller is to wait.
        no_key: nobody knows who is calling.
    """

    no_json: Callable[[], Refusal]
    failed: Callable[[str], Refusal]
    too_many: Callable[[], Refusal]
    no_key: Callable[[], Refusal]
