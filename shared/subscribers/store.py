"""The table webhook_subscribers: who gets webhooks. Nothing else writes to it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from shared.platform.db import Transaction, Write
from shared.platform.sql import text
from shared.subscribers.standing import Standing
from shared.subscribers.types import (
    NameTaken,
    Retiring,
    SecretName,
    Secrets,
    Subscriber,
    SubscriberState,
    UnknownSubscriber,
)

_ADD = text("""
    INSERT INTO webhook_subscribers (subscriber_id, name, url, event_types, channel, state,
                                     added_at, added_by, changed_at, changed_by,
                                     secret_version, key_id)
    VALUES (:subscriber_id, :name, :url, CAST(:event_types AS text[]), :channel, 'enabled',
            :now, :by, :now, :by, :version, :key_id)
        ON CONFLICT (name) DO NOTHING
 RETURNING 1
""")
_ALL = text("""
    SELECT webhook_subscribers.*,
           (SELECT count(*) FROM webhook_deliveries
             WHERE webhook_deliveries.subscriber_id = webhook_subscribers.subscriber_id
               AND webhook_deliveries.state = 'waiting') AS waiting,
           (SELECT count(*) FROM webhook_deliveries
             WHERE webhook_deliveries.subscriber_id = webhook_subscribers.subscriber_id
               AND webhook_deliveries.state = 'failed') AS failed
      FROM webhook_subscribers
     WHERE CAST(:name AS text) IS NULL OR name = :name
     ORDER BY name
""")
_LOCK = text("""
    SELECT * FROM webhook_subscribers WHERE subscriber_id = :subscriber_id FOR NO KEY UPDATE
""")
_LOCK_NAMED = text("SELECT * FROM webhook_subscribers WHERE name = :name FOR NO KEY UPDATE")
_LOCK_OF_DELIVERY = text("""
    SELECT webhook_subscribers.*
      FROM webhook_subscribers
      JOIN webhook_deliveries USING (subscriber_id)
     WHERE delivery_id = :delivery_id
       FOR NO KEY UPDATE OF webhook_subscribers
""")
_WANTING = text("""
    SELECT subscriber_id, channel
      FROM webhook_subscribers
     WHERE (event_types IS NULL OR CAST(:event_type AS text) = ANY(event_types))
       AND (disabled_at IS NULL OR disabled_at > :disabled_after)
     ORDER BY subscriber_id
""")
_KEEP = """
    UPDATE webhook_subscribers
       SET url = :url, event_types = CAST(:event_types AS text[]),
           channel = CAST(:channel AS text), state = :state,
           disabled_at = CAST(:disabled_at AS timestamptz),
           disabled_because = CAST(:disabled_because AS text),
           secret_version = :version, key_id = :key_id,
           previous_key_id = CAST(:previous_key_id AS text),
           previous_until = CAST(:previous_until AS timestamptz),
           older_secrets = CAST(:older_secrets AS jsonb),
           failures = :failures, failed_at = CAST(:failed_at AS timestamptz),
           failing_since = CAST(:failing_since AS timestamptz),
           delivered_at = CAST(:delivered_at AS timestamptz),
           changed_at = CASE WHEN CAST(:by AS text) IS NULL THEN changed_at ELSE :now END,
           changed_by = COALESCE(CAST(:by AS text), changed_by)
     WHERE subscriber_id = :subscriber_id
 RETURNING 1
