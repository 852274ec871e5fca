"""A tiny HTTP endpoint that notes every request and answers as it was told."""

import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.conformance.patience import at_most

Answer = int | tuple[int, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it arrived; header names are as sent, `at_s` is seconds since 1970."""

    method: str
    path: str
    query: str
    headers: Any
    body: bytes
    at_s: float


@dataclass(slots=True)
class _Route:
    answers: list[Answer] = field(default_factory=lambda: [200])
    seen: list[Seen] = field(default_factory=list)
    open: threading.Event = field(default_factory=threading.Event)
    under_way: int = 0
    most_under_way: int = 0


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512  # the default of five loses connections when many open at once


class Recorder:
    """Every path is a world of its own, answers 200, and may be told otherwise."""

    def __init__(self) -> None:
        self._routes: dict[str, _Route] = defaultdict(_new_route)
        self._changed = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def answer(self, path: str, answers: Sequence[Answer]) -> None:
        """The status of each request in turn; the last one goes on for ever."""
        self._routes[path].answers = list(answers)

    def hold(self, path: str) -> None:
        """Let requests to `path` hang until `release`."""
        self._routes[path].open.clear()

    def release(self, path: str) -> None:
        self._routes[path].open.set()

    def most_under_way(self, path: str) -> int:
        return self._routes[path].most_under_way

    def seen(self, path: str) -> list[Seen]:
        with self._changed:
            return list(self._routes[path].seen)

    def wait(self, path: str, count: int, timeout_s: float = 30.0) -> list[Seen]:
        """The requests to `path` once there are `count`; fails the test when they do not come."""
        timeout_s = at_most(timeout_s)
        with self._changed:
            enough = self._changed.wait_for(
                lambda: len(self._routes[path].seen) >= count, timeout_s
            )
            seen = list(self._routes[path].seen)
        assert enough, f"{len(seen)} of {count} requests reached {path} within {timeout_s} s"
        return seen

    def close(self) -> None:
        for route in self._routes.values():
            route.open.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, seen: Seen) -> Answer:
        route = self._routes[seen.path]
        with self._changed:
            number = len(route.seen)
            route.seen.append(seen)
            route.under_way += 1
            route.most_under_way = max(route.most_under_way, route.under_way)
            self._changed.notify_all()
        route.open.wait()
        with self._changed:
            route.under_way -= 1
        return route.answers[min(number, len(route.answers) - 1)]


def _new_route() -> _Route:
    route = _Route()
    route.open.set()
    return route


def _handler(recorder: Recorder) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except ConnectionError:  # the caller gave up
                self.close_connection = True

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            url = urlsplit(self.path)
            seen = Seen(self.command, url.path, url.query, self.headers, body, time.time())
            answer = recorder.take(seen)
            status, headers = answer if isinstance(answer, tuple) else (answer, {})
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815

        def log_message(self, *_arguments: object) -> None:
            pass

    return Handler
