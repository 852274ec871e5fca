"""How often warehouses could not send what they were given enters what their parcels count."""

from datetime import timedelta

from shared.ops.refusals import refusals
from shared.platform.db import Transaction
from shared.stock import warehouse_refusals

LOOKED_BACK = timedelta(days=28)  # four of each weekday


def count_refusals(tx: Transaction) -> int:
    """Housekeeping: count the last weeks. Returns how many orders were refused in them."""
    counted = refusals(tx, (tx.now - LOOKED_BACK).date(), tx.now.date())
    warehouse_refusals.put(tx, counted)
    return sum(refused for _, refused in counted.values())
