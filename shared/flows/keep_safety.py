"""Units that are on hand are kept back: nobody can be promised the last ones."""

from collections.abc import Mapping

from shared.flows.stocked import told
from shared.flows.waitlist import share_out
from shared.platform.db import Transaction
from shared.stock import partitions
from shared.stock import store as stock


def keep_safety(tx: Transaction, warehouse: str, safety: Mapping[str, int]) -> None:
    """Set how many units of each SKU are not to be promised at this warehouse, in all partitions.

    Promises that are made already stay, also where too little would be left. Where fewer are kept
    back than before, the others go to who waits for them first.
    """
    if not safety:
        return
    stock.ensure_levels(tx, warehouse, safety)
    locked = stock.lock(tx, [(sku, warehouse) for sku in safety])
    after = [
        level
        for sku, units in sorted(safety.items())
        for level in partitions.with_safety(locked.of(sku, warehouse), units)
        if level != locked.levels[level.key]
    ]
    if after:
        tx.write(stock.put(after), told(tx, [level.key for level in after]))
        share_out(tx, locked, locked.replaced(after))
