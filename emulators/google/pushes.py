"""The HTTP client of Pub/Sub's pushes: it tells the faults what it is about to deliver."""

import json
from collections.abc import Mapping
from functools import partial

from emulators.google.faults import Faults, function_at
from emulators.google.outbound import Answer, Outbound

NAME_HEADER = "x-goog-pubsub-subscription-name"  # of an unwrapped push with metadata


class Pushes(Outbound):
    """Sends as `Outbound` does, unless a fault is ordered for the push."""

    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self._faults = faults

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float
    ) -> Answer:
        deliver = partial(super().send, method, url, headers, body, timeout_s)
        if self._faults.is_idle():
            return await deliver()
        names = ("pubsub", _subscription(headers, body), function_at(url))
        return await self._faults.apply(names, deliver)


def _subscription(headers: Mapping[str, str], body: bytes) -> str:
    """The short name, empty when the push does not tell."""
    if NAME_HEADER in headers:
        return headers[NAME_HEADER].rpartition("/")[2]
    try:
        return str(json.loads(body)["subscription"]).rpartition("/")[2]
    except (ValueError, KeyError, TypeError):
        return ""
