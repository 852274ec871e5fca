"""Tell what can be promised where it has changed: in one go, and not with every unit."""

from functools import partial

from shared.contracts.stock_facts import StockAvailableChanged
from shared.flows.steps import Run
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.stock import stock_announced

TOLD_AT_ONCE = 10_000  # SKUs of one transaction
PER_EVENT = 500  # SKUs; with the longest names some 40 kB
MOST_STEPS = 200  # of one run; what is left then waits for the next one


def announce_availability(run: Run) -> int:
    """Housekeeping: announce every SKU of which more or less can be promised than was told.

    However often a SKU has changed since the last run, it is told once, as it is now.

    Returns:
        How many SKUs were announced.
    """
    total, after = 0, ""
    for _ in range(MOST_STEPS):
        told, after = run(partial(_announce, after=after))
        total += told
        if told < TOLD_AT_ONCE:
            break
    return total


def _announce(tx: Transaction, after: str) -> tuple[int, str]:
    changed = stock_announced.unannounced(tx, after, TOLD_AT_ONCE)
    if not changed:
        return 0, after
    skus = list(changed)
    parts = [skus[start : start + PER_EVENT] for start in range(0, len(skus), PER_EVENT)]
    events = [
        StockAvailableChanged(
            available={sku: changed[sku] for sku in part},
            sold_out=tuple(sku for sku in part if not changed[sku]),
        )
        for part in parts
    ]
    tx.write(stock_announced.announce(tx, changed), outbox.put(tx, *events))
    return len(skus), skus[-1]
