"""What an order or a cart may take from the stock, and from which partitions it does."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

from shared.holds.types import HeldUnits, Hold, HoldState, Purpose
from shared.kit.geo import Point, PostalPlace
from shared.kit.ids import new_id
from shared.ops.channel_promises import promised_to_channel
from shared.platform.db import Transaction
from shared.stock import store as stock
from shared.stock.types import Change, Key, Level, Sku, Supply

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


class OwnSupply(NamedTuple):
    """Locked balances as one taker may use them.

    `units` is (SKU, warehouse) -> units it may take; `places` and `origins` are where each
    warehouse is.
    """

    levels: tuple[Level, ...]
    own: Mapping[Key, int]  # what the taker's own holds keep for it there
    units: Mapping[tuple[str, str], int]
    places: Mapping[str, Point]
    origins: Mapping[str, PostalPlace]
    skus: Mapping[str, Sku]
    holds: tuple[Hold, ...]
    saw_all: bool = True  # False: of places that have next to nothing only one row was looked at

    def take(self, sku: str, warehouse: str, quantity: int) -> Iterator[tuple[Key, int]]:
        """Take from the partitions: what is held for it, then its sale's, then the fullest.

        Raises:
            ValueError: there is less; whoever decided has not looked at `units`.
        """
        usable = [
            (-self.own.get(level.key, 0), level.allotment is None, -level.available, level.key)
            for level in self.levels
            if level.sku == sku and level.warehouse == warehouse and not level.is_broken
        ]
        usable.sort()
        for own, _, available, key in usable:
            taken = min(-own - available, quantity)
            if taken:
                yield key, taken
                quantity -= taken
        if quantity:
            raise ValueError(f"{quantity} more of {sku} than there are in {warehouse}")

    def changes(self, taken: Mapping[Key, int]) -> list[Change]:
        """What reserving `taken` does to the balances. What its holds keep beyond it stays held."""
        reserved = [Change(key, reserved=units) for key, units in taken.items()]
        used = ((key, min(units, taken.get(key, 0))) for key, units in self.own.items())
        return reserved + [Change(key, held=-units) for key, units in used]

    def left_of_holds(
        self, taken: Mapping[Key, int], order_id: str, now: datetime, still: Mapping[str, int]
    ) -> list[Hold]:
        """Holds of what the order's own kept beyond what was taken; where there is any.

        What it had in parcels and still wants stays its own; `still` is by SKU. The others go to
        one that has ended. Who places orders has not locked all that is needed to share it out
        among those who wait: it is given back like every hold that has ended, and until then nobody
        can take it.
        """
        if not self.own:
            return []
        unmet, stays, ends = Counter(still), list[HeldUnits](), list[HeldUnits]()
        for key, units in sorted(self.own.items()):
            beyond = units - min(units, taken.get(key, 0))
            kept = min(beyond, self._had(key), unmet[key.sku])
            unmet[key.sku] -= kept
            stays += [HeldUnits(*key, kept)] if kept else []
            ends += [HeldUnits(*key, beyond - kept)] if beyond > kept else []
        left = [(Purpose.ORDER, stays, None, order_id), (Purpose.CART, ends, now, None)]
        return [
            Hold(
                hold_id=new_id("hld"),
                purpose=purpose,
                reference=order_id,
                channel=self.holds[0].channel,
                sale=self.holds[0].sale,
                state=HoldState.OPEN,
                created_at=now,
                expires_at=ends_at,
                release_at=ends_at,
                items=tuple(items),
                for_order=owner,
            )
            for purpose, items, ends_at, owner in left
            if items
        ]

    def _had(self, key: Key) -> int:
        """Units there that the order had in a parcel."""
        return sum(
            item.quantity
            for hold in self.holds
            if hold.purpose is Purpose.ORDER
            for item in hold.items
            if (item.sku, item.warehouse, item.partition) == key
        )


class Shelves:
    """Locked balances from which takers are served one after the other.

    What one of them takes the next no longer finds, though nothing is written before the end.
    """

    def __init__(self, supply: Supply, *, drawn: bool) -> None:
        self.skus = supply.skus
        self._drawn = drawn
        self._levels: dict[str, dict[Key, Level]] = defaultdict(dict)  # by SKU
        self._places = supply.places
        self._origins = supply.origins
        self._promised: dict[str, Counter[tuple[str, str]]] = {}  # by channel
        for level in supply.levels:
            self._levels[level.sku][level.key] = level

    def supply(
        self,
        tx: Transaction,
        taker: Taker,
        wanted: Mapping[str, int],
        own_holds: tuple[Hold, ...] = (),
    ) -> OwnSupply:
        """What the taker may have of what it wants.

        Nothing from places that are not its channel's or that could not pick it, of SKUs that are
        not released, or beyond its channel's share; from a sale's allotment only where it is of
        that sale.

        Raises:
            SawTooLittle: partitions were drawn, and that was not enough to decide.
        """
        own = Counter[Key]()
        for hold in own_holds:
            for item in hold.items:
                own[Key(item.sku, item.warehouse, item.partition)] += item.quantity
        found = {
            key: level
            for sku in sorted({*wanted, *(key.sku for key in own)})
            for key, level in self._levels[sku].items()
        }
        levels = tuple(found.values())
        # A row that is fenced off has nothing for the taker, but the others of its place may.
        usable = {
            key: 0 if level.is_broken else level.available + own.get(key, 0)
            for key, level in found.items()
            if may_take(taker, self.skus[level.sku].released_at, level.unfenced, tx.now)
        }
        if self._drawn and _saw_too_little(taker, wanted, levels, usable):
            raise SawTooLittle
        units: dict[tuple[str, str], int] = {}
        for key, level in found.items():
            place = (level.sku, level.warehouse)
            units[place] = units.get(place, 0) + usable.get(key, 0)
        room = shares(taker, levels, lambda: self._promised_to(tx, taker.channel), own_holds)
        for place, most in room.items():
            of_own = sum(n for key, n in own.items() if key[:2] == place)
            units[place] = min(units[place], max(most, of_own))
        saw_all = not self._drawn or all(
            level.spread == 1 or usable.get(level.key, most) >= most
            for level in levels
            for most in [wanted.get(level.sku, 0)]
        )
        return OwnSupply(
            levels, own, units, self._places, self._origins, self.skus, own_holds, saw_all
        )

    def book(
        self,
        channel: str | None,
        supply: OwnSupply,
        changes: Iterable[Change],
        left_holds: Iterable[Hold] = (),
    ) -> None:
        """The taker has taken: what is left is for those after it.

        What its holds kept beyond that stays promised to their channel, by the holds that are left.
        """
        for change in changes:
            level = self._levels[change.key.sku][change.key]
            self._levels[change.key.sku][change.key] = level.after(change)
            if change.reserved and channel in self._promised:
                self._promised[channel][change.key[:2]] += change.reserved
        for holds, sign in ((supply.holds, -1), (left_holds, 1)):
            for hold in holds:
                if hold.channel in self._promised:
                    for item in hold.items:
                        place = item.sku, item.warehouse
                        self._promised[hold.channel][place] += sign * item.quantity

    def _promised_to(self, tx: Transaction, channel: str | None) -> Counter[tuple[str, str]]:
        if channel is None:
            return Counter()
        if channel not in self._promised:
            self._promised[channel] = promised_to_channel(tx, channel, self.skus)
        return self._promised[channel]


def lock_shelves(
    tx: Transaction,
    takers: Collection[Taker],
    skus: Collection[str],
    *,
    draw: int | None,
    own_holds: Iterable[Hold] = (),
) -> Shelves:
    """Lock what may serve these takers.

    Args:
        tx: the transaction; the takers' own holds are locked in it.
        takers: who wants units.
        skus: all that they want.
        draw: the number that draws one partition of each spread; None to look at all.
        own_holds: open holds whose units are the takers' already.
    """
    own = {
        Key(item.sku, item.warehouse, item.partition) for hold in own_holds for item in hold.items
    }
    supply = stock.lock_supply(
        tx,
        {*skus, *(key.sku for key in own)},
        sales={taker.sale for taker in takers if taker.sale is not None},
        draw=draw,
        own=own,
    )
    return Shelves(supply, drawn=draw is not None)


def _saw_too_little(
    taker: Taker, wanted: Mapping[str, int], levels: Iterable[Level], usable: Mapping[Key, int]
) -> bool:
    """Whether a drawn partition lacks what is wanted, or a share of the whole is to be found.

    Units are dealt evenly. Where a row has so few that all rows of its place have too few, and
    another place has enough, that is no reason to look: a place that has run out would make all
    orders wait for one another.
    """
    enough = {key.sku for key, units in usable.items() if units >= wanted.get(key.sku, 0)}
    for level in levels:
        if level.spread > 1 and level.key in usable:
            units, most = usable[level.key], wanted.get(level.sku, 0)
            could_serve = level.sku not in enough or units * level.spread >= most
            if _is_shared(taker, level.warehouse) or (units < most and could_serve):
                return True
    return False


def shares(
    taker: Taker,
    levels: Iterable[Level],
    promised_to_channel: Callable[[], Mapping[tuple[str, str], int]],
    own_holds: Iterable[Hold] = (),
) -> dict[tuple[str, str], int]:
    """(SKU, warehouse) -> units that the taker's channel may be promised beyond what it has been.

    Only where it may sell less than everything; `levels` are all partitions there, locked. What
    another sale has to itself is not shared. `promised_to_channel` is asked only where it matters.
    """
    if taker.scope is None or taker.channel is None:
        return {}
    on_hand = Counter[tuple[str, str]]()
    for level in levels:
        if _is_shared(taker, level.warehouse) and level.allotment in {None, taker.sale}:
            on_hand[level.key[:2]] += level.shared
    if not on_hand:
        return {}
    own = Counter[tuple[str, str]]()
    for hold in own_holds:
        if hold.channel == taker.channel:
            for item in hold.items:
                own[item.sku, item.warehouse] += item.quantity
    promised = promised_to_channel()
    return {
        place: max(
            0,
            units * taker.scope[place[1]] // WHOLE_PERCENT - (promised.get(place, 0) - own[place]),
        )
        for place, units in on_hand.items()
    }


def may_take(taker: Taker, released_at: datetime | None, level: Level, now: datetime) -> bool:
    """Whether units of this balance may go to the taker at all.

    Of one that is shut nothing can be promised, but what is held for the taker stays its own.
    """
    return (
        not level.is_broken
        and (level.allotment is None or level.allotment == taker.sale)
        and (released_at is None or released_at <= now)
        and (taker.scope is None or level.warehouse in taker.scope)
        and (level.sku, level.warehouse) not in taker.excluded
    )


def _is_shared(taker: Taker, warehouse: str) -> bool:
    """Whether its channel may sell a part only of what lies there."""
    return taker.scope is not None and taker.scope.get(warehouse, WHOLE_PERCENT) < WHOLE_PERCENT
