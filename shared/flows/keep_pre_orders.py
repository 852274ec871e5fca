"""Housekeeping: what is about to be released is kept for those who have waited for it.

At the moment of the release everybody may be promised it; who comes anew then finds what is left.
"""

from collections.abc import Collection
from datetime import timedelta
from functools import partial

from shared.flows.steps import Run, in_rounds
from shared.flows.waitlist import KEPT_FOR, MOST_AT_ONCE, keep_for_waitlist
from shared.platform.db import Transaction
from shared.stock import skus
from shared.stock import store as stock

# The job comes every five minutes. A release that it missed is made up for, as far as units are
# left, by the next run.
AHEAD = timedelta(minutes=6)
# Until the job after the release wakes who is kept for, and all of them are placed.
LASTS = AHEAD + 3 * KEPT_FOR
MOST_STEPS = 100  # of one SKU in one run; who is behind so many orders waits for the next one


def keep_pre_orders(run: Run) -> int:
    """Hold units of what is released around now for the orders that wait for it, in fair order.

    They are placed once it is released: `wake_backorders` asks for those for whom units are kept.

    Returns:
        For how many orders units are kept now that were not before.
    """
    released = run(lambda tx: skus.released(tx, tx.now - AHEAD, tx.now + AHEAD))
    return sum(
        in_rounds(run, partial(_keep, sku, places), at_once=MOST_AT_ONCE, most_steps=MOST_STEPS)
        for sku, places in released.items()
    )


def _keep(sku: str, warehouses: Collection[str], tx: Transaction) -> int:
    locked = stock.lock(tx, [(sku, warehouse) for warehouse in warehouses])
    return len(keep_for_waitlist(tx, locked, {sku}, ahead=AHEAD, lasts=LASTS))
