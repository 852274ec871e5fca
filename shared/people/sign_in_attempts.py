"""The table sign_in_attempts. Nothing else writes to it.

Every attempt counts as a failure before it is looked at, so that many at once cannot slip through;
one that succeeds takes itself back, and whoever is in all the failures of their account. An unknown
account is counted like a known one.
"""

from datetime import timedelta
from hashlib import sha256
from typing import NamedTuple

from shared.platform.db import Transaction, Write
from shared.platform.sql import text

WINDOW = timedelta(minutes=15)
OF_AN_ACCOUNT = 8  # within the window
OF_AN_ADDRESS = 40  # a warehouse has one address, and many who mistype

_COUNT = text("""
    INSERT INTO sign_in_attempts AS known (subject, failures, since)
    SELECT subject, 1, CAST(:now AS timestamptz) FROM unnest(CAST(:subjects AS text[])) AS subject
     ORDER BY subject
        ON CONFLICT (subject) DO UPDATE
       SET failures = CASE WHEN known.since < CAST(:window_start AS timestamptz) THEN 1
                           ELSE known.failures + 1 END,
           since = CASE WHEN known.since < CAST(:window_start AS timestamptz) THEN excluded.since
                        ELSE known.since END
 RETURNING subject, failures, since
""")
_CLEAR = "DELETE FROM sign_in_attempts WHERE subject = :subject RETURNING 1"
# A row counts one at least; so of an address from which nobody failed one attempt stays counted.
_TAKE_BACK = """
    UPDATE sign_in_attempts SET failures = failures - 1
     WHERE subject = :subject AND failures > 1
 RETURNING 1
"""
_FORGET = text("""
    DELETE FROM sign_in_attempts
     WHERE subject IN (SELECT subject FROM sign_in_attempts
                        WHERE since < CAST(:window_start AS timestamptz)
                        ORDER BY since
                        LIMIT :limit)
 RETURNING 1
""")


class Subjects(NamedTuple):
    """Whose attempts are counted. Hashed: what strangers type is not kept as it is."""

    account: str
    address: str

    @classmethod
    def of(cls, email: str, address: str) -> "Subjects":
        """The account that is asked for, and the address that asks."""
        return cls(_hashed("account", email.strip().lower()), _hashed("address", address))


def count(tx: Transaction, subjects: Subjects) -> int:
    """Count an attempt. Returns for how many seconds none is let in; 0: this one may be tried."""
    rows = tx.rows(
        _COUNT,
        subjects=[subjects.account, subjects.address],
        now=tx.now,
        window_start=tx.now - WINDOW,
    )
    most = {subjects.account: OF_AN_ACCOUNT, subjects.address: OF_AN_ADDRESS}
    waits = [row.since + WINDOW - tx.now for row in rows if row.failures > most[row.subject]]
    return max((int(wait.total_seconds()) + 1 for wait in waits), default=0)


def take_back(subjects: Subjects) -> Write:
    """This attempt was none of the address's failures; what others failed there stays counted."""
    return Write(_TAKE_BACK, {"subject": subjects.address})


def clear(subjects: Subjects) -> tuple[Write, Write]:
    """Whoever it is has shown all that is asked for: their account has failed no more."""
    return Write(_CLEAR, {"subject": subjects.account}), take_back(subjects)


def forget(tx: Transaction, limit: int) -> int:
    """Delete up to `limit` counts that count no more. Returns how many."""
    return len(tx.rows(_FORGET, window_start=tx.now - WINDOW, limit=limit))


def _hashed(kind: str, word: str) -> str:
    return f"{kind}:{sha256(word.encode()).hexdigest()[:32]}"
