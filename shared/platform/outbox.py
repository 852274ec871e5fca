"""The outbox: what a transaction wants to tell the world, as rows of its own.

What is announced happened, and what happened is announced: the rows commit with the change. A
relay sends them afterwards. A *lane* is what keeps order: one destination and one ordering key.
Pieces of work need no order among themselves, so each has a lane of its own.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from pydantic_core import to_json

from shared.contracts.base import Cause, Event, Work, attributes_of, headers_of
from shared.kit.errors import Fact, NotYet
from shared.kit.ids import new_id
from shared.platform import live_changes, trace
from shared.platform.db import Database, Transaction, Write
from shared.platform.driver import Row
from shared.platform.sql import text

LEASE = timedelta(seconds=30)  # a dead relay's rows wait this long
# A topic or a queue takes one call or has failed within this, repeats and all. Nothing is begun
# later than this before a lease ends: who comes next would send the same lane, and out of order.
LONGEST_CALL = timedelta(seconds=6)

_INSERT = """
    INSERT INTO outbox (lane, kind, destination, ordering_key, event_id, attributes, body, rooms,
                        created_at)
    SELECT lane, kind, destination, ordering_key, event_id, CAST(attributes AS jsonb), body,
           string_to_array(rooms, ' '), CAST(:now AS timestamptz)
      FROM unnest(CAST(:lanes AS text[]), CAST(:kinds AS text[]), CAST(:destinations AS text[]),
                  CAST(:ordering_keys AS text[]), CAST(:event_ids AS text[]),
                  CAST(:attributes AS text[]), CAST(:bodies AS text[]), CAST(:rooms AS text[]))
      WITH ORDINALITY
        AS message (lane, kind, destination, ordering_key, event_id, attributes, body, rooms,
                    position)
     ORDER BY position
 RETURNING 1
"""

# Neither a lease nor that a row was sent waits for the disk (`synchronous_commit`, for its own
# statement alone). The row did: where the server loses a lease with its power, the row is sent
# again under the same event id, as after the death of a relay. A lease that commits with its rows
# waits with them.
#
# A lane is free when its oldest row is not leased; who leases the oldest takes the whole lane.
# Do not tail by id instead: ids are handed out before commit, and a slow transaction's lower id
# appears after a fast one's higher id has been read.
#
# The planner takes the outbox for empty, as it is whenever statistics are taken: joined with it in
# the usual way, each row that is there would be compared with each that is wanted.
_CLAIM = """
    WITH heads AS MATERIALIZED (
        SELECT DISTINCT ON (lane) lane, outbox_id
          FROM outbox {where}
         ORDER BY lane, outbox_id
    ), free AS (
        SELECT heads.lane
          FROM (SELECT * FROM heads ORDER BY outbox_id) AS heads, LATERAL (
               SELECT FROM outbox
                WHERE outbox.lane = heads.lane AND outbox.outbox_id = heads.outbox_id
                  AND (claimed_until IS NULL OR claimed_until < :now)
                  FOR NO KEY UPDATE SKIP LOCKED) AS locked
         LIMIT :limit
    ), claimed AS (
        UPDATE outbox SET claimed_until = :claimed_until
         WHERE lane = ANY(ARRAY(SELECT lane FROM free))
     RETURNING lane, outbox_id, kind, destination, ordering_key, event_id, attributes, body, rooms,
               claimed_until {alone}
    ), heard AS ({heard})
    SELECT lane, outbox_id, kind, destination, ordering_key, event_id, attributes, body,
           claimed_until
      FROM claimed
"""
_IN_LANES = "WHERE lane = ANY(CAST(:lanes AS text[]))"
_ALONE = ", set_config('synchronous_commit', 'off', true)"
_CLAIM_OWN = text(_CLAIM.format(where=_IN_LANES, alone="", heard=live_changes.HEARD))
_CLAIM_LANES = text(_CLAIM.format(where=_IN_LANES, alone=_ALONE, heard=live_changes.HEARD))
_CLAIM_ANY = text(_CLAIM.format(where="", alone=_ALONE, heard=live_changes.HEARD))
_SENT = text("""
    DELETE FROM outbox
     WHERE lane = ANY(CAST(:lanes AS text[]))
       AND array_position(CAST(:ids AS bigint[]), outbox_id) IS NOT NULL
       AND set_config('synchronous_commit', 'off', true) IS NOT NULL
