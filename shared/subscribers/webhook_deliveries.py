"""The table webhook_deliveries: a row a subscriber and event. Nothing else writes to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.kit.ids import derived_id
from shared.platform.db import Transaction, Write
from shared.platform.narrowed import narrowed
from shared.platform.sql import text
from shared.subscribers.types import Delivery, DeliveryState, UnknownDelivery

KEPT = timedelta(days=30)  # whatever has become of them
# By the queue's back-off: after 10 s, 20 s, 40 s, ... 43 min, and then by the hour for a day.
ATTEMPTS = 33
LEASE = timedelta(seconds=45)  # longer than the function may run, so whoever had it is dead
_LATEST = 2**63 - 1  # the largest sequence there can be

_PUT = """
    INSERT INTO webhook_deliveries (delivery_id, subscriber_id, event_id, event_type, occurred_at,
                                    data, state, attempts_left, created_at)
    SELECT delivery_id, subscriber_id, :event_id, :event_type, :occurred_at, :data, 'waiting',
           :attempts, :now
      FROM unnest(CAST(:delivery_ids AS text[]), CAST(:subscriber_ids AS text[]))
        AS wanted (delivery_id, subscriber_id)
 RETURNING 1
"""
_LOCK = text("SELECT * FROM webhook_deliveries WHERE delivery_id = :delivery_id FOR NO KEY UPDATE")
_UNDER_WAY = text("""
    SELECT count(*) AS number
      FROM webhook_deliveries
     WHERE subscriber_id = :subscriber_id AND leased_until > :now
""")
_CLAIM = """
    UPDATE webhook_deliveries
       SET attempts = attempts + 1, attempts_left = attempts_left - 1, leased_until = :until
     WHERE delivery_id = :delivery_id AND state = 'waiting'
 RETURNING 1
"""
_MOVE = """
    UPDATE webhook_deliveries
       SET state = :state, leased_until = NULL,
           ended_at = CASE WHEN :state = 'waiting' THEN NULL ELSE CAST(:now AS timestamptz) END
     WHERE delivery_id = :delivery_id
 RETURNING 1
"""
_AGAIN = """
    UPDATE webhook_deliveries
       SET state = 'waiting', attempts_left = :attempts, ended_at = NULL
     WHERE delivery_id = ANY(CAST(:delivery_ids AS text[]))
 RETURNING 1
"""
# Whose, and in which state, are written into it: the undelivered ones have an index of their own,
# which only a constant finds, and by the id alone the newest of a subscriber are read in order.
_PAGE = """
    SELECT webhook_deliveries.*, webhook_subscribers.name,
           (SELECT jsonb_agg(jsonb_build_object('number', number, 'started_at', started_at,
                                                'duration_ms', duration_ms, 'status', status,
                                                'error', error) ORDER BY number)
              FROM webhook_attempts
             WHERE webhook_attempts.delivery_id = webhook_deliveries.delivery_id) AS journal
      FROM webhook_deliveries
      JOIN webhook_subscribers USING (subscriber_id)
     WHERE {conditions}
     ORDER BY sequence DESC
     LIMIT :limit
"""
_OF_NAME = """webhook_deliveries.subscriber_id
               = (SELECT subscriber_id FROM webhook_subscribers WHERE name = :name)"""
_IN_STATE = {state: f"webhook_deliveries.state = '{state}'" for state in DeliveryState}
_GIVEN_UP = text("""
    SELECT delivery_id
      FROM webhook_deliveries
     WHERE subscriber_id = (SELECT subscriber_id FROM webhook_subscribers WHERE name = :name)
       AND state = 'failed' AND created_at >= :since AND created_at < :until
     ORDER BY sequence
     LIMIT :limit
""")
_LOCK_SOME = text("""
    SELECT *
      FROM webhook_deliveries
     WHERE subscriber_id = :subscriber_id AND state = :state AND state <> 'delivered'
       AND created_at >= :since AND sequence > :after
     ORDER BY sequence
     LIMIT :limit
       FOR NO KEY UPDATE
""")
_FORGET = text("""
    DELETE FROM webhook_deliveries
     WHERE delivery_id IN (SELECT delivery_id
                             FROM webhook_deliveries
                            WHERE created_at < :before
                            ORDER BY created_at
                            LIMIT :limit)
 RETURNING 1
""")


@dataclass(frozen=True, slots=True)
class Announced:
    """An event as subscribers are told of it; `data` is its JSON."""

    event_id: str
    event_type: str
    occurred_at: datetime
    data: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: without a duration nobody saw its end; without a status there was no answer."""

    number: int
    started_at: datetime
    duration_ms: int | None
    status: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Journal:
    """A delivery as people look at it."""

    delivery: Delivery
    subscriber: str  # its name
    created_at: datetime
    ended_at: datetime | None
    attempts: Sequence[Attempt]


