"""Whether a subscriber was disabled by what failed, and nobody has left it so yet."""

from shared.ops import overview
from shared.platform.db import Transaction
from shared.subscribers import webhook_deliveries


def is_cut_off(tx: Transaction, name: str) -> bool:
    """Whether there is an alarm about the subscriber; none after 30 days, when nothing waits."""
    found = overview.cut_off(tx, tx.now - webhook_deliveries.KEPT)
    return any(one.subscriber == name for one in found())
