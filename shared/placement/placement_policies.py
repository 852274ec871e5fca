"""The table placement_policies. Nothing else writes to it."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from shared.placement.policy import (
    EVERY_CHANNEL,
    Fallback,
    Policy,
    PolicyBook,
    PolicyRefused,
    Version,
)
from shared.platform.db import Transaction, Write
from shared.platform.sql import text

_ALL = text("""
    SELECT policy_id, channel, version, valid_from, document, published_by, reason
      FROM placement_policies
     ORDER BY channel, version
""")
_NEXT_VERSION = text("""
    SELECT coalesce(max(version), 0) + 1 AS version,
           max(policy_id) FILTER (WHERE valid_from = :valid_from) AS begins_then
      FROM placement_policies WHERE channel = :channel
""")
_OF_CHANNEL = text("""
    SELECT policy_id, document, valid_from FROM placement_policies
     WHERE channel = :channel ORDER BY version DESC LIMIT 1
""")
_DOCUMENT = text("SELECT document FROM placement_policies WHERE policy_id = :policy_id")
_INSERT = """
    INSERT INTO placement_policies (policy_id, channel, version, valid_from, document,
                                    published_at, published_by, reason)
    VALUES (:policy_id, :channel, :version, :valid_from, CAST(:document AS jsonb), :now, :by,
            :reason)
 RETURNING 1
"""


class Latest(NamedTuple):
    """The version that was published last, as it was said."""

    policy_id: str
    document: Mapping[str, Any]
    valid_from: datetime


def latest(tx: Transaction, channel: str | None) -> Latest | None:
    """The channel's last version, whether it holds already or not; None: every other channel."""
    row = tx.row(_OF_CHANNEL, channel=channel or EVERY_CHANNEL)
    return None if row is None else Latest(**row._mapping)  # noqa: SLF001


def document(tx: Transaction, policy_id: str) -> Mapping[str, Any] | None:
    """A version as it was said; None where there is none of that name."""
    row = tx.row(_DOCUMENT, policy_id=policy_id)
    if row is None:
        return None
    said: Mapping[str, Any] = row.document
    return said


def versions(tx: Transaction) -> tuple[Version, ...]:
    """Every version, by channel and number."""
    return tuple(
        Version(
            policy_of(row.policy_id, row.document),
            row.channel,
            row.version,
            row.valid_from,
            row.published_by,
            row.reason,
        )
        for row in tx.rows(_ALL)
    )


def read_book(tx: Transaction) -> PolicyBook:
    """Every version of every channel."""
    return PolicyBook(versions(tx))


def publish(
    tx: Transaction,
    document: Mapping[str, Any],
    *,
    channel: str | None,
    valid_from: datetime,
    by: str,
    reason: str,
) -> str:
    """Publish the channel's next version, and return its name.

    It holds until the next one begins, which may have been published before it.

    Raises:
        PolicyRefused: it would begin before now, or with another version.
    """
    name = channel or EVERY_CHANNEL
    row = tx.row(_NEXT_VERSION, channel=name, valid_from=valid_from)
    assert row is not None
    if valid_from < tx.now:
        raise PolicyRefused(
            f"valid_from: must not be past; it is {tx.now.isoformat()}", field="valid_from"
        )
    if row.begins_then is not None:
        raise PolicyRefused(
            f"valid_from: {row.begins_then} begins at that moment; name another one",
            field="valid_from",
        )
    policy_id = f"{channel or 'every-channel'}-{row.version}"
    tx.write(
        Write(
            _INSERT,
            {
                "policy_id": policy_id,
                "channel": name,
                "version": row.version,
                "valid_from": valid_from,
                "document": json.dumps(document),
                "now": tx.now,
                "by": by,
                "reason": reason,
            },
            rows=1,
        )
    )
    return policy_id


def policy_of(policy_id: str, document: Mapping[str, Any]) -> Policy:
    """The policy that a stored document says."""
    said = dict(document)
    said.pop("channel", None)
    for name in ("excluded_warehouses", "excluded_services"):
        said[name] = frozenset(said.get(name, ()))
    said["fallbacks"] = tuple(
        Fallback(one["carrier"], one["zone"], tuple(one["to"])) for one in said.get("fallbacks", ())
    )
    return Policy(policy_id, **said)
