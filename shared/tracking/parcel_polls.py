"""The table parcel_polls: which parcels a carrier was asked about. Nothing else writes to it."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from shared.platform.db import Transaction, Write
from shared.platform.sql import text

# A vendor hears of a label some minutes after it was sold, at the latest with its first scan.
GIVEN_UP_AFTER = timedelta(days=14)

_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('dispatch parcel polls'))")
_ASK = """
    INSERT INTO parcel_polls AS kept (parcel_id, asked_at, times)
    SELECT parcel_id, CAST(:now AS timestamptz), 1
      FROM unnest(CAST(:parcel_ids AS text[])) AS asked (parcel_id)
     ORDER BY parcel_id
        ON CONFLICT (parcel_id) DO UPDATE
       SET asked_at = excluded.asked_at, times = kept.times + 1
 RETURNING 1
"""
_STILL_ASKED = text("""
    SELECT parcel_id FROM parcel_polls
     WHERE parcel_id = ANY(CAST(:parcel_ids AS text[])) AND asked_at = :asked_at
""")
_ANSWERED = """
    UPDATE parcel_polls AS kept
       SET answered_at = CAST(:now AS timestamptz),
           unknown_times = CASE WHEN is_known THEN 0 ELSE unknown_times + 1 END,
           unknown_since = CASE WHEN NOT is_known
                                THEN coalesce(unknown_since, CAST(:now AS timestamptz)) END,
           given_up_at = CASE WHEN NOT is_known AND unknown_since <= :long_ago
                              THEN CAST(:now AS timestamptz) END
      FROM unnest(CAST(:parcel_ids AS text[]), CAST(:known AS boolean[]))
        AS answer (parcel_id, is_known)
     WHERE kept.parcel_id = answer.parcel_id
 RETURNING 1
"""


def one_at_a_time(tx: Transaction) -> None:
    """Nobody else chooses parcels until the transaction ends.

    Of two that choose at once the second sees what the first has chosen, and asks nothing twice.
    """
    tx.rows(_ONE_AT_A_TIME)


def ask(tx: Transaction, parcel_ids: Collection[str]) -> Write:
    """Their carriers are asked about these parcels from now on."""
    return Write(_ASK, {"parcel_ids": sorted(parcel_ids), "now": tx.now}, rows=len(parcel_ids))


def still_asked(tx: Transaction, parcel_ids: Collection[str], asked_at: datetime) -> frozenset[str]:
    """Those of the parcels that nobody has asked about anew since."""
    rows = tx.rows(_STILL_ASKED, parcel_ids=sorted(parcel_ids), asked_at=asked_at)
    return frozenset(row.parcel_id for row in rows)


def answered(tx: Transaction, known: Mapping[str, bool]) -> Write:
    """Parcel id -> whether the carrier knew it. Who has long not known one is asked no more."""
    return Write(
        _ANSWERED,
        {
            "parcel_ids": list(known),
            "known": list(known.values()),
            "now": tx.now,
            "long_ago": tx.now - GIVEN_UP_AFTER,
        },
        rows=len(known),
    )
