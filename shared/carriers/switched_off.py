"""Carriers whose labels are not bought at this time, because somebody said so. Writes nothing.

Apart from their accounts, because placement asks for no more than this.
"""

from datetime import datetime

from shared.platform.db import Transaction
from shared.platform.sql import text

_CARRIERS = text("SELECT carrier FROM carrier_accounts WHERE NOT is_enabled")
_SINCE = text("""
    SELECT changed_at FROM carrier_accounts WHERE carrier = :carrier AND NOT is_enabled
""")


def carriers(tx: Transaction) -> frozenset[str]:
    """Those carriers."""
    return frozenset(row.carrier for row in tx.rows(_CARRIERS))


def since(tx: Transaction, carrier: str) -> datetime | None:
    """When that was said, or anything else of it after; None: its labels are bought."""
    row = tx.row(_SINCE, carrier=carrier)
    found: datetime | None = None if row is None else row.changed_at
    return found
