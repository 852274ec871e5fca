"""What one order may take from the stock, and from which partitions it takes what was decided."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from zlib import crc32

from shared.holds import store as holds
from shared.holds.types import Hold, HoldState
from shared.kit.geo import Point
from shared.ops.channel_promises import promised_to_channel
from shared.orders.types import Order
from shared.platform.db import Transaction
from shared.stock import store as stock
from shared.stock.types import Change, Key, Level, Sku

WHOLE_PERCENT = 100


class SawTooLittle(Exception):
    """The partitions that were drawn have less than is wanted: look at all of them, in order.

    To lock more while these are locked could end in a circle, so the step begins anew.
    """


@dataclass(frozen=True, slots=True)
class OwnSupply:
    """Locked balances as one order may use them.

    `units` is (SKU, warehouse) -> units it may take; `places` where each warehouse is.
    """

    levels: tuple[Level, ...]
    own: Mapping[Key, int]  # what the order's own hold keeps for it there
    units: Mapping[tuple[str, str], int]
    places: Mapping[str, Point]
    skus: Mapping[str, Sku]
    hold: Hold | None

    def take(self, sku: str, warehouse: str, quantity: int) -> Iterator[tuple[Key, int]]:
        """Take from the partitions: what is held for the order, then its sale's, then the fullest.

        Raises:
            ValueError: there is less; whoever decided has not looked at `units`.
        """
        usable = [
            (-self.own.get(level.key, 0), level.allotment is None, -level.available, level.key)
            for level in self.levels
            if level.key[:2] == (sku, warehouse) and not level.fenced_for
        ]
        for own, _, available, key in sorted(usable):
            taken = min(-own - available, quantity)
            if taken:
                yield key, taken
                quantity -= taken
        if quantity:
            raise ValueError(f"{quantity} more of {sku} than there are in {warehouse}")

    def changes(self, taken: Iterable[tuple[Key, int]]) -> list[Change]:
        """What reserving `taken` does to the balances; the order's hold ends with it."""
        reserved = [Change(key, reserved=units) for key, units in taken]
        return reserved + [Change(key, held=-units) for key, units in self.own.items()]

    def left_of_hold(self, taken: Mapping[Key, int]) -> dict[str, dict[str, int]]:
        """Warehouse -> SKU -> available-to-promise, where the hold kept more than was taken."""
        left: dict[str, dict[str, int]] = defaultdict(dict)
        by_key = {level.key: level for level in self.levels}
        for key, units in self.own.items():
            if units > taken.get(key, 0):
                after = by_key[key].after(Change(key, reserved=taken.get(key, 0), held=-units))
                left[key.warehouse][key.sku] = after.available
        return left


def lock_supply(
    tx: Transaction, order: Order, wanted: Mapping[str, int], *, all_partitions: bool
) -> OwnSupply:
    """Lock what may serve an order that wants these units, and work out what it may take.

    Nothing from places that are not its channel's or that could not pick it, of SKUs that are not
    released, or beyond its channel's share; from a sale's allotment only where it is of that sale.
    What its own hold keeps is its to take.

    Raises:
        SawTooLittle: partitions were drawn, and one of them has less than is wanted.
    """
    hold = holds.lock(tx, order.hold_id) if order.hold_id else None
    own: dict[Key, int] = {}
    if hold is not None and hold.state is HoldState.OPEN:
        own = {Key(item.sku, item.warehouse, item.partition): item.quantity for item in hold.items}
    supplies, skus = stock.lock_supply(
        tx,
        {*wanted, *(key.sku for key in own)},
        sale=order.sale,
        draw=None if all_partitions else crc32(order.order_id.encode()),
        own=own,
    )
    levels = tuple(supply.level for supply in supplies)
    places = {supply.level.warehouse: supply.location for supply in supplies}
    units = _units(tx, order, levels, own, skus)
    if not all_partitions:
        for level in levels:
            usable = level.available + own.get(level.key, 0)
            if level.spread > 1 and usable < wanted.get(level.sku, 0):
                raise SawTooLittle
    return OwnSupply(levels, own, units, places, skus, hold if own else None)


def _units(
    tx: Transaction,
    order: Order,
    levels: tuple[Level, ...],
    own: Mapping[Key, int],
    skus: Mapping[str, Sku],
) -> dict[tuple[str, str], int]:
    units = Counter[tuple[str, str]]()
    on_hand = Counter[tuple[str, str]]()
    for level in levels:
        place = (level.sku, level.warehouse)
        may = _may_take(order, skus[level.sku], level, tx.now)
        units[place] += level.available + own.get(level.key, 0) if may else 0
        on_hand[place] += level.on_hand
    shares = {
        place: order.scope[place[1]]
        for place in units
        if order.scope is not None and order.scope.get(place[1], WHOLE_PERCENT) < WHOLE_PERCENT
    }
    if shares:
        promised = promised_to_channel(tx, order.channel, {sku for sku, _ in shares})
        for place, share_percent in shares.items():
            share = on_hand[place] * share_percent // WHOLE_PERCENT
            units[place] = max(0, min(units[place], share - promised.get(place, 0)))
    return units


def _may_take(order: Order, sku: Sku, level: Level, now: datetime) -> bool:
    return (
        level.fenced_for is None
        and (sku.released_at is None or sku.released_at <= now)
        and (order.scope is None or level.warehouse in order.scope)
        and (level.sku, level.warehouse) not in order.excluded
    )
