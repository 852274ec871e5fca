"""The deployed functions, called in this process: their own entry points, in other surroundings.

What a function needs of its process it imports from `shared.wiring` by name; some of these names
are set anew in each entry point. So which event goes to which flow, under which consumer and with
which answer is the product's own, and only the outermost things are stand-ins: clock, topics,
queues, carrier, tokens, settings.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import ExitStack, redirect_stdout
from functools import partial
from importlib import import_module
from io import BytesIO, TextIOBase
from types import ModuleType
from typing import Any, Self

from flask import Request, Response

from emulators.laptop.manifest import Manifest
from emulators.simulation.post import Delivery
from shared import wiring
from shared.carriers.types import Carrier
from shared.carriers.vendors import VENDORS
from shared.costing.book import Bookshelf
from shared.edge.services import Services
from shared.edge.tasks import MAX_ATTEMPTS
from shared.flows.rules import Rules
from shared.platform.auth import Verifier
from shared.platform.config import Config
from shared.platform.documents import Stored

SIGNATURE_HEADER = "X-Hmac-Signature"
HOOK_SECRET = "simulated"  # noqa: S105  between the simulated carrier and this process
JSON = "application/json"


class Trusting(Verifier):
    """Lets everybody in: who is calling has tests of its own."""

    def __init__(self) -> None:
        pass

    def verify(self, authorization: str | None) -> str:
        """Accept."""
        return authorization or "simulated"


class Cabinet:
    """Keeps documents in this process: `Documents`."""

    def __init__(self) -> None:
        self._kept: dict[str, Stored] = {}

    def put(self, key: str, content: bytes, media_type: str) -> None:
        """Keep or replace."""
        self._kept[key] = Stored(content, media_type)

    def get(self, key: str) -> Stored | None:
        """What is kept."""
        return self._kept.get(key)


class LogLines(TextIOBase):
    """Takes the functions' log, and keeps the last line that says that something broke."""

    def __init__(self) -> None:
        self.last_failure = ""

    def write(self, text: str) -> int:
        """Take a line."""
        if '"ERROR"' in text:
            self.last_failure = text.strip()
        return len(text)


class Functions:
    """Calls functions by name; each has what its process would have built."""

    def __init__(
        self,
        manifests: Mapping[str, Manifest],
        settings: Config,
        services: Services,
        carrier: Carrier,
    ) -> None:
        self.log = LogLines()
        self._entries: dict[str, Callable[[Request], Response]] = {}
        self._shelves: dict[str, Bookshelf] = {}
        self._rules: dict[str, Rules] = {}
        self._restore = ExitStack()
        self._forget_built()
        self._replace(wiring, {"config": lambda: settings})
        cabinet = Cabinet()
        for name in manifests:
            module = import_module(f"functions.{name}.main")
            things: dict[str, Callable[[], object]] = {
                "services": lambda: services,
                "carriers": lambda: dict.fromkeys(VENDORS, carrier),
                "documents": lambda: cabinet,
                "bookshelf": partial(self._shelf, name),
                "rules": partial(self._rules_of, name),
            }
            self._replace(module, things)
            self._entries[name] = getattr(module, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._restore.close()
        self._forget_built()

    def deliver(self, delivery: Delivery) -> int:
        """Call the function that a delivery is for; returns the status that it answers."""
        source, message = delivery.source, delivery.message
        match source.kind:
            case "pubsub":
                envelope: dict[str, Any] = {
                    "message": {
                        "data": b64encode(message.data).decode(),
                        "attributes": dict(message.attributes),
                        "messageId": message.message_id,
                        "orderingKey": message.key,
                    },
                    "subscription": f"projects/simulated/subscriptions/{source.name}",
                }
                if source.max_attempts is not None:
                    envelope["deliveryAttempt"] = delivery.attempt
                return self.call(source.function, json.dumps(envelope).encode())
            case "tasks":
                headers = {
                    **message.attributes,
                    "X-CloudTasks-TaskName": message.message_id,
                    "X-CloudTasks-QueueName": source.name,
                    "X-CloudTasks-TaskRetryCount": str(delivery.attempt - 1),
                    MAX_ATTEMPTS: str(source.max_attempts),
                }
                return self.call(source.function, message.data, headers)
            case "hook":
                headers = {SIGNATURE_HEADER: message.attributes["signature"]}
                return self.call(source.function, message.data, headers, source.path)

    def call(
        self, name: str, body: bytes, headers: Mapping[str, str] | None = None, path: str = "/"
    ) -> int:
        """POST to a function; returns the status that it answers.

        Raises:
            Crashed: its process came to an end.
        """
        environ = {
            "REQUEST_METHOD": "POST",
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "SERVER_NAME": "simulated",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_TYPE": JSON,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(body),
        }
        for header, value in (headers or {}).items():
            environ[f"HTTP_{header.upper().replace('-', '_')}"] = value
        with redirect_stdout(self.log):
            return self._entries[name](Request(environ)).status_code

    def restart(self, name: str) -> None:
        """A new process of the function, which remembers nothing."""
        self._shelves.pop(name, None)
        self._rules.pop(name, None)

    def _replace(self, module: ModuleType, things: Mapping[str, Callable[[], object]]) -> None:
        for word, thing in things.items():
            if hasattr(module, word):
                self._restore.callback(setattr, module, word, getattr(module, word))
                setattr(module, word, thing)

    def _forget_built(self) -> None:
        """What wiring has built belongs to other surroundings."""
        for builder in vars(wiring).values():
            if hasattr(builder, "cache_clear"):
                builder.cache_clear()

    def _shelf(self, name: str) -> Bookshelf:
        return self._shelves.setdefault(name, Bookshelf())

    def _rules_of(self, name: str) -> Rules:
        return self._rules.setdefault(name, Rules())
