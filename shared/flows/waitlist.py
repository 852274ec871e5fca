"""Who waits for stock comes before who comes anew: free units are kept for those next in line."""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import timedelta
from functools import partial

from shared.contracts.work import PlaceOrder
from shared.flows.stocked import grown
from shared.flows.supply import may_take, shares
from shared.holds import store as holds
from shared.holds.types import HeldUnits, Hold, HoldState, Purpose, release_of
from shared.kit.ids import new_id
from shared.ops.channel_promises import promised_to_channel
from shared.ops.waitlist import Waiting, next_in_line
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.stock import store as stock
from shared.stock.types import Change, Key, Locked

KEPT_FOR = timedelta(minutes=5)  # many times longer than it takes to place an order
# An order that could not use what was kept for it lets others go first for a while, so that units
# are never kept for ever for orders that only look as if they could be placed.
KEPT_AGAIN_AFTER = timedelta(hours=1)
MOST_AT_ONCE = 500  # orders; the others are woken by the news of what is left


def share_out(tx: Transaction, before: Locked, after: Locked) -> None:
    """What can be promised only now goes to who waits for it, and what is left to open sale.

    Until the transaction ends the balances are locked, and afterwards the units are held: nobody
    who comes anew can take them first.

    Args:
        tx: the transaction, in which the balances were changed.
        before: the balances with all their partitions, as they were.
        after: as they are now.
    """
    more = {sku for event in grown(before, after) for sku in event.available}
    if more:
        news = grown(before, after.after(keep_for_waitlist(tx, after, more)))
        if news:
            tx.write(outbox.put(tx, *news))


def keep_for_waitlist(tx: Transaction, locked: Locked, skus: Collection[str]) -> tuple[Change, ...]:
    """Hold what can be promised of `skus` for the orders that wait for it, in fair order.

    Each of these orders gets a hold of its own, which it uses when it is placed and which ends by
    itself if it cannot be, and is asked for at once. Only orders that what is free everywhere can
    serve in full are considered; of that, the units in these balances are held.

    Args:
        tx: the transaction.
        locked: balances with all their partitions, as they are now.
        skus: those of which there may be more than before.

    Returns:
        What was changed.
    """
    pool = {
        key: level.available
        for key, level in sorted(locked.levels.items())
        if key.sku in skus and level.available
    }
    if not pool:
        return ()
    free = Counter[str]()
    for key, units in pool.items():
        free[key.sku] += units
    waiting = next_in_line(
        tx,
        free,
        besides={key[:2] for key in locked.levels},
        not_since=tx.now - KEPT_AGAIN_AFTER,
        limit=min(free.total(), MOST_AT_ONCE),
    )
    rooms: dict[str, dict[tuple[str, str], int]] = {}
    kept: list[Hold] = []
    for order in waiting:
        if order.channel not in rooms:
            promised = partial(
                promised_to_channel, tx, order.channel, {key.sku for key in locked.levels}
            )
            rooms[order.channel] = shares(order, locked.levels.values(), promised)
        taken = _taken(tx, order, locked, pool, rooms[order.channel])
        if taken:
            kept.append(_hold(tx, order, taken))
            for key, units in taken.items():
                pool[key] -= units
                if key[:2] in rooms[order.channel]:
                    rooms[order.channel][key[:2]] -= units
    if not kept:
        return ()
    changes = tuple(
        Change(Key(item.sku, item.warehouse, item.partition), held=item.quantity)
        for hold in kept
        for item in hold.items
    )
    work = {order.order_id: order.priority for order in waiting}
    tx.write(
        *holds.insert(*kept),
        stock.change(changes),
        outbox.put(
            tx,
            *(PlaceOrder(order_id=hold.reference, priority=work[hold.reference]) for hold in kept),
        ),
    )
    return changes


def _taken(
    tx: Transaction,
    order: Waiting,
    locked: Locked,
    pool: Mapping[Key, int],
    room: Mapping[tuple[str, str], int],
) -> dict[Key, int]:
    """What of the pool is for this order; nothing where it could not be served in full."""
    left = dict(room)
    taken: dict[Key, int] = {}
    for sku, wanted in order.wants.items():
        missing = wanted
        for key, units in pool.items():
            if key.sku == sku and may_take(order, None, locked.levels[key], tx.now):
                n = min(units, missing, left.get(key[:2], missing))
                if n:
                    taken[key] = n
                    missing -= n
                    if key[:2] in left:
                        left[key[:2]] -= n
        if missing > order.free_elsewhere(sku):
            return {}
    return taken


def _hold(tx: Transaction, order: Waiting, taken: Mapping[Key, int]) -> Hold:
    hold_id, expires_at = new_id("hld"), tx.now + KEPT_FOR
    return Hold(
        hold_id=hold_id,
        purpose=Purpose.WAITLIST,
        reference=order.order_id,
        channel=order.channel,
        sale=order.sale,
        state=HoldState.OPEN,
        created_at=tx.now,
        expires_at=expires_at,
        release_at=release_of(hold_id, expires_at),
        items=tuple(HeldUnits(*key, units) for key, units in taken.items()),
        for_order=order.order_id,
    )
