"""Housekeeping: what has become free in partitions that are shut goes where it can be sold."""

from functools import partial

from shared.flows.lay_anew import Word, lay_anew
from shared.flows.steps import Run
from shared.kit.ids import new_id
from shared.platform.db import Transaction
from shared.stock import partitions
from shared.stock import store as stock

ACTOR = "empty_partitions"
AT_ONCE = 100  # balances of one transaction
MOST_STEPS = 200  # of one run; what is left then waits for the next minute

Place = tuple[str, str]


def empty_partitions(run: Run) -> int:
    """Lay free units of shut rows into the open ones. Returns of how many balances.

    They come back when an order is cancelled, a hold ends or a parcel is short-picked.
    """
    total, after = 0, ("", "")
    for _ in range(MOST_STEPS):
        places = run(partial(_empty, after=after))
        total += len(places)
        if len(places) < AT_ONCE:
            break
        after = places[-1]
    return total


def _empty(tx: Transaction, after: Place) -> list[Place]:
    places = list(stock.left_behind(tx, after, AT_ONCE))
    if places:
        locked = stock.lock(tx, places)
        emptied = [level for place in places for level in partitions.emptied(locked.of(*place))]
        lay_anew(tx, locked, emptied, Word(ACTOR, "freed in a shut partition", new_id("emp")))
    return places
