"""Holds end: their units go to those who wait for them, and what is left to open sale."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from shared.flows.stocked import told
from shared.flows.waitlist import share_out
from shared.holds import store as holds
from shared.holds.types import Hold, HoldState, Purpose
from shared.kit.ids import new_id
from shared.platform.db import Transaction
from shared.stock import store as stock
from shared.stock.types import Change, Key, together


def give_back(
    tx: Transaction, ended: Sequence[Hold], state: HoldState, left: Sequence[Hold] = ()
) -> None:
    """End open holds, which are locked, and give their units back, all in one transaction.

    But for those of the holds that are `left` in their place.
    """
    if not ended:
        return
    changes = together([*_held(ended, -1), *_held(left, 1)])
    locked = stock.lock(tx, {change.key[:2] for change in changes})
    freed = locked.fitting(changes)
    tx.write(
        holds.close(tx, [hold.hold_id for hold in ended], state),
        *(holds.insert(*left) if left else ()),
        stock.change(freed),
        told(tx, [change.key for change in freed]),
    )
    share_out(tx, locked, locked.after(freed))


def cut_back(
    tx: Transaction, own: Sequence[Hold], *, wants: Mapping[str, int], keeps: Mapping[str, int]
) -> None:
    """An order's holds, which are locked, keep no more of a SKU than is wanted of it.

    What it had in parcels stays first, as far as it `keeps` that: the others end by themselves.
    """
    unmet, lasting = Counter(wants), Counter(keeps)
    ended, left = [], []
    for hold in sorted(own, key=lambda hold: hold.purpose is not Purpose.ORDER):
        items = []
        for item in hold.items:
            units = min(item.quantity, unmet[item.sku])
            if hold.purpose is Purpose.ORDER:
                units = min(units, lasting[item.sku])
                lasting[item.sku] -= units
            unmet[item.sku] -= units
            if units:
                items.append(item._replace(quantity=units))
        if tuple(items) != hold.items:
            ended.append(hold)
            if items:
                left.append(hold._replace(hold_id=new_id("hld"), items=tuple(items)))
    give_back(tx, ended, HoldState.RELEASED, left)


def _held(holds: Iterable[Hold], sign: int) -> list[Change]:
    return [
        Change(Key(item.sku, item.warehouse, item.partition), held=sign * item.quantity)
        for hold in holds
        for item in hold.items
    ]