def put(
    tx: Transaction, event: Announced, subscriber_ids: Sequence[str]
) -> tuple[list[str], Write]:
    """One delivery a subscriber: their ids, and the change that makes them."""
    delivery_ids = [derived_id("whd", who, event.event_id) for who in subscriber_ids]
    write = Write(
        _PUT,
        {
            "delivery_ids": delivery_ids,
            "subscriber_ids": list(subscriber_ids),
            "event_id": event.event_id,
            "event_type": event.event_type,
            "occurred_at": event.occurred_at,
            "data": event.data,
            "attempts": ATTEMPTS,
            "now": tx.now,
        },
        rows=len(delivery_ids),
    )
    return delivery_ids, write


def lock(tx: Transaction, delivery_id: str) -> Delivery | None:
    """The delivery, until the transaction ends nobody else's to change; None: there is none."""
    row = tx.row(_LOCK, delivery_id=delivery_id)
    return None if row is None else _delivery(row)


def lock_some(
    tx: Transaction,
    subscriber_id: str,
    state: DeliveryState,
    *,
    since: datetime,
    after: int,
    limit: int,
) -> Sequence[Delivery]:
    """Undelivered ones from a moment on, the oldest first, behind the sequence `after`."""
    rows = tx.rows(
        _LOCK_SOME,
        subscriber_id=subscriber_id,
        state=state,
        since=since,
        after=after,
        limit=limit,
    )
    return [_delivery(row) for row in rows]


def under_way(tx: Transaction, subscriber_id: str) -> int:
    """How many attempts at this subscriber are under way."""
    (row,) = tx.rows(_UNDER_WAY, subscriber_id=subscriber_id, now=tx.now)
    return int(row.number)


def claim(tx: Transaction, delivery_id: str) -> Write:
    """An attempt begins, and counts from here on."""
    return Write(_CLAIM, {"delivery_id": delivery_id, "until": tx.now + LEASE}, rows=1)


def move(tx: Transaction, delivery_id: str, state: DeliveryState) -> Write:
    """No attempt at this locked one is under way any more, and it stands there now."""
    return Write(_MOVE, {"delivery_id": delivery_id, "state": state, "now": tx.now}, rows=1)


def again(delivery_ids: Sequence[str]) -> Write:
    """These locked ones wait, with all their attempts; what is under way goes on."""
    ids = sorted(delivery_ids)
    return Write(_AGAIN, {"delivery_ids": ids, "attempts": ATTEMPTS}, rows=len(ids))


def page(
    tx: Transaction,
    *,
    name: str | None,
    state: DeliveryState | None,
    before: int | None,
    limit: int,
) -> Sequence[Journal]:
    """The newest deliveries with their attempts, before a sequence where one is given."""
    conditions = ["sequence < :before"]
    said: dict[str, object] = {"before": _LATEST if before is None else before, "limit": limit}
    if name is not None:
        conditions.append(_OF_NAME)
        said["name"] = name
    if state is not None:
        conditions.append(_IN_STATE[state])
    return [_journal(row) for row in tx.rows(narrowed(_PAGE, conditions), **said)]


def journal(tx: Transaction, name: str, delivery_id: str) -> Journal:
    """A subscriber's delivery with its attempts.

    Raises:
        UnknownDelivery: it has none of this id, or it is forgotten.
    """
    conditions = ("delivery_id = :delivery_id", _OF_NAME)
    row = tx.row(narrowed(_PAGE, conditions), delivery_id=delivery_id, name=name, limit=1)
    if row is None:
        raise UnknownDelivery(f"{name} has no delivery {delivery_id}", delivery_id=delivery_id)
    return _journal(row)


def given_up(
    tx: Transaction, name: str, *, since: datetime, until: datetime, limit: int
) -> Sequence[str]:
    """The ids of a subscriber's that were given up and are of this time, the oldest first."""
    rows = tx.rows(_GIVEN_UP, name=name, since=since, until=until, limit=limit)
    return [row.delivery_id for row in rows]


def forget(tx: Transaction, limit: int) -> int:
    """Delete up to `limit` that are old, with their attempts. Returns how many."""
    return len(tx.rows(_FORGET, before=tx.now - KEPT, limit=limit))


def _journal(row: Any) -> Journal:
    return Journal(
        delivery=_delivery(row),
        subscriber=row.name,
        created_at=row.created_at,
        ended_at=row.ended_at,
        attempts=[
            Attempt(**{**tried, "started_at": datetime.fromisoformat(tried["started_at"])})
            for tried in row.journal or ()
        ],
    )


def _delivery(row: Any) -> Delivery:
    return Delivery(
        delivery_id=row.delivery_id,
        sequence=row.sequence,
        subscriber_id=row.subscriber_id,
        event_id=row.event_id,
        event_type=row.event_type,
        occurred_at=row.occurred_at,
        data=row.data,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        attempts_left=row.attempts_left,
        leased_until=row.leased_until,
    )
