"""Dead letters: what was refused for good or given up, with its story, until a person settles it.

A letter is open until it is sent again or discarded. One that was sent again and is refused again
is open again, with the new reason; how it had been settled is kept in its history.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import text

from shared.kit.errors import Fact, Malformed, Rejected
from shared.kit.ids import new_id
from shared.platform import failed_attempts, outbox
from shared.platform.db import Transaction, Write
from shared.platform.failed_attempts import Failed, Failure

# The same message may be refused more than once; it is one letter, as it was refused last. What is
# given up may be forwarded twice as well, and by then nothing is noted of it any more: who cannot
# say why leaves the letter as it is.
_PARK = text("""
    INSERT INTO dead_letters (source, message_id, failure, code, reason, facts, attributes, payload,
                              ordering_key, order_id, attempts, correlation_id, parked_at,
                              first_failed_at, last_failed_at)
    VALUES (:source, :message_id, :failure, :code, :reason, CAST(:facts AS jsonb),
            CAST(:attributes AS jsonb), :payload, :ordering_key, :order_id, :attempts,
            :correlation_id, :now, :first_failed_at, :last_failed_at)
        ON CONFLICT (source, message_id) DO UPDATE
       SET failure = excluded.failure, code = excluded.code, reason = excluded.reason,
           facts = excluded.facts, attributes = excluded.attributes, payload = excluded.payload,
           ordering_key = excluded.ordering_key, last_failed_at = excluded.last_failed_at,
           order_id = coalesce(excluded.order_id, dead_letters.order_id),
           attempts = excluded.attempts
               + CASE WHEN dead_letters.state = 'retried' THEN dead_letters.attempts ELSE 0 END,
           history = dead_letters.history
               || CASE WHEN dead_letters.state = 'retried' THEN jsonb_build_array(
                      jsonb_build_object('state', dead_letters.state,
                                         'at', dead_letters.settled_at,
                                         'by', dead_letters.settled_by,
                                         'why', dead_letters.settled_why,
                                         'code', dead_letters.code,
                                         'reason', dead_letters.reason))
                  ELSE '[]'::jsonb END,
           settled_at = CASE WHEN dead_letters.state = 'discarded' THEN dead_letters.settled_at END,
           settled_by = CASE WHEN dead_letters.state = 'discarded' THEN dead_letters.settled_by END,
           settled_why =
               CASE WHEN dead_letters.state = 'discarded' THEN dead_letters.settled_why END,
           state = CASE WHEN dead_letters.state = 'discarded' THEN 'discarded' ELSE 'open' END
     WHERE excluded.code <> :undeliverable OR dead_letters.state = 'retried'
""")
_STATE = text("""
    SELECT state FROM dead_letters WHERE source = :source AND message_id = :message_id FOR UPDATE
""")
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
_SETTLE = """
    UPDATE dead_letters
       SET state = :state, settled_at = :now, settled_by = :by, settled_why = :why
     WHERE dead_letter_id = :letter_id AND state = 'open'
 RETURNING 1
"""
UNDELIVERABLE = "undeliverable"  # no attempt has said why it failed

_LATEST = 2**63 - 1  # the largest id there can be

# What Pub/Sub adds to what it gives up on.
_FORWARDED = "CloudPubSubDeadLetterSource"
_WORK = "dispatch.work."  # how the types of all work begin


class LetterState(StrEnum):
    """What has become of a letter."""

    OPEN = "open"  # waits for a person
    RETRIED = "retried"  # was sent again, and has not come back
    DISCARDED = "discarded"


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
class DeadLetter:
    """One message that is refused for good or given up.

    `source` is the subscription (`function.topic`) or the queue that it came through. Where Pub/Sub
    gave up, which does not know why, the code is `undeliverable`.
    """

    source: str
    message_id: str
    code: str
    reason: str
    facts: Mapping[str, Fact]
    attributes: Mapping[str, str]
    payload: bytes
    attempts: int
    failure: Failure = Failure.REJECTED
    ordering_key: str = ""
    order_id: str | None = None  # the order that it concerns


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


def park(tx: Transaction, letter: DeadLetter) -> bool:
    """Keep `letter` for a person to read, repair and send again.

    Returns:
        Whether it is open only now: it is new, or it was sent again and comes back.
    """
    told = letter.facts.get("order_id")
    known = tx.row(_STATE, source=letter.source, message_id=letter.message_id)
    noted = failed_attempts.take(tx, letter.source, letter.message_id)
    why, last_failed_at = Failed(letter.failure, letter.code, letter.reason, letter.facts), tx.now
    if letter.code == UNDELIVERABLE and noted is not None:
        why, last_failed_at = noted.why, noted.last_failed_at
    tx.connection.execute(
        _PARK,
        {
            "source": letter.source,
            "message_id": letter.message_id,
            "failure": why.failure,
            "code": why.code,
            "reason": why.reason,
            "facts": json.dumps(why.facts),
            # jsonb and text refuse NUL, and a letter must never be refused.
            "attributes": json.dumps(dict(letter.attributes)).replace("\\u0000", "\\u2400"),
            "payload": letter.payload,
            "ordering_key": letter.ordering_key.replace("\0", "\u2400"),
            "order_id": letter.order_id or (told if isinstance(told, str) else None),
            "attempts": letter.attempts,
            "correlation_id": tx.cause.correlation_id,
            "now": tx.now,
            "first_failed_at": noted.first_failed_at if noted is not None else tx.now,
            "last_failed_at": last_failed_at,
            "undeliverable": UNDELIVERABLE,
        },
    )
    return known is None or known.state == LetterState.RETRIED


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


def settle(tx: Transaction, letter: Letter, state: LetterState, by: str, why: str) -> Write:
    """The letter was sent again or discarded, by somebody and for a reason.

    Raises:
        Malformed: nobody, or no reason.
    """
    for name, said in (("by", by), ("why", why)):
        if not said.strip() or "\0" in said:
            raise Malformed(f"{name}: say it in words", field=name)
    return Write(
        _SETTLE,
        {"letter_id": letter.letter_id, "state": state, "now": tx.now, "by": by, "why": why},
        rows=1,
    )


def send_again(tx: Transaction, letter: Letter) -> Write:
    """Announce the message anew: its own bytes and event id, to where it came from.

    A task needs another name, because Cloud Tasks refuses one that it has seen for up to a day;
    its event id travels in a header.

    Raises:
        NoWayBack: the payload is not text, or it came neither from a subscription nor a queue.
    """
    _, _, topic = letter.source.partition(".")
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
    }
    columns = {name: [value] for name, value in row.items()}
    return replace(announced, parameters={**announced.parameters, **columns}, rows=1)


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
