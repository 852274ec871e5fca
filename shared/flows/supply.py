"""What an order or a cart may take from the stock, and from which partitions it does."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from zlib import crc32

from shared.holds import store as holds
from shared.holds.types import Hold
from shared.kit.geo import Point, PostalPlace
from shared.ops.channel_promises import promised_to_channel
from shared.orders.types import Order, OrderState
from shared.platform.db import Transaction
from shared.stock import store as stock
from shared.stock.types import Change, Key, Level, Sku

WHOLE_PERCENT = 100


class SawTooLittle(Exception):
    """The partitions that were drawn have less than is wanted: look at all of them, in order.

    To lock more while these are locked could end in a circle, so the step begins anew.
    """


class Taker(Protocol):
    """Who wants units: an order, a cart, or who waits for them."""

    @property
    def channel(self) -> str | None: ...
    @property
    def sale(self) -> str | None: ...
    @property
    def scope(self) -> Mapping[str, int] | None: ...
    @property
    def excluded(self) -> frozenset[tuple[str, str]]: ...


@dataclass(frozen=True, slots=True)
class OwnSupply:
    """Locked balances as one taker may use them.

    `units` is (SKU, warehouse) -> units it may take; `places` and `origins` are
    where each warehouse is.
    """

    levels: tuple[Level, ...]
    own: Mapping[Key, int]  # what the taker's own holds keep for it there
    units: Mapping[tuple[str, str], int]
    places: Mapping[str, Point]
    origins: Mapping[str, PostalPlace]
    skus: Mapping[str, Sku]
    holds: tuple[Hold, ...]

    def take(self, sku: str, warehouse: str, quantity: int) -> Iterator[tuple[Key, int]]:
        """Take from the partitions: what is held for it, then its sale's, then the fullest.

        Raises:
            ValueError: there is less; whoever decided has not looked at `units`.
        """
        usable = [
            (-self.own.get(level.key, 0), level.allotment is None, -level.available, level.key)
            for level in self.levels
            if level.key[:2] == (sku, warehouse) and not level.is_broken
        ]
        for own, _, available, key in sorted(usable):
            taken = min(-own - available, quantity)
            if taken:
                yield key, taken
                quantity -= taken
        if quantity:
            raise ValueError(f"{quantity} more of {sku} than there are in {warehouse}")

    def changes(self, taken: Iterable[tuple[Key, int]]) -> list[Change]:
        """What reserving `taken` does to the balances; the order's holds end with it."""
        reserved = [Change(key, reserved=units) for key, units in taken]
        return reserved + [Change(key, held=-units) for key, units in self.own.items()]

    def left_of_hold(self, taken: Mapping[Key, int]) -> dict[str, dict[str, int]]:
        """Warehouse -> SKU -> available-to-promise, where the holds kept more than was taken."""
        left: dict[str, dict[str, int]] = defaultdict(Counter)
        by_key = {level.key: level for level in self.levels}
        for key, units in self.own.items():
            if units > taken.get(key, 0) and not by_key[key].fenced_for:
                after = by_key[key].after(Change(key, reserved=taken.get(key, 0), held=-units))
                left[key.warehouse][key.sku] += after.available
        return left


def lock_supply(
    tx: Transaction, order: Order, wanted: Mapping[str, int], *, all_partitions: bool
) -> OwnSupply:
    """Lock what may serve an order that wants these units, and work out what it may take.

    What its cart's hold keeps is its to take, and what was kept for it while it waited.

    Raises:
        SawTooLittle: partitions were drawn, and that was not enough to decide.
    """
    # Nothing is kept for who does not wait for stock, so they are spared the question.
    asks = order.hold_id is not None or order.state is OrderState.BACKORDERED
    own = holds.lock_of_order(tx, order.order_id, order.hold_id) if asks else ()
    draw = None if all_partitions else crc32(order.order_id.encode())
    return lock_for(tx, order, wanted, draw=draw, own_holds=own)


