"""What all of Shippo's objects have in common, and pages of them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from aiohttp import web

from emulators.sellers.ledger import Document
from emulators.shippo.errors import refuse

OWNER = "shop@simulated.test"
MOST_RESULTS = 100


def fresh_id() -> str:
    """An id as Shippo's: 32 hexadecimal digits."""
    return uuid4().hex


def timestamp() -> str:
    """Now, in milliseconds, because days pass in seconds here."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def made(now: str) -> Document:
    """The fields that every object begins with."""
    return {
        "object_id": fresh_id(),
        "object_created": now,
        "object_updated": now,
        "object_owner": OWNER,
        "test": True,
    }


def page(request: web.Request, newest_last: Sequence[Any], results: int) -> Document:
    """A page of a list, the newest first: `results` on it where the request says nothing else."""
    number = _number(request, "page", 1)
    size = min(_number(request, "results", results), MOST_RESULTS)
    newest_first = newest_last[::-1]
    shown = newest_first[(number - 1) * size : number * size]
    more = len(newest_first) > number * size
    path = str(request.url.with_query(None))
    return {
        "next": f"{path}?page={number + 1}&results={size}" if more else None,
        "previous": f"{path}?page={number - 1}&results={size}" if number > 1 else None,
        "results": list(shown),
    }


def _number(request: web.Request, name: str, usual: int) -> int:
    text = request.query.get(name, str(usual))
    if not text.isdecimal() or int(text) < 1:
        refuse({name: ["A valid integer is required."]})
    return int(text)
