"""How much waits, and for how long: what the tables know of this moment. Writes nothing.

One query a minute, of short tables and of indexes that hold open orders alone, so that it costs the
same after a million orders as after one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from shared.platform.db import Transaction
from shared.platform.sql import text

AT_RISK = timedelta(hours=24)  # to the promise, of an order that has not left
LATELY = timedelta(minutes=1)  # decisions and new orders are counted since then

PROMISES = ("at_risk", "broken")
DECIDERS = ("engine", "person")
OUTCOMES = ("placed", "partly_placed", "backordered", "review", "sold_out")

_MEASURES = text("""
    SELECT 'outbox' AS what, '' AS name, '' AS detail, count(*) AS number,
           min(created_at) AS since FROM outbox
     UNION ALL
    SELECT 'orders', state, '', count(*), NULL FROM orders
     WHERE state IN ('backordered', 'partly_placed', 'review', 'placed', 'shipped')
     GROUP BY state
     UNION ALL
    SELECT 'accepted', '', '', count(*), NULL FROM orders WHERE accepted_at >= :lately
     UNION ALL
    SELECT 'waiting', asked_priority, '', count(*), min(asked_at) FROM orders
     WHERE state = 'waiting' GROUP BY asked_priority
     UNION ALL
    SELECT 'promises', CASE WHEN promised_at < :now THEN 'broken' ELSE 'at_risk' END, '',
           count(*), NULL
      FROM orders
     WHERE promised_at < :soon
       AND (state IN ('backordered', 'partly_placed', 'review', 'placed') OR state = 'waiting')
     GROUP BY 2
     UNION ALL
    SELECT 'letters', code, '', count(*), min(parked_at) FROM dead_letters
     WHERE state = 'open' GROUP BY code
     UNION ALL
    SELECT 'decisions', CASE decided_by WHEN :engine THEN 'engine' ELSE 'person' END, outcome,
           count(*), NULL
      FROM placement_decisions WHERE decided_at >= :lately
     GROUP BY 2, outcome
     ORDER BY 1, 2, 3
""")


@dataclass(frozen=True, slots=True)
class Measure:
    """How many there are of something.

    Attributes:
        what: outbox, orders, accepted, waiting, promises, letters or decisions.
        name: the state, the priority, how a promise stands, the code, who decided.
        detail: the outcome of decisions.
        oldest_s: how long the oldest waits; None where nobody waits.
    """

    what: str
    name: str
    detail: str
    number: int
    oldest_s: float | None


def measures(tx: Transaction, engine: str) -> Sequence[Measure]:
    """All of them, as they are now; `engine` is by whom decisions are kept that no person made."""
    rows = tx.rows(
        _MEASURES,
        now=tx.now,
        soon=tx.now + AT_RISK,
        lately=tx.now - LATELY,
        engine=engine,
    )
    return [
        Measure(
            row.what,
            row.name,
            row.detail,
            row.number,
            (tx.now - row.since).total_seconds() if row.since is not None else None,
        )
        for row in rows
    ]
