"""A subscriber's server: answers as it is told, and remembers what it was sent."""

import base64
import hashlib
import hmac
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock

from tests.support.loopback import Answer, Request, listening


@dataclass(slots=True)
class Receiver:
    """`statuses` are answered in turn, the last one again and again; None: there is no answer."""

    statuses: list[int | None] = field(default_factory=lambda: [200])
    headers: dict[str, str] = field(default_factory=dict)
    url: str = ""
    received: list[Request] = field(default_factory=list)
    leave: Event = field(default_factory=Event)  # who gets no answer waits for this
    _lock: Lock = field(default_factory=Lock)

    def take(self, request: Request) -> int | None:
        """Remember a request; returns the status of its answer."""
        with self._lock:
            self.received.append(request)
            return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


@contextmanager
def receiving(statuses: Sequence[int | None] = (200,)) -> Iterator[Receiver]:
    """On a free port of loopback."""
    receiver = Receiver(list(statuses))

    def answer(request: Request) -> Answer | None:
        status = receiver.take(request)
        if status is None:
            receiver.leave.wait(timeout=60)
            return None
        return Answer(status, headers=receiver.headers)

    with listening(answer) as address:
        receiver.url = f"{address}/hooks"
        try:
            yield receiver
        finally:
            receiver.leave.set()


def is_genuine(request: Request, secret: str) -> bool:
    """Whether a holder of this secret sent it, as a subscriber's own code would find out.

    Written from the specification, https://www.standardwebhooks.com, and not from our signing.
    """
    key = base64.b64decode(secret.removeprefix("whsec_"))
    message = b".".join(
        (
            request.headers["webhook-id"].encode(),
            request.headers["webhook-timestamp"].encode(),
            request.body,
        )
    )
    wanted = base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()
    offered = request.headers["webhook-signature"].split(" ")
    return any(hmac.compare_digest(f"v1,{wanted}", signature) for signature in offered)
