"""The tables carrier_updates and tracking_events. Nothing else writes to them."""

import json
from collections.abc import Collection
from dataclasses import asdict

from sqlalchemy import text

from shared.platform.db import Transaction, Write
from shared.tracking.types import TrackingUpdate

_KEEP = """
    INSERT INTO carrier_updates (update_id, vendor, body, received_at)
    VALUES (:update_id, :vendor, :body, :now)
        ON CONFLICT DO NOTHING
 RETURNING 1
"""
_RAW = text("SELECT vendor, body FROM carrier_updates WHERE update_id = :update_id")
_RECORD = """
    INSERT INTO tracking_events (parcel_id, content_id, status, reason, raw_status, detail,
                                 message, location, occurred_at, recorded_at)
    SELECT :parcel_id, content_id, status, reason, raw_status, detail, message,
           CAST(location AS jsonb), occurred_at, CAST(:now AS timestamptz)
      FROM unnest(CAST(:content_ids AS text[]), CAST(:statuses AS text[]),
                  CAST(:reasons AS text[]), CAST(:raw_statuses AS text[]),
                  CAST(:details AS text[]), CAST(:messages AS text[]),
                  CAST(:locations AS text[]), CAST(:moments AS timestamptz[]))
        AS update (content_id, status, reason, raw_status, detail, message, location, occurred_at)
        ON CONFLICT DO NOTHING
 RETURNING 1
"""


def keep(tx: Transaction, update_id: str, vendor: str, body: str) -> Write:
    """The raw text of what a vendor sent; the same text again is kept once."""
    return Write(_KEEP, {"update_id": update_id, "vendor": vendor, "body": body, "now": tx.now})


def raw(tx: Transaction, update_id: str) -> tuple[str, bytes] | None:
    """The vendor and the raw body of an update."""
    row = tx.row(_RAW, update_id=update_id)
    return None if row is None else (row.vendor, row.body.encode())


def record(tx: Transaction, parcel_id: str, updates: Collection[TrackingUpdate]) -> Write:
    """Add to the parcel's history what it does not have yet."""
    return Write(
        _RECORD,
        {
            "parcel_id": parcel_id,
            "content_ids": [update.content_id for update in updates],
            "statuses": [update.status for update in updates],
            "reasons": [update.reason for update in updates],
            "raw_statuses": [update.raw_status for update in updates],
            "details": [update.detail for update in updates],
            "messages": [update.message for update in updates],
            "locations": [json.dumps(asdict(update.location)) for update in updates],
            "moments": [update.occurred_at for update in updates],
            "now": tx.now,
        },
    )
