"""Housekeeping: a SKU that many order at once is spread by itself, and merged when it is quiet.

The rule: so many orders of one minute, all placed from one row of one warehouse. Merged is what was
spread by this rule, once no order came for an hour; what a person has spread is left to them.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial

from shared.flows.lay_anew import Word
from shared.flows.spread_stock import SpreadStock, spread_stock
from shared.flows.steps import Run
from shared.kit.errors import Rejected
from shared.kit.ids import new_id
from shared.ops import hot_skus
from shared.ops.hot_skus import Place
from shared.platform import log
from shared.platform.db import Transaction

ACTOR = "spread_hot_skus"
HOT_FOR = timedelta(minutes=1)
QUIET_FOR = timedelta(hours=1)
MOST_AT_ONCE = 100  # balances of one run, each in a transaction of its own


def spread_hot_skus(run: Run, orders_a_minute: int, into: int) -> Mapping[str, int]:
    """Spread what is hot, merge what has cooled.

    Args:
        run: runs one step.
        orders_a_minute: from how many on a SKU is hot; 0: none is.
        into: over how many rows it is spread then.

    Returns:
        How many balances were spread and merged.
    """
    hot = run(partial(_hot, orders_a_minute=orders_a_minute)) if orders_a_minute else ()
    cooled = run(_cooled)
    return {
        "spread": _each(run, hot, into, "hot"),
        "merged": _each(run, cooled, 1, "quiet"),
    }


def _hot(tx: Transaction, orders_a_minute: int) -> Sequence[Place]:
    return hot_skus.hot(tx, since=tx.now - HOT_FOR, least=orders_a_minute, limit=MOST_AT_ONCE)


def _cooled(tx: Transaction) -> Sequence[Place]:
    return hot_skus.cooled(tx, since=tx.now - QUIET_FOR, actor=ACTOR, limit=MOST_AT_ONCE)


def _each(run: Run, places: Sequence[Place], into: int, reason: str) -> int:
    done = 0
    for place in places:
        wanted = SpreadStock(*place, into, Word(ACTOR, reason, new_id("hot")))
        try:
            run(partial(spread_stock, wanted=wanted))
        except Rejected as refused:  # fenced off meanwhile, or made a kit: the others go on
            log.line("stock.not_spread", "WARNING", code=refused.code, **refused.facts)
        else:
            done += 1
    return done
