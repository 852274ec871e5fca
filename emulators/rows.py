"""Values by kind and key, for stand-ins that need no tables of their own."""

from emulators.disk import Disk

_SCHEMA = """
    CREATE TABLE IF NOT EXISTS rows (
        number INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        value BLOB NOT NULL,
        UNIQUE (kind, key)
    )
"""
# An update keeps the row's number, so that rows come back in the order in which they were made.
_PUT = """
    INSERT INTO rows (kind, key, value) VALUES (?, ?, ?)
    ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value
"""
_DROP = "DELETE FROM rows WHERE kind = ? AND key = ?"
_ALL = "SELECT key, value FROM rows WHERE kind = ? ORDER BY number"


class Rows:
    """Writes through to `disk`, whose `saved` says when that is done.

    All who keep their state in one file share one table, so each has kinds of its own.
    """

    def __init__(self, disk: Disk) -> None:
        disk.lay_out(_SCHEMA)
        self._disk = disk

    def all(self, kind: str) -> list[tuple[str, bytes]]:
        """(key, value) of every row of the kind, in the order in which they were first put."""
        return list(self._disk.read(_ALL, kind))

    def put(self, kind: str, key: str, value: bytes) -> None:
        self._disk.note(_PUT, kind, key, value)

    def drop(self, kind: str, key: str) -> None:
        self._disk.note(_DROP, kind, key)
