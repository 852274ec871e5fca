"""What belongs to a parcel beside itself: its polls, how it stands, and what was sent about it.

Writes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.contracts.http_ops_parcels import PollView, RawUpdate, StandingView
from shared.ops.readable import readable
from shared.platform.db import Transaction
from shared.platform.sql import text

MOST_UPDATES = 50  # of a parcel, the newest

_ORDER_OF = text("SELECT order_id, warehouse FROM parcels WHERE parcel_id = :parcel_id")
_POLL = text("""
    SELECT asked_at, answered_at, times, unknown_times, given_up_at
      FROM parcel_polls WHERE parcel_id = :parcel_id
""")
# What somebody was told, as long as the parcel is under way and has not moved since.
_STANDING = text("""
    SELECT kind, since
      FROM standstills JOIN parcels USING (parcel_id)
     WHERE parcel_id = :parcel_id AND state IN ('labelled', 'shipped')
       AND (kind IN ('overdue', 'expected_late')
            OR coalesce(last_update_at, since) <= since)
     ORDER BY since, kind
""")
_UPDATES = text("""
    SELECT update_id, vendor, received_at, body
      FROM carrier_updates
     WHERE tracking_code = :tracking_code
     ORDER BY received_at DESC, update_id
     LIMIT :limit
""")


@dataclass(frozen=True, slots=True)
class Whose:
    """Of which order a parcel is, and who packs it."""

    order_id: str
    warehouse: str


def whose(tx: Transaction, parcel_id: str) -> Whose | None:
    """The order and the warehouse of a parcel; None: there is no such parcel."""
    row = tx.row(_ORDER_OF, parcel_id=parcel_id)
    return None if row is None else Whose(row.order_id, row.warehouse)


def poll(tx: Transaction, parcel_id: str) -> PollView | None:
    """When its carrier was asked about it; None: never."""
    row = tx.row(_POLL, parcel_id=parcel_id)
    return None if row is None else PollView.model_validate(dict(row._mapping))  # noqa: SLF001


def standing(tx: Transaction, parcel_id: str) -> Sequence[StandingView]:
    """In which ways it stands still."""
    rows = tx.rows(_STANDING, parcel_id=parcel_id)
    return [StandingView.model_validate(dict(row._mapping)) for row in rows]  # noqa: SLF001


def updates(tx: Transaction, tracking_code: str) -> Sequence[RawUpdate]:
    """What vendors sent about it as they sent it, the newest first, and no more than that many."""
    rows = tx.rows(_UPDATES, tracking_code=tracking_code, limit=MOST_UPDATES)
    return [
        RawUpdate(
            update_id=row.update_id,
            vendor=row.vendor,
            received_at=row.received_at,
            body=readable(row.body.encode(), whole=True),
        )
        for row in rows
    ]
