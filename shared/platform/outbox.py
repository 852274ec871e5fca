"""The outbox: what a transaction wants to tell the world, as rows of its own.

What is announced happened, and what happened is announced: the rows commit with the change. A
relay sends them afterwards. A *lane* is what keeps order: one destination and one ordering key.
Pieces of work need no order among themselves, so each has a lane of its own.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import Row, text

from shared.contracts.base import Cause, Event, Work, attributes_of
from shared.kit.ids import new_id
from shared.platform.db import Database, Transaction, Write

LEASE = timedelta(seconds=30)  # longer than a publish may take; a dead relay's rows wait this long

_INSERT = """
    INSERT INTO outbox (lane, kind, destination, ordering_key, event_id, attributes, body,
                        created_at)
    SELECT lane, kind, destination, ordering_key, event_id, CAST(attributes AS jsonb), body,
           CAST(:now AS timestamptz)
      FROM unnest(CAST(:lanes AS text[]), CAST(:kinds AS text[]), CAST(:destinations AS text[]),
                  CAST(:ordering_keys AS text[]), CAST(:event_ids AS text[]),
                  CAST(:attributes AS text[]), CAST(:bodies AS text[])) WITH ORDINALITY
        AS message (lane, kind, destination, ordering_key, event_id, attributes, body, position)
     ORDER BY position
 RETURNING 1
"""

# A lane is free when its oldest row is not leased; who leases the oldest takes the whole lane.
# Do not tail by id instead: ids are handed out before commit, and a slow transaction's lower id
# appears after a fast one's higher id has been read.
_CLAIM = """
    WITH heads AS (
        SELECT DISTINCT ON (lane) outbox_id
          FROM outbox {where}
         ORDER BY lane, outbox_id
    ), free AS (
        SELECT lane
          FROM outbox JOIN heads USING (outbox_id)
         WHERE claimed_until IS NULL OR claimed_until < :now
         ORDER BY outbox_id
         LIMIT :limit
           FOR NO KEY UPDATE OF outbox SKIP LOCKED
    )
    UPDATE outbox SET claimed_until = :claimed_until
      FROM free WHERE outbox.lane = free.lane
 RETURNING outbox_id, kind, destination, ordering_key, event_id, attributes, body
"""
_CLAIM_LANES = text(_CLAIM.format(where="WHERE lane = ANY(CAST(:lanes AS text[]))"))
_CLAIM_ANY = text(_CLAIM.format(where=""))
_SENT = text("DELETE FROM outbox WHERE outbox_id = ANY(CAST(:ids AS bigint[]))")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A row of the outbox, ready to be sent."""

    outbox_id: int
    kind: str  # "topic" or "queue"
    destination: str
    ordering_key: str
    event_id: str
    attributes: dict[str, str]
    body: bytes


class Destinations(Protocol):
    """The topics or the queues: whatever takes messages of one kind, by its name."""

    def send(self, name: str, ordering_key: str, messages: Sequence[Outgoing]) -> None:
        """Send messages that share an ordering key, in this order; sending them again is harmless.

        Raises:
            GoogleAPICallError: not all of them were taken; all are to be sent again.
        """


def put(tx: Transaction, *messages: Event | Work) -> Write:
    """Announce events and give out work, in this order, when the transaction commits."""
    return put_for(tx, [(tx.cause, message) for message in messages])


def put_for(tx: Transaction, messages: Iterable[tuple[Cause, Event | Work]]) -> Write:
    """The same for messages that do not all have the transaction's own cause."""
    rows: list[tuple[str, str, str, str, str, str, str]] = []
    moment = tx.now.isoformat()
    for cause, message in messages:
        if isinstance(message, Event):
            event_id = new_id("evt")
            lane = f"topic/{message.topic}/{message.ordering_key}"
            attributes = attributes_of(message, cause, event_id, moment)
            kind, destination, key = "topic", message.topic, message.ordering_key
        else:
            event_id = new_id("task")
            lane = f"queue/{message.queue}/{event_id}"
            attributes = {"ce-type": message.type, "ce-correlationid": cause.correlation_id}
            kind, destination, key = "queue", message.queue, ""
        body = message.model_dump_json()
        rows.append((lane, kind, destination, key, event_id, json.dumps(attributes), body))
        tx.announced.add(lane)
    names = ("lanes", "kinds", "destinations", "ordering_keys", "event_ids", "attributes", "bodies")
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in names]
    return Write(_INSERT, {**dict(zip(names, columns, strict=True)), "now": tx.now}, len(rows))


def claim(
    database: Database, lanes: Collection[str] | None, now: datetime, limit: int
) -> Sequence[Outgoing]:
    """Lease the free lanes among `lanes` (None: any, at most `limit`), oldest rows first."""
    until = now + LEASE
    rows: Sequence[Row[Any]]
    if lanes is None:
        rows = database.statement(_CLAIM_ANY, now=now, claimed_until=until, limit=limit)
    else:
        rows = database.statement(
            _CLAIM_LANES, now=now, claimed_until=until, limit=limit, lanes=sorted(lanes)
        )
    return [
        Outgoing(
            outbox_id=row.outbox_id,
            kind=row.kind,
            destination=row.destination,
            ordering_key=row.ordering_key,
            event_id=row.event_id,
            attributes=row.attributes,
            body=row.body.encode(),
        )
        for row in sorted(rows, key=lambda row: row.outbox_id)
    ]


def sent(database: Database, ids: Sequence[int]) -> None:
    """Forget what arrived."""
    database.statement(_SENT, ids=list(ids))
