"""Whether others wait in an order's queue, whom whoever places it places along. Writes nothing."""

from collections.abc import Callable

from shared.orders.lifecycle import PLACEABLE
from shared.orders.types import Priority
from shared.platform.db import Transaction
from shared.platform.sql import text

# Nobody is placed along while anybody waits in a more urgent queue.
# Of a queue the first is asked for, by the index of queues: whether one EXISTS is planned as a walk
# through all orders where many wait, and where none of that queue does the walk has no end.
HAS_COMPANY = """
    (SELECT order_id FROM orders AS other
      WHERE other.state = 'waiting' AND other.asked_priority = CAST(:queue AS text)
        AND other.order_id <> :order_id
      ORDER BY other.asked_at, other.order_id LIMIT 1) IS NOT NULL
    AND NOT EXISTS (SELECT FROM unnest(CAST(:urgent AS text[])) AS urgent (queue)
                     WHERE (SELECT order_id FROM orders AS other
                             WHERE other.state = 'waiting'
                               AND other.asked_priority = urgent.queue
                             ORDER BY other.asked_at, other.order_id LIMIT 1) IS NOT NULL)
"""
MORE_URGENT = {
    queue: [other.value for other in list(Priority)[: list(Priority).index(queue)]]
    for queue in Priority
}
_NOTHING_TO_DO = text(f"""
    SELECT NOT (state = ANY(CAST(:states AS text[])) OR ({HAS_COMPANY})) AS is_done
      FROM orders WHERE order_id = :order_id
""")  # noqa: S608


def nothing_to_do(tx: Transaction, order_id: str, queue: Priority) -> Callable[[], bool]:
    """Whether there is such an order, it does not wait, and it has no company that does.

    It is asked with the commit, so that finding this out is one trip, and locks nothing.
    """
    return tx.ask(
        _NOTHING_TO_DO,
        lambda rows: bool(rows) and rows[0].is_done,
        order_id=order_id,
        states=sorted(PLACEABLE),
        queue=queue,
        urgent=MORE_URGENT[queue],
    )
