"""Sends what stands in the outbox to topics and queues.

Each function sends what its own transaction announced right after the commit; the scheduled sweep
sends what was left by one that died, or that found a topic down. A relay may die at any point: a
row that was sent and not yet forgotten is sent again under the same event id, and whoever receives
it recognises it.
"""

from collections.abc import Callable, Collection, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.auth.exceptions import GoogleAuthError

from shared.kit.errors import DispatchError
from shared.platform import log, outbox
from shared.platform.db import Database
from shared.platform.outbox import Outgoing

if TYPE_CHECKING:  # each costs a third of a second of a cold start; not every function needs both
    from shared.platform.tasks import Queues
    from shared.platform.topics import Topics

BATCH = 500  # lanes leased at once by a sweep


class Relay:
    """Sends for one process. Several may run at once; a lane is in one hand only."""

    def __init__(
        self,
        database: Database,
        topics: "Callable[[], Topics]",
        queues: "Callable[[], Queues]",
    ) -> None:
        self._database = database
        self._topics = topics
        self._queues = queues

    def send(self, lanes: Collection[str]) -> None:
        """Send what stands in these lanes, after a commit. What cannot be sent waits for a sweep.

        Never raises for a destination or a database that is down: the commit has happened, and
        reporting a failure now would only repeat work that is done.
        """
        try:
            while self._send_some(lanes):
                pass
        except DispatchError as error:
            log.line("outbox.left_for_sweep", severity="WARNING", code=error.code)

    def sweep(self) -> int:
        """Try to send everything that is free. Returns how many messages were tried."""
        tried = 0
        while some := self._send_some(None):
            tried += some
        return tried

    def _send_some(self, lanes: Collection[str] | None) -> int:
        """Lease some lanes and send what is in them. Returns how many messages were leased."""
        messages = outbox.claim(self._database, lanes, self._database.now(), BATCH)
        arrived: list[int] = []
        for (kind, destination, key), group in groupby(
            sorted(messages, key=lambda m: (m.kind, m.destination, m.ordering_key, m.outbox_id)),
            key=lambda m: (m.kind, m.destination, m.ordering_key),
        ):
            batch = tuple(group)
            try:
                self._send_batch(kind, destination, key, batch)
            except (GoogleAPICallError, RetryError, GoogleAuthError) as error:
                # The lease stays: it keeps the lane from being tried again at once.
                log.failure("outbox.not_sent", error, destination=destination, count=len(batch))
            else:
                arrived += [message.outbox_id for message in batch]
        if arrived:
            outbox.sent(self._database, arrived)
        return len(messages)

    def _send_batch(self, kind: str, destination: str, key: str, batch: Sequence[Outgoing]) -> None:
        if kind == "topic":
            self._topics().publish(destination, key, [(m.attributes, m.body) for m in batch])
        else:
            for message in batch:
                self._queues().add(destination, message.event_id, message.attributes, message.body)
