"""The table vendor_notes: where vendors have what was asked of them. Nothing else writes to it."""

from shared.contracts.base import Cause
from shared.platform.db import Database, Transaction, Write
from shared.platform.sql import text

CAUSE = Cause("vendor_notes", "vendor_notes")

_FIND = text("SELECT note FROM vendor_notes WHERE subject = :subject")
_KEEP = """
    INSERT INTO vendor_notes (subject, note, noted_at) VALUES (:subject, :note, :now)
        ON CONFLICT (subject) DO UPDATE SET note = excluded.note, noted_at = excluded.noted_at
 RETURNING 1
"""


class VendorNotes:
    """The port `Notes` over Postgres: each call is a transaction of its own, between two calls."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, subject: str) -> str | None:
        """See `Notes.find`."""

        def look(tx: Transaction) -> str | None:
            row = tx.row(_FIND, subject=subject)
            return None if row is None else str(row.note)

        return self._database.run(look, CAUSE)

    def keep(self, subject: str, note: str) -> None:
        """See `Notes.keep`."""

        def write(tx: Transaction) -> None:
            tx.write(Write(_KEEP, {"subject": subject, "note": note, "now": tx.now}, rows=1))

        self._database.run(write, CAUSE)
