"""The stream as it is deployed, behind a server with threads, and somebody who listens to it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache

import pytest
import requests
from flask import Flask

from shared import wiring
from shared.edge.console.desk import Desk
from shared.people.types import User
from shared.platform.db import Database
from tests.console.conftest import ada, desk, placed, queues
from tests.edge.serving import function
from tests.people import given as people
from tests.support.served import served

__all__ = ["ada", "desk", "placed", "queues"]  # fixtures, for the tests here as well

PATIENCE_S = 20.0
Listen = Callable[..., "Listener"]


@dataclass(frozen=True, slots=True)
class Said:
    """One event as it was sent."""

    event: str
    rooms: list[str]
    position: str


@dataclass(slots=True)
class Listener:
    """An open answer, read as a browser reads it."""

    answer: requests.Response
    heard: str = ""
    _lines: Iterator[str] = field(init=False)

    def __post_init__(self) -> None:
        self._lines = self.answer.iter_lines(chunk_size=1, decode_unicode=True)

    def next(self) -> Said:
        """The next event; StopIteration where the answer ends."""
        found: dict[str, str] = {}
        for line in self._lines:
            name, _, value = line.partition(": ")
            if name:
                found[name] = value
                continue
            self.heard = found.get("id", self.heard)
            if "event" in found:
                return Said(found["event"], json.loads(found["data"])["rooms"], self.heard)
            found = {}
        raise StopIteration

    def close(self) -> None:
        """Go away."""
        self.answer.close()


def serve(monkeypatch: pytest.MonkeyPatch) -> Flask:
    """An instance of the function, with a hub of its own."""
    monkeypatch.setattr(wiring, "post", cache(wiring.post.__wrapped__))
    app: Flask = function("ops_stream").application
    return app


@pytest.fixture
def address(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where the stream is served."""
    monkeypatch.setattr(wiring, "desk", lambda: desk)
    with served(serve(monkeypatch)) as found:
        yield found
        wiring.post().hub.send_away("deaf")


@pytest.fixture
def listen(address: str, placed: Database, ada: User) -> Iterator[Listen]:
    """Opens a stream for whoever has the session; Ada's, unless it is given."""
    opened: list[Listener] = []

    def open_stream(*rooms: str, token: str | None = None, **asked: str) -> Listener:
        answer = requests.get(
            address,
            params=[*(("room", room) for room in rooms), *asked.items()],
            cookies={"dispatch_session": token or people.session(placed, ada)},
            stream=True,
            timeout=PATIENCE_S,
        )
        opened.append(Listener(answer))
        return opened[-1]

    yield open_stream
    for listener in opened:
        listener.close()
