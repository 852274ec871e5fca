"""A warehouse will not send a parcel: the order is placed anew, without it where it failed."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.contracts.orders import OrderChanged, OrderClosed
from shared.flows.following import following
from shared.flows.reported_parcel import ReportedParcel
from shared.flows.unplace import take_back
from shared.orders import order_lines
from shared.orders import store as orders
from shared.orders.lifecycle import FINAL, LIFECYCLE, OrderStep
from shared.orders.types import Line, Move, Order, PartlyPicked, Split
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.shipments.types import Content, ParcelState
from shared.stock.types import Movement


@dataclass(frozen=True, slots=True)
class Refusal:
    """For which SKUs the warehouse is not asked again, why, and what has left on-hand with it."""

    skus: Sequence[str]
    reason: str
    lost: Sequence[Movement] = ()


def place_elsewhere(
    tx: Transaction, reported: ReportedParcel, contents: Iterable[Content], refusal: Refusal
) -> None:
    """Cancel the order's parcels and let it be placed anew.

    Where other parcels of it are picked already, these go their way, and only what was in this one
    is placed anew. An order that its customer has cancelled meanwhile is closed instead, or goes on
    without the parcel.

    Raises:
        PartlyPicked: a kit of it lies in a picked parcel in part, so that a person has to decide.
        LabelBeingBought: whether there is a label to void shows in a moment.
    """
    order, parcel = reported.order, reported.parcel
    if not any(sibling.is_picked for sibling in reported.siblings):
        take_back(tx, order, [parcel, *reported.siblings], refusal.lost, actor=parcel.warehouse)
        if order.return_wanted_at is not None:
            _close(tx, order)
        else:
            _place_anew(tx, order, parcel.warehouse, refusal)
        return
    taken = _taken_out(order, order_lines.of_order(tx, order.order_id), contents)
    take_back(tx, order, [parcel], refusal.lost, actor=parcel.warehouse)
    if order.return_wanted_at is not None:
        _leave_out(tx, order, taken, [sibling.state for sibling in reported.siblings])
    else:
        _place_part_anew(tx, order, parcel.warehouse, refusal, taken)


def _place_anew(tx: Transaction, order: Order, warehouse: str, refusal: Refusal) -> None:
    state = LIFECYCLE.advance(order.state, OrderStep.UNPLACE)
    tx.write(
        orders.move(tx, Move(order, state, refusal.reason)),
        *order_lines.move_all(order, "waiting"),
        orders.exclude(tx, order.order_id, refusal.skus, warehouse, refusal.reason),
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
    refusal: Refusal,
    taken: Iterable[tuple[Line, int]],
) -> None:
    state = LIFECYCLE.advance(order.state, OrderStep.UNPLACE_PART)
    tx.write(
        orders.move(tx, Move(order, state, refusal.reason)),
        order_lines.split([_split(order, line, -units, 0) for line, units in taken]),
        orders.exclude(tx, order.order_id, refusal.skus, warehouse, refusal.reason),
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
