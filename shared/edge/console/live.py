"""Where a page looks on: at the console's own origin, or on a laptop at another port."""

from collections.abc import Sequence
from urllib.parse import urlencode, urlsplit

from flask import Request

from shared.edge.console.desk import Desk
from shared.ops import live_rooms
from shared.platform.db import Transaction


def origin(request: Request, desk: Desk) -> str:
    """Of the stream; empty where it is the console's."""
    if desk.stream_port is None:
        return ""
    return f"{request.scheme}://{urlsplit(request.host_url).hostname}:{desk.stream_port}"


def url(tx: Transaction, request: Request, desk: Desk, rooms: Sequence[str]) -> str:
    """Where a page with these rooms looks on, from now; empty: it has none."""
    if not rooms:
        return ""
    asked = [*(("room", room) for room in rooms), ("since", str(live_rooms.position(tx)))]
    return f"{origin(request, desk)}{desk.stream_path}?{urlencode(asked)}"


def stranger(request: Request, desk: Desk) -> str:
    """The origin of a page of ours at another port of the same host; empty: there is none."""
    said = request.headers.get("Origin", "")
    try:
        is_ours = urlsplit(said).hostname == urlsplit(request.host_url).hostname
    except ValueError:  # of brackets that do not close
        return ""
    return said if desk.stream_port is not None and is_ours else ""
