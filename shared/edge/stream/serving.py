"""Server-sent events over HTTP: an answer that goes on for as long as somebody looks on.

| event | says |
|---|---|
| `ready` | from here on they are told; nothing was missed |
| `changed` | in which of their rooms something changed |
| `look` | what was missed is not known any more: look at everything again |
| `over` | the session has ended, or may do something else now |

Each has an id, the position up to which everything was told; who comes back with it, to whichever
instance, is told what happened since. An answer that ends without a word is to be asked for again.
Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import json
import random
import time
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from flask import Request, Response

from shared.contracts.base import Cause
from shared.edge import http
from shared.edge.api import WrongMethod
from shared.edge.arrival import Arrival, from_outside, take
from shared.edge.console import answers, guard, live
from shared.edge.console.desk import Desk
from shared.edge.stream.hub import Hub, Viewer
from shared.flows.watch_rooms import check_rooms
from shared.inbound.types import UnknownInbound
from shared.kit.errors import NotYet, Rejected
from shared.kit.ids import new_id
from shared.ops import live_rooms
from shared.ops.live_rooms import Heard
from shared.orders.types import UnknownOrder
from shared.people import sessions
from shared.people.permissions import Who
from shared.people.types import NotAllowed
from shared.platform import log
from shared.platform.auth import Unauthenticated
from shared.platform.db import Transaction
from shared.platform.live_changes import Position
from shared.shipments.types import NoSuchParcel

HEARTBEAT_S = 10.0  # so that proxies keep the connection, and one that is gone is noticed
LONGEST_S = 840.0  # shorter than the function's time limit, which would cut it in the middle
SPREAD_S = 60.0  # those who came together do not all come back together
CALM_S = 0.05  # between two words about one thing
CALM_AROUND_S = 1.0  # between two about something that changes all the time
SLOWEST_S = 15.0  # who takes nothing for so long is dropped
RETRY_MS = 1_000
_NARROW = ("order:", "parcel:", "inbound:")
_NAME = "lookOn"  # of the operation
_STATUSES = {
    NotAllowed: 403,
    UnknownOrder: 404,
    NoSuchParcel: 404,
    UnknownInbound: 404,
    WrongMethod: 405,
}


class Post(NamedTuple):
    """The parts of one process.

    Attributes:
        desk: as for the console, whose sessions these are.
        hub: who looks on here.
    """

    desk: Desk
    hub: Hub


def serve(request: Request, post: Post) -> Response:
    """Answer one request to look on. What it costs from then on, its hub knows."""
    arrived = Arrival(_NAME, _NAME, "server", from_outside(request), _cause())
    answer = take(request, post.desk.services, arrived, lambda: _answered(request, post))
    stranger = live.stranger(request, post.desk)
    if stranger:
        answer.headers["Access-Control-Allow-Origin"] = stranger
        answer.headers["Access-Control-Allow-Credentials"] = "true"
        answer.headers["Vary"] = "Origin"
    return answers.guarded(answer, request, post.desk)


def _answered(request: Request, post: Post) -> Response:
    try:
        viewer, heard = _joined(request, post)
    except NotYet as error:
        answer = http.problem(error)
    except Rejected as error:
        answer = http.problem(error, status=_STATUSES.get(type(error)))
    except Exception as error:
        log.failure("stream.failed", error, code=http.code_of(error))
        answer = http.failed(error)
    else:
        answer = Response(_frames(request, post.hub, viewer, heard), mimetype="text/event-stream")
        answer.headers["X-Accel-Buffering"] = "no"
    return answer


def read_for(desk: Desk, seen: Position | None) -> Heard:
    """What the hub of a process reads."""

    def step(tx: Transaction) -> Heard:
        if seen is None:
            return Heard(live_rooms.position(tx), frozenset())
        return live_rooms.since(tx, seen)

    return desk.services.database.run(step, _cause())


def alive_for(desk: Desk, tokens: set[str]) -> dict[str, Who]:
    """Whose sessions go on."""
    return desk.services.database.run(lambda tx: sessions.alive(tx, tokens), _cause())


def _joined(request: Request, post: Post) -> tuple[Viewer, Heard]:
    """The viewer, who is told from now on, and what they have missed."""
    guest = guard.guest(request, post.desk)
    if request.method != "GET":
        raise WrongMethod("looking on is a GET")
    if guest.token is None:
        raise Unauthenticated("looking on is for people; machines subscribe to the topics")
    token = guest.token
    rooms = request.args.getlist("room")
    said = request.headers.get("Last-Event-ID") or request.args.get("since")
    seen = Position.read(said) if said else None

    def opened(tx: Transaction) -> Who:
        who = sessions.alive(tx, [token]).get(token)
        if who is None or guest.email not in {None, who.name}:
            raise Unauthenticated("sign in")
        check_rooms(tx, who, rooms)
        return who

    who = post.desk.services.database.run(opened, _cause())
    viewer = Viewer(frozenset(rooms), token, who)
    post.hub.join(viewer)
    try:
        return viewer, read_for(post.desk, seen)
    except BaseException:
        post.hub.leave(viewer)
        raise


def _frames(request: Request, hub: Hub, viewer: Viewer, heard: Heard) -> Iterator[str]:
    end = time.monotonic() + LONGEST_S - random.uniform(0, SPREAD_S)  # noqa: S311  no secret
    is_narrow = all(room.startswith(_NARROW) for room in viewer.rooms)
    calm_s = CALM_S if is_narrow else CALM_AROUND_S
    _drop_if_slow(request)
    try:
        missed = heard.rooms & viewer.rooms
        first = "look" if not heard.is_all else "changed" if missed else "ready"
        yield f"retry: {RETRY_MS}\n" + _frame(heard.position, first, missed)
        while time.monotonic() < end:
            viewer.wait(HEARTBEAT_S)
            told = hub.take(viewer)
            if told.over:
                if told.over == "session":
                    yield _frame(told.position, "over", frozenset())
                return
            if told.must_look or told.rooms:
                word = "look" if told.must_look else "changed"
                yield _frame(told.position, word, told.rooms)
                viewer.rest(calm_s)  # what happens meanwhile is told together
            else:
                yield f"id: {told.position}\n\n"
    finally:
        hub.leave(viewer)


@lru_cache(maxsize=64)  # who is in the same rooms is told the same
def _frame(position: Position, event: str, rooms: frozenset[str]) -> str:
    data = json.dumps({"rooms": sorted(rooms)})
    return f"id: {position}\nevent: {event}\ndata: {data}\n\n"


def _drop_if_slow(request: Request) -> None:
    """A viewer who takes nothing more is an error of their connection, not a thread for ever."""
    connection = request.environ.get("gunicorn.socket")
    if connection is not None:
        connection.settimeout(SLOWEST_S)


def _cause() -> Cause:
    event_id = new_id("req")
    return Cause(event_id, event_id)
