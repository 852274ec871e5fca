"""The tables carrier_updates and tracking_events. Nothing else writes to them."""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from datetime import timedelta
from functools import lru_cache
from typing import Any

from shared.platform.db import Transaction, Write
from shared.platform.sql import text
from shared.tracking.types import KeptUpdate, Location, RawUpdate, TrackingUpdate

_KEEP = """
    INSERT INTO carrier_updates (update_id, vendor, body, tracking_code, received_at)
    SELECT update_id, :vendor, body, tracking_code, CAST(:now AS timestamptz)
      FROM unnest(CAST(:update_ids AS text[]), CAST(:bodies AS text[]), CAST(:codes AS text[]))
        AS sent (update_id, body, tracking_code)
     ORDER BY update_id
        ON CONFLICT DO NOTHING
 RETURNING 1
"""
_KNOWN = text("""
    SELECT update_id FROM carrier_updates WHERE update_id = ANY(CAST(:update_ids AS text[]))
""")
_FORGET = text("""
    DELETE FROM carrier_updates
     WHERE update_id IN (SELECT update_id
                           FROM carrier_updates
                          WHERE received_at < :before
                          ORDER BY received_at
                          LIMIT :limit)
 RETURNING 1
""")
_RAW = text("""
    SELECT vendor, body, received_at FROM carrier_updates WHERE update_id = :update_id
""")
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


def keep(tx: Transaction, vendor: str, sent: Collection[RawUpdate]) -> Write:
    """Keep the raw texts of what a vendor sent and was not kept before."""
    return Write(
        _KEEP,
        {
            "update_ids": [update.update_id for update in sent],
            "vendor": vendor,
            "bodies": [update.body for update in sent],
            "codes": [update.tracking_code for update in sent],
            "now": tx.now,
        },
        rows=len(sent),
    )


def known(tx: Transaction, update_ids: Collection[str]) -> frozenset[str]:
    """Those of the updates that are kept already."""
    rows = tx.rows(_KNOWN, update_ids=list(update_ids))
    return frozenset(row.update_id for row in rows)


def raw(tx: Transaction, update_id: str) -> Callable[[], KeptUpdate | None]:
    """Ask for an update as it was kept."""
    return tx.ask(_RAW, _kept, update_id=update_id)


def forget(tx: Transaction, limit: int, kept: timedelta) -> int:
    """Delete up to `limit` raw updates that are older. What they said stays in the histories."""
    return len(tx.rows(_FORGET, before=tx.now - kept, limit=limit))


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
            "locations": [_as_json(update.location) for update in updates],
            "moments": [update.occurred_at for update in updates],
            "now": tx.now,
        },
    )


@lru_cache(maxsize=1_000)
def _as_json(location: Location) -> str:
    """Parcels pass the same places, and every message of a parcel names all of them again."""
    return json.dumps(asdict(location))


def _kept(rows: Sequence[Any]) -> KeptUpdate | None:
    return KeptUpdate(rows[0].vendor, rows[0].body.encode(), rows[0].received_at) if rows else None
