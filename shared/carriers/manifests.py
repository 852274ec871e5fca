"""The table manifests: what closes a carrier's day at a warehouse. Nothing else writes to it."""

from datetime import datetime
from typing import Any

from shared.carriers.store import LEASE
from shared.carriers.types import Handover, KnownManifest, ManifestState, ManifestUnderWay
from shared.platform.db import Transaction, Write
from shared.platform.sql import text

_NEXT_NUMBER = text("""
    SELECT coalesce(max(number), 0) + 1 AS number FROM manifests
     WHERE carrier = :carrier AND warehouse = :warehouse AND ship_on = :ship_on
""")
_REQUEST = """
    INSERT INTO manifests (manifest_id, carrier, warehouse, ship_on, number, state, requested_at)
    VALUES (:manifest_id, :carrier, :warehouse, :ship_on, :number, 'requested', :now)
 RETURNING 1
"""
_FIND = text("""
    SELECT manifest_id, carrier, warehouse, ship_on, number, state, document_key
      FROM manifests WHERE manifest_id = :manifest_id
""")
_LOCK_OPEN = text("""
    SELECT manifest_id, carrier, warehouse, ship_on, number, state, document_key, leased_until
      FROM manifests WHERE manifest_id = :manifest_id AND state = 'requested'
       FOR NO KEY UPDATE
""")
_LEASE_UNTIL = """
    UPDATE manifests SET leased_until = CAST(:until AS timestamptz)
     WHERE manifest_id = :manifest_id AND state = 'requested'
 RETURNING 1
"""
_CLOSED = """
    UPDATE manifests
       SET state = 'closed', ended_at = :now, leased_until = NULL,
           vendor_manifest_id = :vendor_manifest_id, document_key = :document_key
     WHERE manifest_id = :manifest_id AND state = 'requested'
 RETURNING 1
"""
_DROPPED = """
    UPDATE manifests SET state = 'dropped', ended_at = :now, leased_until = NULL
     WHERE manifest_id = :manifest_id AND state = 'requested'
 RETURNING 1
"""
_REFUSED = """
    UPDATE manifests
       SET state = 'refused', ended_at = :now, leased_until = NULL, refused_for = :reason
     WHERE manifest_id = :manifest_id AND state = 'requested'
 RETURNING 1
"""


def next_number(tx: Transaction, of: Handover) -> int:
    """Which manifest of this handover the next one is; who takes it twice is run anew."""
    row = tx.row(_NEXT_NUMBER, carrier=of.carrier, warehouse=of.warehouse, ship_on=of.ship_on)
    assert row is not None
    return int(row.number)


def request(tx: Transaction, manifest_id: str, of: Handover, number: int) -> Write:
    """Record the intent to close a day."""
    return Write(
        _REQUEST,
        {
            "manifest_id": manifest_id,
            "carrier": of.carrier,
            "warehouse": of.warehouse,
            "ship_on": of.ship_on,
            "number": number,
            "now": tx.now,
        },
        rows=1,
    )


def find(tx: Transaction, manifest_id: str) -> KnownManifest | None:
    """A manifest as it is now, without a lock."""
    row = tx.row(_FIND, manifest_id=manifest_id)
    return None if row is None else _known(row)


def lease(tx: Transaction, manifest_id: str) -> KnownManifest | None:
    """The manifest, leased to be closed; None when there is nothing to close any more.

    Raises:
        ManifestUnderWay: somebody else holds the lease.
    """
    row = tx.row(_LOCK_OPEN, manifest_id=manifest_id)
    if row is None:
        return None
    if row.leased_until is not None and row.leased_until > tx.now:
        raise ManifestUnderWay("the manifest is being closed", manifest_id=manifest_id)
    tx.write(_lease_until(manifest_id, tx.now + LEASE))
    return _known(row)


def lock_open(tx: Transaction, manifest_id: str) -> bool:
    """Lock the manifest; False where it was closed or refused by somebody else."""
    return tx.row(_LOCK_OPEN, manifest_id=manifest_id) is not None


def give_back(manifest_id: str) -> Write:
    """Give back the lease after a call that failed, so that the next attempt need not wait."""
    return _lease_until(manifest_id, None)


def closed(tx: Transaction, manifest_id: str, vendor_manifest_id: str, document_key: str) -> Write:
    """The vendor has closed the day, and its document is kept."""
    return Write(
        _CLOSED,
        {
            "manifest_id": manifest_id,
            "vendor_manifest_id": vendor_manifest_id,
            "document_key": document_key,
            "now": tx.now,
        },
        rows=1,
    )


def dropped(tx: Transaction, manifest_id: str) -> Write:
    """Every label on it was given back: there is nothing to close."""
    return Write(_DROPPED, {"manifest_id": manifest_id, "now": tx.now}, rows=1)


def refused(tx: Transaction, manifest_id: str, reason: str) -> Write:
    """Nothing was closed, and will not be under this id; a person has to say what is next."""
    return Write(_REFUSED, {"manifest_id": manifest_id, "reason": reason, "now": tx.now}, rows=1)


def _lease_until(manifest_id: str, until: datetime | None) -> Write:
    return Write(_LEASE_UNTIL, {"manifest_id": manifest_id, "until": until})


def _known(row: Any) -> KnownManifest:
    return KnownManifest(
        manifest_id=row.manifest_id,
        of=Handover(row.carrier, row.warehouse, row.ship_on),
        number=row.number,
        state=ManifestState(row.state),
        document_key=row.document_key,
    )