""")


class Outgoing(NamedTuple):
    """A row of the outbox, ready to be sent."""

    lane: str
    outbox_id: int
    kind: str  # "topic" or "queue"
    destination: str
    ordering_key: str
    event_id: str
    attributes: dict[str, str]
    body: bytes
    leased_until: datetime


class NotSent(NotYet):
    """A topic or a queue did not take what it was given, or did not say so.

    The first `taken` of the messages it did take.
    """

    code = "not_sent"

    def __init__(self, message: str, *, taken: int = 0, **facts: Fact) -> None:
        super().__init__(message, **facts)
        self.taken = taken


class NotAllowed(NotSent):
    """We may not, and whatever else it is asked is refused too: a right is missing, or a key."""

    code = "may_not_send"


class Unfit(NotSent):
    """The message behind those that were taken is too large, or of a form that is never taken."""

    code = "unfit"


class NoAnswer(NotSent):
    """It did not answer in time, or cannot now: whatever else it would be asked waits too."""

    code = "destination_silent"


class NotThere(NotSent):
    """There is no topic or no queue of this name, and what is for it can never leave."""


class NoSuchQueue(NotThere):
    """There is no queue of this name."""

    code = "no_such_queue"


class NoSuchTopic(NotThere):
    """There is no topic of this name."""

    code = "no_such_topic"


class Destinations(Protocol):
    """The topics or the queues: whatever takes messages of one kind, by its name."""

    def send(
        self, name: str, ordering_key: str, messages: Sequence[Outgoing], within_s: float
    ) -> None:
        """Send messages that share an ordering key, in this order; sending them again is harmless.

        It is over after `within_s`, whatever the other side does, where that is at least as long
        as `LONGEST_CALL`.

        Raises:
            NotSent: not all of them were taken; those that were not are to be sent again.
        """


def put(tx: Transaction, *messages: Event | Work) -> Write:
    """Announce events and give out work, in this order, when the transaction commits."""
    return put_for(tx, [(tx.cause, message) for message in messages])


def put_for(tx: Transaction, messages: Iterable[tuple[Cause, Event | Work]]) -> Write:
    """The same for messages that do not all have the transaction's own cause."""
    rows: list[tuple[str, str, str, str, str, str, str, str]] = []
    moment = tx.now.isoformat()
    at = trace.current()  # kept with the row: whoever sends it, whenever, continues this trace
    for cause, message in messages:
        if isinstance(message, Event):
            event_id = new_id("evt")
            lane = f"topic/{message.topic}/{message.ordering_key}"
            attributes = attributes_of(message, cause, event_id, moment)
            if at is not None:
                attributes[trace.ATTRIBUTE] = at.header
            kind, destination, key = "topic", message.topic, message.ordering_key
        else:
            event_id = new_id("task")
            lane = f"queue/{message.queue}/{event_id}"
            attributes = headers_of(message, cause, moment)
            if at is not None:
                attributes[trace.HEADER] = at.header
            kind, destination, key = "queue", message.queue, ""
        body = message.model_dump_json()
        rooms = " ".join(live_changes.rooms_of(message))
        rows.append(
            (lane, kind, destination, key, event_id, to_json(attributes).decode(), body, rooms)
        )
        tx.announced.add(lane)
    names = ("lanes", "kinds", "destinations", "ordering_keys", "event_ids", "attributes", "bodies",
             "rooms")  # fmt: skip
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in names]
    return Write(_INSERT, {**dict(zip(names, columns, strict=True)), "now": tx.now}, len(rows))


def claim_own(tx: Transaction, now: datetime, limit: int) -> Callable[[], Sequence[Outgoing]]:
    """Lease the lanes in which the transaction announces something, as far as they are free.

    The lease commits with what is announced, and travels with it. Who commits behind another finds
    the lane leased, and has to claim it once more: the other may be done by then.
    """
    lanes = sorted(tx.announced)
    return tx.ask(
        _CLAIM_OWN, _outgoing, now=now, claimed_until=now + LEASE, limit=limit, lanes=lanes
    )


def claim(
    database: Database,
    lanes: Collection[str] | None,
    now: datetime,
    limit: int,
    sent: Sequence[Outgoing] = (),
) -> Sequence[Outgoing]:
    """Lease the free lanes among `lanes` (None: any, at most `limit`), oldest rows first.

    What was `sent` is forgotten before, on the same trip. It is a transaction of its own, so that
    of two who announce in one lane the one or the other finds what both have written.
    """
    wanted = {"now": now, "claimed_until": now + LEASE, "limit": limit}
    claiming = (_CLAIM_ANY, wanted)
    if lanes is not None:
        claiming = (_CLAIM_LANES, {**wanted, "lanes": sorted(lanes)})
    names = {"lanes": sorted({row.lane for row in sent}), "ids": [row.outbox_id for row in sent]}
    forgetting = [(_SENT, names)] if sent else []
    return _outgoing(database.statements(*forgetting, claiming))


def _outgoing(rows: Sequence[Row]) -> Sequence[Outgoing]:
    return [
        Outgoing(
            lane=row.lane,
            outbox_id=row.outbox_id,
            kind=row.kind,
            destination=row.destination,
            ordering_key=row.ordering_key,
            event_id=row.event_id,
            attributes=row.attributes,
            body=row.body.encode(),
            leased_until=row.claimed_until,
        )
        for row in sorted(rows, key=lambda row: row.outbox_id)
    ]
