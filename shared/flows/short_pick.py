"""A warehouse could not pick all of a parcel: book what is missing, and place the order anew."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from shared.contracts.orders import OrderChanged, OrderClosed
from shared.contracts.stock import ParcelShortPicked
from shared.flows.following import following
from shared.flows.reported_parcel import lock_reported
from shared.flows.stocked import checked_warehouse
from shared.flows.unplace import take_back
from shared.orders import order_lines
from shared.orders import store as orders
from shared.orders.lifecycle import FINAL, LIFECYCLE, OrderStep
from shared.orders.types import Line, Move, Order, PartlyPicked, Split
from shared.platform import log, outbox
from shared.platform.db import Transaction
from shared.shipments import store as shipments
from shared.shipments.types import Content, NotInParcel, Parcel, ParcelState
from shared.stock.types import Key, Movement, MovementKind

_REASON = "short pick"
_HERE = frozenset({ParcelState.PLANNED, ParcelState.LABELLING, ParcelState.LABELLED})


def short_pick(tx: Transaction, event: ParcelShortPicked) -> None:
    """Take what is missing off on-hand, cancel the order's parcels, and let it be placed anew.

    Where other parcels of it are picked already, these go their way, and only what was in this one
    is placed anew. The warehouse is not asked again for the missing SKUs of the order. An order
    that its customer has cancelled meanwhile is closed instead, or goes on without the parcel. A
    report about a parcel that was cancelled or has left changes nothing, and so is harmless when
    it comes twice.

    Raises:
        UnknownWarehouse, UnknownSku, KitHasNoStock: names the field.
        NoSuchParcel, ParcelOfAnotherWarehouse, NotInParcel: says what to look at.
        PartlyPicked: a kit of it lies in a picked parcel in part, so that a person has to decide.
        LabelBeingBought: whether there is a label to void shows in a moment.
    """
    checked_warehouse(tx, event.warehouse, [line.sku for line in event.lines])
    reported = lock_reported(tx, event.warehouse, event.parcel_id)
    order, parcel = reported.order, reported.parcel
    contents = shipments.contents(tx, [parcel.parcel_id])[parcel.parcel_id]
    missing = _checked_missing(event, contents)
    if parcel.state not in _HERE:
        log.line(
            "parcel.short_pick_ignored",
            parcel_id=parcel.parcel_id,
            order_id=order.order_id,
            state=parcel.state,
        )
        return
    lost = list(_lost(event, parcel, contents, missing))
    skus = sorted(missing)
    if not any(sibling.is_picked for sibling in reported.siblings):
        take_back(tx, order, [parcel, *reported.siblings], lost, actor=event.warehouse)
        if order.return_wanted_at is not None:
            _close(tx, order)
        else:
            _place_anew(tx, order, event.warehouse, skus)
        return
    taken = _taken_out(order, order_lines.of_order(tx, order.order_id), contents)
    take_back(tx, order, [parcel], lost, actor=event.warehouse)
    if order.return_wanted_at is not None:
        _leave_out(tx, order, taken, [sibling.state for sibling in reported.siblings])
    else:
        _place_part_anew(tx, order, event.warehouse, skus, taken)


def _checked_missing(event: ParcelShortPicked, contents: Iterable[Content]) -> Counter[str]:
    packed = Counter[str]()
    for item in contents:
        packed[item.sku] += item.quantity
    missing = Counter[str]()
    for position, line in enumerate(event.lines):
        missing[line.sku] += line.missing
        if missing[line.sku] > packed[line.sku]:
            raise NotInParcel(
                f"lines.{position}.missing: {missing[line.sku]} of {line.sku} are missing, but"
                f" parcel {event.parcel_id} has {packed[line.sku]} of them; report what else is"
                " missing as an adjustment",
                field=f"lines.{position}.missing",
                parcel_id=event.parcel_id,
                sku=line.sku,
            )
    return missing


def _lost(
    event: ParcelShortPicked, parcel: Parcel, contents: Iterable[Content], missing: Counter[str]
) -> Iterator[Movement]:
    """What is missing, by the partition that had promised it."""
    left = missing.copy()
    lost = Counter[Key]()
    for item in contents:
        units = min(item.quantity, left[item.sku])
        left[item.sku] -= units
        lost[Key(item.sku, parcel.warehouse, item.partition)] += units
    for key, units in lost.items():
        if units:
            yield Movement(
                key, MovementKind.SHORT_PICK, -units, parcel.parcel_id, event.short_picked_at
            )


def _place_anew(tx: Transaction, order: Order, warehouse: str, skus: list[str]) -> None:
    state = LIFECYCLE.advance(order.state, OrderStep.UNPLACE)
    tx.write(
        orders.move(tx, Move(order, state, _REASON)),
        *order_lines.move_all(order, "waiting"),
        orders.exclude(tx, order.order_id, skus, warehouse, _REASON),
        outbox.put(
            tx,
            OrderChanged(order_id=order.order_id, priority=order.priority, revision=order.revision),
        ),
    )


def _close(tx: Transaction, order: Order) -> None:
    state, reason = LIFECYCLE.advance(order.state, OrderStep.CANCEL), "cancelled before it left"
    tx.write(
        orders.move(tx, Move(order, state, reason)),
        *order_lines.move_all(order, "cancelled"),
        outbox.put(tx, OrderClosed(order_id=order.order_id, state=state, reason=reason)),
    )


def _taken_out(
    order: Order, lines: Iterable[Line], contents: Iterable[Content]
) -> list[tuple[Line, int]]:
    """The lines that had units in the parcel, and how many.

    Raises:
        PartlyPicked: of a kit only a part was in the parcel.
    """
    packed = Counter[tuple[int, str]]()
    for item in contents:
        packed[item.line_no, item.sku] += item.quantity
    taken = []
    for line in lines:
        units = {divmod(packed[line.line_no, sku], each) for sku, each in line.each.items()}
        whole, torn = units.pop()
        if units or torn:
            raise PartlyPicked(
                f"parcel_id: a part of kit {line.sku} (line {line.line_no}) is picked already, so"
                " it cannot be placed anew; find the missing units or have them brought, or settle"
                " with the customer by hand",
                field="parcel_id",
                order_id=order.order_id,
            )
        if whole:
            taken.append((line, whole))
    return taken


def _place_part_anew(
    tx: Transaction,
    order: Order,
    warehouse: str,
    skus: list[str],
    taken: Iterable[tuple[Line, int]],
) -> None:
    state = LIFECYCLE.advance(order.state, OrderStep.UNPLACE_PART)
    tx.write(
        orders.move(tx, Move(order, state, _REASON)),
        order_lines.split([_split(order, line, -units, 0) for line, units in taken]),
        orders.exclude(tx, order.order_id, skus, warehouse, _REASON),
        outbox.put(
            tx,
            OrderChanged(order_id=order.order_id, priority=order.priority, revision=order.revision),
        ),
    )


def _leave_out(
    tx: Transaction,
    order: Order,
    taken: Iterable[tuple[Line, int]],
    siblings: Sequence[ParcelState],
) -> None:
    """The customer wants nothing more: what could not be picked is cancelled."""
    state = following(order.state, siblings)
    closes = state is not order.state and state in FINAL
    tx.write(
        order_lines.split([_split(order, line, -units, units) for line, units in taken]),
        *([orders.move(tx, Move(order, state))] if state is not order.state else []),
        *([outbox.put(tx, OrderClosed(order_id=order.order_id, state=state))] if closes else []),
    )


def _split(order: Order, line: Line, allocated: int, cancelled: int) -> Split:
    return Split(
        order.order_id,
        line.line_no,
        line.allocated + allocated,
        line.backordered,
        line.cancelled + cancelled,
    )
