"""Dead letters as they are read, tried and sent again; every function parks them, few read them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.kit.errors import Rejected
from shared.kit.ids import new_id
from shared.platform import outbox
from shared.platform.db import Transaction, Write
from shared.platform.dead_letters import LetterState
from shared.platform.failed_attempts import Failed, Failure
from shared.platform.sql import text

_READ = text("""
    SELECT dead_letter_id, source, message_id, failure, code, reason, facts, attributes, payload,
           ordering_key, order_id, attempts, correlation_id, parked_at,
           coalesce(first_failed_at, parked_at) AS first_failed_at,
           coalesce(last_failed_at, parked_at) AS last_failed_at,
           state, settled_at, settled_by, settled_why, history
      FROM dead_letters
     WHERE dead_letter_id >= :first AND dead_letter_id < :before
       AND (CAST(:state AS text) IS NULL OR state = :state)
       AND (CAST(:source AS text) IS NULL OR source = :source)
       AND (CAST(:code AS text) IS NULL OR code = :code)
       AND (CAST(:order_id AS text) IS NULL OR order_id = :order_id)
       AND (CAST(:since AS timestamptz) IS NULL OR coalesce(last_failed_at, parked_at) >= :since)
     ORDER BY dead_letter_id DESC
     LIMIT :limit
""")
_LOCK = text("""
    SELECT state, settled_by FROM dead_letters WHERE dead_letter_id = :letter_id FOR UPDATE
""")
_LATEST = 2**63 - 1  # the largest id there can be

# What Pub/Sub adds to what it gives up on.
_FORWARDED = "CloudPubSubDeadLetterSource"
_WORK = "dispatch.work."  # how the types of all work begin


class UnknownLetter(Rejected):
    """There is no such letter."""

    code = "unknown_letter"


class LetterSettled(Rejected):
    """Somebody has sent it again or discarded it already."""

    code = "letter_settled"


class NoWayBack(Rejected):
    """It cannot be sent again: its bytes are no text, or nothing says where it came from."""

    code = "no_way_back"


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter as it is kept."""

    letter_id: int
    source: str
    message_id: str
    why: Failed
    attributes: Mapping[str, str]
    payload: bytes
    ordering_key: str
    order_id: str | None
    attempts: int
    correlation_id: str
    parked_at: datetime
    first_failed_at: datetime
    last_failed_at: datetime
    state: LetterState
    settled_at: datetime | None
    settled_by: str | None
    settled_why: str | None
    history: Sequence[Mapping[str, str]]  # how it was settled before: state, at, by, why, …

    @property
    def function(self) -> str:
        """The function that refused an event; for work the queue."""
        return self.source.partition(".")[0]

    @property
    def is_work(self) -> bool:
        """Whether it is a piece of work from a queue, and not an event from a subscription."""
        return self.attributes.get("ce-type", "").startswith(_WORK)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters; None stands for any. `since` is the earliest last failure."""

    state: LetterState | None = LetterState.OPEN
    source: str | None = None
    code: str | None = None
    order_id: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some letters, the newest first. `before` asks for those that follow; None: there are none."""

    letters: tuple[Letter, ...] = ()
    before: int | None = None


def find(tx: Transaction, letter_id: int) -> Letter:
    """The letter as it is now.

    Raises:
        UnknownLetter: there is none.
    """
    found = _read(tx, Wanted(state=None), first=letter_id, before=letter_id + 1, limit=1)
    if not found:
        raise UnknownLetter("no such letter", letter_id=letter_id)
    return found[0]


def lock_open(tx: Transaction, letter_id: int) -> Letter:
    """An open letter, which stays as it is until the transaction ends.

    Raises:
        UnknownLetter: there is none.
        LetterSettled: it is not open any more.
    """
    row = tx.row(_LOCK, letter_id=letter_id)
    if row is not None and row.state != LetterState.OPEN:
        raise LetterSettled(
            f"the letter was {row.state} by {row.settled_by}", letter_id=letter_id, state=row.state
        )
    return find(tx, letter_id)


def page(tx: Transaction, wanted: Wanted, limit: int, before: int | None = None) -> Page:
    """At most `limit` letters, the newest first, of those older than the letter `before`."""
    found = _read(tx, wanted, first=1, before=before or _LATEST, limit=limit + 1)
    letters = found[:limit]
    return Page(letters, letters[-1].letter_id if len(found) > limit else None)


def send_again(tx: Transaction, letter: Letter) -> Write:
    """Announce the message anew: its own bytes and event id, to where it came from.

    A task needs another name, because Cloud Tasks refuses one that it has seen for up to a day;
    its event id travels in a header.

    Raises:
        NoWayBack: the payload is not text, or it came neither from a subscription nor a queue.
    """
    # Into the topic: its attributes lead it into its lane again.
    topic = letter.source.partition(".")[2].partition(".")[0]
    if letter.is_work:
        kind, destination, event_id, key = "queue", letter.source, new_id("task"), ""
        lane = f"queue/{destination}/{event_id}"
    elif topic:
        kind, destination, event_id, key = "topic", topic, letter.message_id, letter.ordering_key
        lane = f"topic/{destination}/{key}"
    else:
        raise NoWayBack(f"nothing is sent to {letter.source}", letter_id=letter.letter_id)
    attributes = {
        **{k: v for k, v in letter.attributes.items() if not k.startswith(_FORWARDED)},
        "ce-id": letter.message_id,
        "ce-correlationid": letter.correlation_id,
    }
    tx.announced.add(lane)
    # The outbox makes new ids for what is new; this message has one.
    announced = outbox.put(tx)
    row = {
        "lanes": lane,
        "kinds": kind,
        "destinations": destination,
        "ordering_keys": key,
        "event_ids": event_id,
        "attributes": json.dumps(attributes),
        "bodies": _text(letter),
        "rooms": f"order:{letter.order_id}" if letter.order_id else "",
    }
    columns = {name: [value] for name, value in row.items()}
    return announced._replace(parameters={**announced.parameters, **columns}, rows=1)


def _read(
    tx: Transaction, wanted: Wanted, *, first: int, before: int, limit: int
) -> tuple[Letter, ...]:
    rows = tx.rows(
        _READ,
        first=first,
        before=before,
        state=wanted.state,
        source=wanted.source,
        code=wanted.code,
        order_id=wanted.order_id,
        since=wanted.since,
        limit=limit,
    )
    return tuple(_letter(row) for row in rows)


def _text(letter: Letter) -> str:
    try:
        body = letter.payload.decode()
    except UnicodeDecodeError:
        body = "\0"
    if "\0" in body:
        raise NoWayBack("the payload is not text", letter_id=letter.letter_id)
    return body


def _letter(row: Any) -> Letter:
    return Letter(
        letter_id=row.dead_letter_id,
        source=row.source,
        message_id=row.message_id,
        why=Failed(Failure(row.failure), row.code, row.reason, row.facts),
        attributes=row.attributes,
        payload=bytes(row.payload),
        ordering_key=row.ordering_key,
        order_id=row.order_id,
        attempts=row.attempts,
        correlation_id=row.correlation_id,
        parked_at=row.parked_at,
        first_failed_at=row.first_failed_at,
        last_failed_at=row.last_failed_at,
        state=LetterState(row.state),
        settled_at=row.settled_at,
        settled_by=row.settled_by,
        settled_why=row.settled_why,
        history=row.history,
    )