def lock_for(
    tx: Transaction,
    taker: Taker,
    wanted: Mapping[str, int],
    *,
    draw: int | None,
    own_holds: tuple[Hold, ...] = (),
) -> OwnSupply:
    """Lock what may serve these wants, and work out what the taker may have of it.

    Nothing from places that are not its channel's or that could not pick it, of SKUs that are not
    released, or beyond its channel's share; from a sale's allotment only where it is of that sale.

    Args:
        tx: the transaction; the taker's own holds are locked in it.
        taker: who wants the units.
        wanted: SKU -> units.
        draw: the number that draws one partition of each spread; None to look at all.
        own_holds: open holds whose units are the taker's already.

    Raises:
        SawTooLittle: partitions were drawn, and that was not enough to decide.
    """
    own = Counter[Key]()
    for hold in own_holds:
        for item in hold.items:
            own[Key(item.sku, item.warehouse, item.partition)] += item.quantity
    supplies, skus = stock.lock_supply(
        tx, {*wanted, *(key.sku for key in own)}, sale=taker.sale, draw=draw, own=own
    )
    levels = tuple(supply.level for supply in supplies)
    if draw is not None and _saw_too_little(taker, wanted, levels, own):
        raise SawTooLittle
    units = Counter[tuple[str, str]]()
    for level in levels:
        may = may_take(taker, skus[level.sku].released_at, level, tx.now)
        units[level.key[:2]] += level.available + own[level.key] if may else 0
    for place, room in shares(tx, taker, levels, own_holds).items():
        of_own = sum(n for key, n in own.items() if key[:2] == place)
        units[place] = min(units[place], room + of_own)
    places = {supply.level.warehouse: supply.location for supply in supplies}
    origins = {supply.level.warehouse: supply.origin for supply in supplies}
    return OwnSupply(levels, own, units, places, origins, skus, own_holds)


def _saw_too_little(
    taker: Taker, wanted: Mapping[str, int], levels: Iterable[Level], own: Mapping[Key, int]
) -> bool:
    """Whether a drawn partition lacks what is wanted, or a share of the whole is to be found."""
    return any(
        level.spread > 1
        and (
            level.available + own.get(level.key, 0) < wanted.get(level.sku, 0)
            or _is_shared(taker, level.warehouse)
        )
        for level in levels
    )


def shares(
    tx: Transaction, taker: Taker, levels: Iterable[Level], own_holds: Iterable[Hold] = ()
) -> dict[tuple[str, str], int]:
    """(SKU, warehouse) -> units that the taker's channel may be promised beyond what it has been.

    Only where it may sell less than everything; `levels` are all partitions there, locked.
    """
    if taker.scope is None or taker.channel is None:
        return {}
    on_hand = Counter[tuple[str, str]]()
    for level in levels:
        if _is_shared(taker, level.warehouse):
            on_hand[level.key[:2]] += level.on_hand
    if not on_hand:
        return {}
    promised = promised_to_channel(tx, taker.channel, {sku for sku, _ in on_hand})
    for hold in own_holds:
        if hold.channel == taker.channel:
            for item in hold.items:
                promised[item.sku, item.warehouse] -= item.quantity
    return {
        place: max(0, units * taker.scope[place[1]] // WHOLE_PERCENT - promised[place])
        for place, units in on_hand.items()
    }


def may_take(taker: Taker, released_at: datetime | None, level: Level, now: datetime) -> bool:
    """Whether units of this balance may go to the taker at all.

    Of one that is shut nothing can be promised, but what is held for the taker stays its own.
    """
    return (
        not level.is_broken
        and level.allotment in {None, taker.sale}
        and (released_at is None or released_at <= now)
        and (taker.scope is None or level.warehouse in taker.scope)
        and (level.sku, level.warehouse) not in taker.excluded
    )


def _is_shared(taker: Taker, warehouse: str) -> bool:
    """Whether its channel may sell a part only of what lies there."""
    return taker.scope is not None and taker.scope.get(warehouse, WHOLE_PERCENT) < WHOLE_PERCENT
