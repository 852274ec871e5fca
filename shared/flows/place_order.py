"""Place waiting orders: lock, decide, reserve, make parcels; or find that they must wait.

Where many wait in a queue, whoever places one of them places those that wait longest together with
it: the locks, the stock and what is written are each one statement for all of them.
"""

from zlib import crc32

from shared.contracts.work import PlaceOrder
from shared.flows import outcomes
from shared.flows.rules import Rules
from shared.flows.steps import Run
from shared.flows.supply import SawTooLittle
from shared.flows.table import Followed, Table, wanting
from shared.kit.errors import DispatchError
from shared.orders import store as orders
from shared.orders.company import nothing_to_do
from shared.orders.types import Priority, UnknownOrder
from shared.platform import log
from shared.platform.db import Transaction

TOGETHER = 50  # orders; more of them make a statement longer, and no order cheaper


class Crowd:
    """Whether many wait, as one process sees it: then most work that comes up is done already."""

    def __init__(self) -> None:
        self.is_here = False


def place_waiting(
    run: Run, work: PlaceOrder, rules: Rules, crowd: Crowd, *, alone: bool = False
) -> None:
    """Place the order, and others that wait in its queue with it.

    One partition of what is spread over several is looked at first, and all where that was not
    enough.

    Args:
        run: runs each step in a transaction.
        work: which order.
        rules: the rate cards and policies of this process.
        crowd: where the last work of this process was found done, that is asked first: it is one
            trip instead of two, and of fifty that are placed together it is true of forty-nine.
        alone: whether the order is placed by itself: what went wrong before may be another's fault.

    Raises:
        UnknownOrder: the work names an order that does not exist.
    """
    if crowd.is_here and not alone:
        queue = Priority(work.priority)
        is_done = run(lambda tx: nothing_to_do(tx, work.order_id, queue))
        if is_done():
            return
    most = 1 if alone else TOGETHER
    try:
        tried = run(lambda tx: place_order(tx, work, rules, most=most, all_partitions=False))
    except SawTooLittle:
        tried = run(lambda tx: place_order(tx, work, rules, most=most))
    crowd.is_here = not tried


def place_order(
    tx: Transaction,
    work: PlaceOrder,
    rules: Rules,
    *,
    most: int = 1,
    all_partitions: bool = True,
) -> bool:
    """Give every unit of the order a parcel at the least total cost, or none and let it wait.

    Nothing happens to the order when it no longer waits: the work was done, or is no longer wanted.
    Others of its queue are placed all the same.

    Args:
        tx: the transaction.
        work: which order.
        rules: the rate cards and policies of this process.
        most: how many orders may be placed together, those first that were asked for first.
        all_partitions: False to look at one partition only of what is spread over several.

    Returns:
        Whether anybody waited.

    Raises:
        UnknownOrder: the work names an order that does not exist.
        SawTooLittle: not all partitions were looked at, and that was not enough.
    """
    followed = Followed.of(tx, rules)
    found = orders.lock_to_place(tx, work.order_id, Priority(work.priority), most)
    if found is None:
        raise UnknownOrder("no such order", order_id=work.order_id)
    waiting = [wanting(tx, order, lines) for order, lines in found]
    if not waiting:
        return False
    draw = None if all_partitions else crc32(work.order_id.encode())
    table = Table(tx, waiting, followed, draw)
    made = []
    for one in waiting:
        try:
            if one.order.order_id == work.order_id or table.has_time:
                made += table.decide(one)
        except (DispatchError, ValueError) as error:
            if one.order.order_id == work.order_id:
                raise
            # Its own work will tell of it; the others are not to suffer for it.
            log.failure("placement.left_alone", error, order_id=one.order.order_id)
    if made:
        outcomes.write(tx, made, table.capacity)
    return True
