"""The table promise_samples: how promises stood, a row a minute. Nothing else writes to it."""

from dataclasses import dataclass
from datetime import timedelta

from shared.platform.db import Transaction, Write
from shared.platform.sql import text

KEPT = timedelta(days=8)  # a day is shown; a week is there for whoever asks how it came to this

# A minute that is measured twice, as jobs can be, is kept as it was seen first.
_KEEP = """
    INSERT INTO promise_samples (sampled_at, unshipped, at_risk, broken)
    VALUES (date_trunc('minute', CAST(:now AS timestamptz), 'UTC'), :unshipped, :at_risk, :broken)
        ON CONFLICT (sampled_at) DO NOTHING
 RETURNING 1
"""
_FORGET = text("""
    DELETE FROM promise_samples
     WHERE sampled_at IN (SELECT sampled_at FROM promise_samples
                           WHERE sampled_at < CAST(:before AS timestamptz)
                           ORDER BY sampled_at
                           LIMIT :limit)
 RETURNING 1
""")


@dataclass(frozen=True, slots=True)
class PromiseSample:
    """Orders that no carrier has: all, those whose promise is at risk, those whose is broken."""

    unshipped: int
    at_risk: int
    broken: int


def keep(tx: Transaction, sample: PromiseSample) -> Write:
    """This is how promises stand in this minute."""
    return Write(
        _KEEP,
        {
            "now": tx.now,
            "unshipped": sample.unshipped,
            "at_risk": sample.at_risk,
            "broken": sample.broken,
        },
    )


def forget(tx: Transaction, limit: int) -> int:
    """Delete up to `limit` samples that are too old. Returns how many."""
    return len(tx.rows(_FORGET, before=tx.now - KEPT, limit=limit))
