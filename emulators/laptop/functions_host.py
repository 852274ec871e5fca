"""Several functions in one process, each at `/<its name>/`, under gunicorn as in production.

Run as a program: `python -m emulators.laptop.functions_host NAME… --port N`. It prints
`{"http": "host:port", "functions": [...]}` when the first worker is ready.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import gunicorn.app.base
from functions_framework import create_app
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


def application(root: Path, names: Sequence[str]) -> Application:
    """One WSGI application for the functions `names` below `root`.

    Each function is loaded from its own main.py, so what is global there stays apart, while the
    packages that they import are shared.
    """
    mounts = {f"/{name}": _rooted(_load(root, name)) for name in names}
    return DispatcherMiddleware(NotFound(), mounts)


def _load(root: Path, name: str) -> Application:
    make: Callable[..., Application] = create_app  # the framework has no types of its own
    app = make(target=name, source=str(root / name / "main.py"))
    # All files are called main.py; nobody may find another function's by that name.
    sys.modules.pop("main", None)
    return app


def _rooted(app: Application) -> Application:
    def call(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        # Without this `/name` would be answered by a redirect, which Pub/Sub takes for a refusal.
        environ["PATH_INFO"] = environ.get("PATH_INFO") or "/"
        return app(environ, start_response)

    return call


class _Host(gunicorn.app.base.BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    def __init__(self, root: Path, names: Sequence[str], settings: dict[str, Any]) -> None:
        self._root = root
        self._names = names
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def load(self) -> Application:
        # Called in the worker: threads that a module starts in the arbiter would not be forked.
        return application(self._root, self._names)


def main(words: Sequence[str]) -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="functions_host")
    parser.add_argument("names", nargs="+", metavar="NAME")
    parser.add_argument("--root", type=Path, default=Path("functions"))
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=8)
    arguments = parser.parse_args(words)
    address = f"127.0.0.1:{arguments.port}"

    def announce(_worker: object) -> None:
        line = {"http": address, "functions": arguments.names}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()

    settings = {
        "bind": address,
        "workers": arguments.workers,
        "threads": arguments.threads,
        "worker_class": "gthread",
        "post_worker_init": announce,
        "loglevel": "warning",
        "timeout": 0,  # Cloud Run ends a request, not the instance
        "graceful_timeout": 5,
        "control_socket_disable": True,  # its default place is shared by all of a user's servers
    }
    _Host(arguments.root.absolute(), arguments.names, settings).run()


if __name__ == "__main__":
    main(sys.argv[1:])
