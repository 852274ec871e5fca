"""Sends what stands in the outbox to topics and queues.

Each function sends what its own transaction announced right after the commit; the scheduled sweep
sends what was left by one that died, or that found a topic down. A relay may die at any point: a
row that was sent and not yet forgotten is sent again under the same event id, and whoever receives
it recognises it.
"""

from collections.abc import Callable, Collection, Mapping

from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.auth.exceptions import GoogleAuthError

from shared.kit.errors import DispatchError
from shared.platform import log, outbox
from shared.platform.db import Database
from shared.platform.outbox import Destinations, Outgoing

BATCH = 500  # lanes leased at once by a sweep


class Relay:
    """Sends for one process. Several may run at once; a lane is in one hand only."""

    def __init__(
        self, database: Database, destinations: Mapping[str, Callable[[], Destinations]]
    ) -> None:
        """A relay to the topics and queues of `destinations`, by kind.

        Each is made when it is first needed: it costs a third of a second of a cold start, and not
        every function needs both.
        """
        self._database = database
        self._destinations = destinations

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
        batches: dict[tuple[str, str, str], list[Outgoing]] = {}
        for message in messages:
            place = (message.kind, message.destination, message.ordering_key)
            batches.setdefault(place, []).append(message)
        # Few before many, else the older first: a flood for one queue does not hold up another.
        for (kind, destination, key), batch in sorted(batches.items(), key=lambda at: len(at[1])):
            try:
                self._destinations[kind]().send(destination, key, batch)
            except (GoogleAPICallError, RetryError, GoogleAuthError) as error:
                # The lease stays: it keeps the lane from being tried again at once.
                log.failure("outbox.not_sent", error, destination=destination, count=len(batch))
            else:
                arrived += [message.outbox_id for message in batch]
        if arrived:
            outbox.sent(self._database, arrived)
        return len(messages)
