"""The table ageing_rules: after which wait an order asks which queue. Nothing else writes to it."""

from shared.orders.types import Priority
from shared.platform.db import Transaction
from shared.platform.sql import text

_PUT = text("UPDATE ageing_rules SET share = :share, asks = :asks WHERE priority = :priority")


def put(tx: Transaction, priority: Priority, share: float, asks: Priority) -> None:
    """After a share of the longest wait in one queue, its orders ask another queue too."""
    tx.rows(_PUT, priority=priority, share=share, asks=asks)
