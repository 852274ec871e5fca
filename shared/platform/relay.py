"""Sends what stands in the outbox to topics and queues.

Each function sends what its own transaction announced right after the commit; the scheduled sweep
sends what was left by one that died, or that found a topic down. A relay may die at any point: a
row that was sent and not yet forgotten is sent again under the same event id, and whoever receives
it recognises it.

What is for a topic or a queue that is not there waits a little, because they are made while
functions run, and is then parked as a letter: in the outbox nobody would ever see it, and what is
behind it in its lane would wait with it. So is what a topic or a queue would never take.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Protocol, TypeVar

from shared.contracts.base import Cause, cause_of, moment_of
from shared.kit.errors import DispatchError
from shared.platform import log, metrics, outbox, trace
from shared.platform.db import Database, Transaction
from shared.platform.dead_letters import NEVER_SENT, DeadLetter, park
from shared.platform.outbox import (
    LONGEST_CALL,
    Destinations,
    NoAnswer,
    NotAllowed,
    NotSent,
    NotThere,
    Outgoing,
    Unfit,
)

Result = TypeVar("Result")
_Place = tuple[str, str]  # kind and destination

BATCH = 500  # lanes leased at once by a sweep
MADE_WITHIN = timedelta(minutes=10)  # topics and queues, and what else somebody has to set right
# Destinations of one kind that do not answer, after which no further one of it is asked: all topics
# are one service. Two of each kind leave time in a lease for those that do answer.
MOST_SILENT = 2


class GiveUp(Protocol):
    """Keeps what can never leave, for a person."""

    def __call__(self, tx: Transaction, letter: DeadLetter) -> object:
        """Keep it in this transaction."""


class Relay:
    """Sends for one process. Several may run at once; a lane is in one hand only."""

    def __init__(
        self,
        database: Database,
        destinations: Mapping[str, Callable[[], Destinations]],
        give_up: GiveUp = park,
    ) -> None:
        """A relay to the topics and queues of `destinations`, by kind.

        Each is made when it is first needed: it costs a third of a second of a cold start, and not
        every function needs both. `give_up` keeps what is for those that are not there.
        """
        self._database = database
        self._destinations = destinations
        self._give_up = give_up

    def run(self, step: Callable[[Transaction], Result], cause: Cause) -> Result:
        """Run one step in a transaction, commit, and send what it announced.

        Raises:
            LostRace, DatabaseUnavailable: as for `Database.run`.
        """
        leased: Callable[[], Sequence[Outgoing]] = tuple

        def announcing(tx: Transaction) -> Result:
            nonlocal leased
            result = step(tx)
            if tx.announced:
                leased = outbox.claim_own(tx, self._database.now(), BATCH)
            return result

        return self._database.run(announcing, cause, then=lambda lanes: self.send(lanes, leased()))

    def send(self, lanes: Collection[str], leased: Sequence[Outgoing] = ()) -> None:
        """Send what stands in these lanes, after a commit. What cannot be sent waits for a sweep.

        `leased` is what was leased of it with the commit.

        Never raises for a destination or a database that is down: the commit has happened, and
        reporting a failure now would only repeat work that is done.
        """
        try:
            self._send_all(lanes, leased or self._claim(lanes))
        except DispatchError as error:
            log.line("outbox.left_for_sweep", severity="WARNING", code=error.code)

    def sweep(self) -> int:
        """Try to send everything that is free. Returns how many messages were tried."""
        return self._send_all(None, self._claim(None))

    def _send_all(self, lanes: Collection[str] | None, messages: Sequence[Outgoing]) -> int:
        """Send these, and what else is free in `lanes` by then. Returns how many were tried."""
        tried = 0
        failed: dict[_Place, NotSent] = {}
        while messages:
            tried += len(messages)
            messages = self._claim(lanes, sent=self._send_some(messages, failed))
        return tried

    def _claim(
        self, lanes: Collection[str] | None, sent: Sequence[Outgoing] = ()
    ) -> Sequence[Outgoing]:
        return outbox.claim(self._database, lanes, self._database.now(), BATCH, sent)

    def _send_some(
        self, messages: Sequence[Outgoing], failed: dict[_Place, NotSent]
    ) -> Sequence[Outgoing]:
        """Send these. Returns those that arrived or were given up.

        `failed` are those that are not asked again until the next sweep: they are not there, let us
        not in, or do not answer, and each that is asked in vain takes time from those that would.
        The leases of what is not sent stay: they keep its lanes from being tried again at once.
        """
        arrived: list[Outgoing] = []
        batches: dict[tuple[_Place, str], list[Outgoing]] = {}
        for message in messages:
            place = (message.kind, message.destination)
            batches.setdefault((place, message.ordering_key), []).append(message)
        # Few before many, else the older first: a flood for one queue does not hold up another.
        for (place, key), batch in sorted(batches.items(), key=lambda at: len(at[1])):
            error, rest = failed.get(place), batch
            if error is None:
                left = batch[0].leased_until - self._database.now()
                if left < LONGEST_CALL or _is_silent(place[0], failed):
                    continue
                error = self._send(place, key, batch, left.total_seconds())
                taken = len(batch) if error is None else error.taken
                arrived += batch[:taken]
                rest = batch[taken:]
            if isinstance(error, NotThere | NotAllowed | NoAnswer):
                failed[place] = error
            if isinstance(error, NotThere):
                arrived += self._park_late(rest, error)
            elif isinstance(error, Unfit):
                arrived += self._park_late(rest[:1], error)
        return arrived

    def _send(
        self, place: _Place, key: str, batch: Sequence[Outgoing], within_s: float
    ) -> NotSent | None:
        """Send messages to one place; what is wrong where not all of them arrived."""
        kind, destination = place
        try:
            with trace.span("send", "producer", destination=destination, count=len(batch)):
                self._destinations[kind]().send(destination, key, batch, within_s)
        except NotSent as error:
            log.failure(
                "outbox.not_sent",
                error.__cause__ or error,
                code=error.code,
                destination=destination,
                count=len(batch) - error.taken,
            )
            return error
        return None

    def _park_late(self, batch: Sequence[Outgoing], error: NotSent) -> Sequence[Outgoing]:
        """Park what has waited long enough for somebody to set it right. Returns that."""
        late = []
        for message in batch:
            said_at = moment_of(message.attributes)
            if said_at is not None and self._database.now() - said_at < MADE_WITHIN:
                continue
            letter = _letter(message, error)
            self._database.run(
                partial(self._give_up, letter=letter),
                cause_of(message.attributes, message.event_id),
            )
            metrics.measure("dispatch.parked", 1, source=letter.source, code=letter.code)
            log.line(
                "task.parked" if message.kind == "queue" else "message.parked",
                "ERROR",
                source=letter.source,
                code=letter.code,
                **letter.facts,
            )
            late.append(message)
        return late


def _is_silent(kind: str, failed: Mapping[_Place, NotSent]) -> bool:
    silent = [asked for (asked, _), error in failed.items() if isinstance(error, NoAnswer)]
    return silent.count(kind) >= MOST_SILENT


def _letter(message: Outgoing, error: NotSent) -> DeadLetter:
    is_work = message.kind == "queue"
    return DeadLetter(
        source=message.destination if is_work else f"{NEVER_SENT}.{message.destination}",
        message_id=message.attributes.get("ce-id", message.event_id),
        code=error.code,
        reason=f"{error}: {message.destination}",
        facts={message.kind: message.destination},
        attributes=message.attributes,
        payload=message.body,
        ordering_key=message.ordering_key,
        attempts=0,
    )
