"""Who waits for stock comes before who comes anew: free units are kept for those next in line."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial

from shared.contracts.work import PlaceOrder
from shared.flows.stocked import grown
from shared.flows.supply import may_take, shares
from shared.holds import store as holds
from shared.holds.types import HeldUnits, Hold, HoldState, Purpose, release_of
from shared.kit.ids import new_id
from shared.ops.channel_promises import promised_to_channel
from shared.ops.waitlist import Place, Waiting, next_in_line
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.stock import store as stock
from shared.stock.types import Change, Key, Locked

NOW = timedelta()
KEPT_FOR = timedelta(minutes=5)  # many times longer than it takes to place an order
# An order that could not use what was kept for it lets others go first for a while, so that units
# are never kept for ever for orders that only look as if they could be placed.
KEPT_AGAIN_AFTER = timedelta(hours=1)
MOST_AT_ONCE = 500  # orders; the others are woken by the news of what is left
MOST_PAGES = 4  # of them; who is behind as many that look as if they could be placed waits


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
        kept = keep_for_waitlist(tx, after, more)
        news = grown(before, after.after(_held_by(kept)))
        if news:
            tx.write(outbox.put(tx, *news))


def keep_for_waitlist(
    tx: Transaction,
    locked: Locked,
    skus: Collection[str],
    *,
    ahead: timedelta = NOW,
    lasts: timedelta = KEPT_FOR,
) -> Sequence[Hold]:
    """Hold what can be promised of `skus` for the orders that wait for it, in fair order.

    Each of these orders gets a hold of its own, which it uses when it is placed and which ends by
    itself if it cannot be, and is asked for at once. Only orders that what is free everywhere can
    serve in full are considered; of that, the units in these balances are held.

    Args:
        tx: the transaction.
        locked: balances with all their partitions, as they are now.
        skus: those of which there may be more than before; of the others what is free is kept
            along with them.
        ahead: also of what is released that soon; then nobody is asked for yet.
        lasts: for how long units are kept.

    Returns:
        The holds, one an order.
    """
    pool = _Pool(tx, locked)
    if not pool.left_of(skus):
        return []
    kept: list[Hold] = []
    work: dict[str, str] = {}
    passed: set[str] = set()
    most = min(pool.left_of(skus), MOST_AT_ONCE)
    for _ in range(MOST_PAGES):
        page = next_in_line(
            tx,
            skus,
            pool=pool.by_sale(),
            besides={key[:2] for key in locked.levels},
            besides_orders=passed,
            besides_channels=pool.without_room(),
            not_since=tx.now - KEPT_AGAIN_AFTER,
            released_by=tx.now + ahead,
            limit=most,
        )
        for order in page[: MOST_AT_ONCE - len(kept)]:
            passed.add(order.order_id)
            taken = pool.take(order)
            if taken:
                kept.append(_hold(tx, order, taken, lasts))
                work[order.order_id] = order.priority
        if len(page) < most or len(kept) == MOST_AT_ONCE or not pool.left_of(skus):
            break
        most = MOST_AT_ONCE  # those had no use for all of it, so more of them are looked at
    if kept:
        asked = [PlaceOrder(order_id=h.reference, priority=work[h.reference]) for h in kept]
        tx.write(
            *holds.insert(*kept),
            stock.change(_held_by(kept)),
            *([] if ahead else [outbox.put(tx, *asked)]),
        )
    return kept


def _held_by(kept: Iterable[Hold]) -> tuple[Change, ...]:
    return tuple(
        Change(Key(item.sku, item.warehouse, item.partition), held=item.quantity)
        for hold in kept
        for item in hold.items
    )


class _Pool:
    """What can be promised of locked balances, while it is given to one order after the other."""

    def __init__(self, tx: Transaction, locked: Locked) -> None:
        self._tx = tx
        self._locked = locked
        self._skus = {key.sku for key in locked.levels}
        self._rooms: dict[str, dict[tuple[str, str], int]] = {}  # by channel
        self._elsewhere = Counter[Place]()  # that orders count on, so that no other can
        self._units = {
            key: level.available for key, level in sorted(locked.levels.items()) if level.available
        }

    def left_of(self, skus: Collection[str]) -> int:
        """Units of these that nobody was given yet."""
        return sum(units for key, units in self._units.items() if key.sku in skus)

    def by_sale(self) -> Mapping[Place, int]:
        """What is left, by where it is and by the sale that alone may have it."""
        left = Counter[Place]()
        for key, units in self._units.items():
            left[key.sku, key.warehouse, self._locked.levels[key].allotment] += units
        return left

    def without_room(self) -> Sequence[str]:
        """Those of the channels met so far that may sell nothing more of what is left."""
        return [
            channel
            for channel, room in self._rooms.items()
            if not any(units and room.get(key[:2], units) for key, units in self._units.items())
        ]

    def take(self, order: Waiting) -> Mapping[Key, int]:
        """Take what is for this order; nothing where it could not be served in full."""
        room = self._room(order)
        left = dict(room)
        taken: dict[Key, int] = {}
        others: dict[Place, int] = {}
        for sku, wanted in order.wants.items():
            missing = wanted
            for key, units in self._units.items():
                if key.sku == sku and self._may_take(order, key):
                    n = min(units, missing, left.get(key[:2], missing))
                    if n:
                        taken[key] = n
                        missing -= n
                        if key[:2] in left:
                            left[key[:2]] -= n
            of_sku = order.from_elsewhere(sku, missing, self._elsewhere)
            if sum(of_sku.values()) < missing:
                return {}
            others.update(of_sku)
        if taken:
            room.update(left)
            self._elsewhere.update(others)
            for key, n in taken.items():
                self._units[key] -= n
        return taken

    def _may_take(self, order: Waiting, key: Key) -> bool:
        return may_take(order, None, self._locked.levels[key], self._tx.now)

    def _room(self, order: Waiting) -> dict[tuple[str, str], int]:
        if order.channel not in self._rooms:
            promised = partial(promised_to_channel, self._tx, order.channel, self._skus)
            self._rooms[order.channel] = shares(order, self._locked.levels.values(), promised)
        return self._rooms[order.channel]


def _hold(tx: Transaction, order: Waiting, taken: Mapping[Key, int], lasts: timedelta) -> Hold:
    hold_id, expires_at = new_id("hld"), tx.now + lasts
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
