"""What a test of a race waits for."""

from shared.platform.db import Database
from tests.support import given

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


def until_somebody_waits(database: Database) -> None:
    """Return as soon as some connection waits for a lock."""
    for _ in range(2_000):
        if given.rows(database, _WAITING) != [(0,)]:
            return
    raise AssertionError("nobody waits for the lock")
