"""Take back what was decided for an order, as long as nothing of it was picked."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from shared.carriers import store as labels
from shared.contracts.parcels import ParcelCancelled
from shared.contracts.work import VoidLabel
from shared.flows.booking import as_of
from shared.flows.waitlist import share_out
from shared.holds import store as holds
from shared.holds.types import HeldUnits, Hold, HoldState, Purpose
from shared.kit.ids import new_id
from shared.orders import backorder_caps
from shared.orders.types import WAITS_FOR_STOCK, Order, TooLateToChange
from shared.platform import outbox
from shared.platform.db import Transaction, Write
from shared.shipments import site_days
from shared.shipments import store as shipments
from shared.shipments.types import Content, LabelBeingBought, Parcel, ParcelState
from shared.stock import store as stock
from shared.stock.types import Change, Key, Movement, together

_PERHAPS_LABELLED = frozenset({ParcelState.LABELLING, ParcelState.LABELLED})


class Keeping(NamedTuple):
    """What the order keeps of what was in its parcels, because it is to be placed anew.

    Attributes:
        wanted: SKU -> how many units it still wants at most; None: all.
        refused: the (SKU, warehouse) that it may not have any more.
    """

    wanted: Mapping[str, int] | None = None
    refused: Collection[tuple[str, str]] = ()


ALL = Keeping()
NOTHING = Keeping(wanted={})


def unplace(tx: Transaction, order: Order, *also: Write) -> None:
    """Cancel the order's parcels and keep their units for it. The order is locked.

    `also` is what is written with that.

    Raises:
        TooLateToChange: one of them is picked.
        LabelBeingBought: whether there is a label to void shows in a moment.
    """
    parcels = shipments.lock_of_order(tx, order.order_id)
    for parcel in parcels:
        if parcel.is_picked:
            raise TooLateToChange(
                f"order_id: parcel {parcel.parcel_id} is picked already; cancel the order to have"
                " it sent back, or submit another one",
                field="order_id",
                order_id=order.order_id,
                parcel_id=parcel.parcel_id,
            )
    take_back(tx, order, parcels, *also, keeping=ALL)


def take_back(
    tx: Transaction,
    order: Order,
    parcels: Iterable[Parcel],
    *also: Write,
    keeping: Keeping,
    lost: Sequence[Movement] = (),
    actor: str = "",
) -> Counter[str]:
    """Cancel these parcels, void their labels, and give back their units, but those that are lost.

    What the order keeps is held for it, without an end: until it is placed, or no longer wants
    them. The others go to who waits for them, and then to open sale.

    Args:
        tx: the transaction, in which the order, its parcels and its holds are locked.
        order: as it was until now.
        parcels: those of it; the cancelled among them stay as they are.
        also: what is written in the same statement, once the stock and the caps are locked.
        keeping: what the order keeps.
        lost: movements of units that were in them and are not there.
        actor: who found that out.

    Returns:
        SKU -> units that the order keeps.

    Raises:
        LabelBeingBought: whether there is a label to void shows in a moment.
    """
    parcels = [parcel for parcel in parcels if parcel.state is not ParcelState.CANCELLED]
    if not parcels:
        _lock_caps(tx, order)
        tx.write(*also)
        return Counter()
    parcel_ids = [parcel.parcel_id for parcel in parcels]
    to_void = [parcel for parcel in parcels if parcel.state in _PERHAPS_LABELLED]
    if to_void:
        _refuse_while_bought(tx, order, [parcel.parcel_id for parcel in to_void])
    days = [(parcel.warehouse, parcel.ship_on) for parcel in parcels if parcel.ship_on]
    contents = shipments.contents(tx, parcel_ids)
    given_back = released(parcels, contents)
    locked = stock.lock(tx, {change.key[:2] for change in given_back})
    _lock_caps(tx, order)
    kept = _kept(given_back, keeping)
    movements, gone = as_of(locked, lost)
    held = [Change(key, held=units) for key, units in kept.items()]
    changes = locked.fitting([*given_back, *held, *gone])
    tx.write(
        *also,
        shipments.cancel(tx, parcel_ids),
        *([stock.change(changes)] if changes else []),
        *(holds.insert(_hold(tx, order, kept)) if kept else ()),
        *([stock.record(tx, movements, actor)] if movements else []),
        *([labels.request_void([parcel.parcel_id for parcel in to_void])] if to_void else []),
        *([site_days.give_back(days)] if days else []),
        outbox.put(
            tx,
            *(
                ParcelCancelled(parcel_id=parcel_id, order_id=order.order_id)
                for parcel_id in parcel_ids
            ),
            *(VoidLabel(parcel_id=parcel.parcel_id, carrier=parcel.carrier) for parcel in to_void),
        ),
    )
    share_out(tx, locked, locked.after(changes))
    units = Counter[str]()
    for key, n in kept.items():
        units[key.sku] += n
    return units


def released(
    parcels: Iterable[Parcel], contents: Mapping[str, Iterable[Content]]
) -> tuple[Change, ...]:
    """What giving back all that is in these parcels does to the balances."""
    return together(
        Change(Key(item.sku, parcel.warehouse, item.partition), reserved=-item.quantity)
        for parcel in parcels
        for item in contents[parcel.parcel_id]
    )


def _kept(given_back: Iterable[Change], keeping: Keeping) -> dict[Key, int]:
    """What of it the order keeps; where it wants less, from where it had most, to go together."""
    left = None if keeping.wanted is None else Counter(keeping.wanted)
    kept: dict[Key, int] = {}
    for change in sorted(given_back, key=lambda change: (change.reserved, change.key)):
        units = -change.reserved
        if left is not None:
            units = min(units, left[change.key.sku])
            left[change.key.sku] -= units
        if units and change.key[:2] not in keeping.refused:
            kept[change.key] = units
    return kept


def _hold(tx: Transaction, order: Order, kept: Mapping[Key, int]) -> Hold:
    return Hold(
        hold_id=new_id("hld"),
        purpose=Purpose.ORDER,
        reference=order.order_id,
        channel=order.channel,
        sale=order.sale,
        state=HoldState.OPEN,
        created_at=tx.now,
        expires_at=None,
        release_at=None,
        items=tuple([HeldUnits(*key, units) for key, units in sorted(kept.items())]),
        for_order=order.order_id,
    )


def _lock_caps(tx: Transaction, order: Order) -> None:
    if order.state in WAITS_FOR_STOCK:  # some of it, and perhaps not for long any more
        backorder_caps.lock_of_order(tx, order.order_id)


def _refuse_while_bought(tx: Transaction, order: Order, parcel_ids: Collection[str]) -> None:
    for parcel_id in sorted(labels.being_bought(tx, parcel_ids)):
        raise LabelBeingBought(
            f"order_id: the label of parcel {parcel_id} is being bought; ask again shortly",
            field="order_id",
            order_id=order.order_id,
            parcel_id=parcel_id,
        )