"""


@dataclass(frozen=True, slots=True)
class Standings:
    """A subscriber as people look at it.

    Attributes:
        waiting, failed: deliveries that are to come, and that were given up.
        changed_at, changed_by: when and by whom it was last added, changed, enabled, disabled
            or rotated.
    """

    subscriber: Subscriber
    waiting: int
    failed: int
    added_at: datetime
    added_by: str
    changed_at: datetime
    changed_by: str


def add(tx: Transaction, subscriber: Subscriber, by: str) -> None:
    """A new one, enabled.

    Raises:
        NameTaken: there is one of this name.
    """
    added = tx.row(
        _ADD,
        subscriber_id=subscriber.subscriber_id,
        name=subscriber.name,
        url=subscriber.url,
        event_types=None if subscriber.event_types is None else list(subscriber.event_types),
        channel=subscriber.channel,
        version=subscriber.secrets.current.version,
        key_id=subscriber.secrets.current.key_id,
        by=by,
        now=tx.now,
    )
    if added is None:
        raise NameTaken("name: another subscriber has it", field="name")


def all_of(tx: Transaction, name: str | None = None) -> Sequence[Standings]:
    """All of them, or the one of this name."""
    return [
        Standings(
            subscriber=_subscriber(row),
            waiting=row.waiting,
            failed=row.failed,
            added_at=row.added_at,
            added_by=row.added_by,
            changed_at=row.changed_at,
            changed_by=row.changed_by,
        )
        for row in tx.rows(_ALL, name=name)
    ]


def lock(tx: Transaction, subscriber_id: str) -> Subscriber:
    """The subscriber, until the transaction ends nobody else's to change."""
    row = tx.row(_LOCK, subscriber_id=subscriber_id)
    assert row is not None, "subscribers are never deleted"
    return _subscriber(row)


def lock_named(tx: Transaction, name: str) -> Subscriber:
    """The same by its name.

    Raises:
        UnknownSubscriber: nobody has it.
    """
    row = tx.row(_LOCK_NAMED, name=name)
    if row is None:
        raise UnknownSubscriber("name: no subscriber has it", field="name")
    return _subscriber(row)


def lock_of_delivery(tx: Transaction, delivery_id: str) -> Subscriber | None:
    """The same by one of its deliveries; None where there is no such delivery."""
    row = tx.row(_LOCK_OF_DELIVERY, delivery_id=delivery_id)
    return None if row is None else _subscriber(row)


def wanting(
    tx: Transaction, event_type: str, disabled_after: datetime
) -> Sequence[tuple[str, str | None]]:
    """Who wants events of this type, with the channel whose orders they hear of (None: all).

    Those are among them who are disabled since a later moment than `disabled_after`.
    """
    found = tx.rows(_WANTING, event_type=event_type, disabled_after=disabled_after)
    return [(row.subscriber_id, row.channel) for row in found]


def keep(tx: Transaction, subscriber: Subscriber, by: str | None = None) -> Write:
    """What became of a locked one; `by` where a person changed it."""
    secrets, standing = subscriber.secrets, subscriber.standing
    previous = secrets.retiring[0] if secrets.retiring else None
    return Write(
        _KEEP,
        {
            "subscriber_id": subscriber.subscriber_id,
            "url": subscriber.url,
            "event_types": (
                None if subscriber.event_types is None else list(subscriber.event_types)
            ),
            "channel": subscriber.channel,
            "state": subscriber.state,
            "disabled_at": subscriber.disabled_at,
            "disabled_because": subscriber.disabled_because,
            "version": secrets.current.version,
            "key_id": secrets.current.key_id,
            "previous_key_id": previous and previous.name.key_id,
            "previous_until": previous and previous.until,
            "older_secrets": json.dumps(
                [
                    {**asdict(one.name), "until": one.until.isoformat()}
                    for one in secrets.retiring[1:]
                ]
            ),
            "failures": standing.failures,
            "failed_at": standing.failed_at,
            "failing_since": standing.failing_since,
            "delivered_at": subscriber.delivered_at,
            "by": by,
            "now": tx.now,
        },
        rows=1,
    )


def _subscriber(row: Any) -> Subscriber:
    return Subscriber(
        subscriber_id=row.subscriber_id,
        name=row.name,
        url=row.url,
        event_types=None if row.event_types is None else tuple(row.event_types),
        channel=row.channel,
        secrets=Secrets(SecretName(row.secret_version, row.key_id), tuple(_retiring(row))),
        state=SubscriberState(row.state),
        disabled_at=row.disabled_at,
        disabled_because=row.disabled_because,
        standing=Standing(row.failures, row.failed_at, row.failing_since),
        delivered_at=row.delivered_at,
    )


def _retiring(row: Any) -> Iterator[Retiring]:
    if row.previous_key_id is not None:
        yield Retiring(SecretName(row.secret_version - 1, row.previous_key_id), row.previous_until)
    for one in row.older_secrets:
        yield Retiring(
            SecretName(one["version"], one["key_id"]), datetime.fromisoformat(one["until"])
        )
