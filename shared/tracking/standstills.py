"""The table standstills: which parcels somebody was told of. Nothing else writes to it."""

from collections.abc import Collection
from datetime import datetime

from shared.platform.db import Transaction, Write

Stand = tuple[str, str, datetime]  # the parcel, in which way it stands, and since when

_TELL = """
    INSERT INTO standstills (parcel_id, kind, since, told_at)
    SELECT parcel_id, kind, since, CAST(:now AS timestamptz)
      FROM unnest(CAST(:parcel_ids AS text[]), CAST(:kinds AS text[]),
                  CAST(:moments AS timestamptz[])) AS stuck (parcel_id, kind, since)
     ORDER BY parcel_id, kind, since
 RETURNING 1
"""
_FORGET = """
    DELETE FROM standstills
     WHERE (parcel_id, kind, since) IN (
           SELECT * FROM unnest(CAST(:parcel_ids AS text[]), CAST(:kinds AS text[]),
                                CAST(:moments AS timestamptz[])))
 RETURNING 1
"""


def tell(tx: Transaction, stuck: Collection[Stand]) -> Write:
    """Somebody is told of each; a second teller of the same is rolled back by the key."""
    return Write(_TELL, {**_parameters(stuck), "now": tx.now}, rows=len(stuck))


def forget(over: Collection[Stand]) -> Write:
    """Nobody needs to know any more that somebody was told of these."""
    return Write(_FORGET, _parameters(over))


def _parameters(stands: Collection[Stand]) -> dict[str, object]:
    return {
        "parcel_ids": [parcel_id for parcel_id, _, _ in stands],
        "kinds": [kind for _, kind, _ in stands],
        "moments": [since for _, _, since in stands],
    }
