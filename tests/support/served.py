"""A WSGI application on a port of its own, for as long as a test needs it."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler, make_server

POLL_S = 0.02  # how long it takes to hear that it is to stop; half a second unless it is said


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002  as it is called
        """Nobody reads along."""


@contextmanager
def served(application: Any) -> Iterator[str]:
    """Serve it on loopback, by threads; its address without a slash at the end."""
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Silent)
    assert isinstance(server, ThreadedWSGIServer)
    server.daemon_threads = True  # streams go on for as long as somebody looks
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": POLL_S})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
