"""A warehouse will not send a parcel: the order is placed anew, without it where it failed."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

from shared.contracts.order_facts import OrderChanged, OrderClosed
from shared.flows.left_out import leave_out, taken_out, without
from shared.flows.reported_parcel import ReportedParcel
from shared.flows.unplace import NOTHING, Keeping, take_back
from shared.orders import order_lines
from shared.orders import store as orders
from shared.orders.lifecycle import LIFECYCLE, OrderStep
from shared.orders.types import Line, Move, Order, OrderState, PartlyPicked
from shared.platform import outbox
from shared.platform.db import Transaction, Write
from shared.shipments.types import Content
from shared.stock.types import Movement


class Refusal(NamedTuple):
    """For which SKUs the warehouse is not asked again, why, and what has left on-hand with it."""

    skus: Sequence[str]
    reason: str
    lost: Sequence[Movement] = ()


def place_elsewhere(
    tx: Transaction, reported: ReportedParcel, contents: Iterable[Content], refusal: Refusal
) -> None:
    """Cancel the order's parcels and let it be placed anew.

    The order keeps the units that it had until it is placed, but those that the warehouse refused.
    Where other parcels of it are picked already, these go their way, and only what was in this one
    is placed anew. An order that its customer has cancelled meanwhile is closed instead, or goes on
    without the parcel.

    Raises:
        PartlyPicked: a kit of it lies in a picked parcel in part, so that a person has to decide.
        LabelBeingBought: whether there is a label to void shows in a moment.
    """
    order, parcel = reported.order, reported.parcel
    lines = order_lines.of_order(tx, order.order_id)
    is_wanted = order.return_wanted_at is None
    refused = {(sku, parcel.warehouse) for sku in refusal.skus}
    take = partial(
        take_back,
        tx,
        order,
        keeping=Keeping(refused=refused) if is_wanted else NOTHING,
        lost=refusal.lost,
        actor=parcel.warehouse,
    )
    is_picked = any(sibling.is_picked for sibling in reported.siblings)
    concerned = [parcel] if is_picked else [parcel, *reported.siblings]
    taken = _taken_out(order, lines, contents) if is_picked else []
    if is_wanted:
        moved = _part_anew(order, taken) if is_picked else _all_anew(order, lines)
        take(
            concerned,
            orders.move(tx, Move(order, moved.state, refusal.reason)),
            moved.lines,
            orders.exclude(tx, order.order_id, refusal.skus, parcel.warehouse, refusal.reason),
        )
        tx.write(
            outbox.put(
                tx,
                OrderChanged(
                    order_id=order.order_id, priority=order.priority, revision=order.revision
                ),
            )
        )
    elif is_picked:
        take(concerned)
        leave_out(tx, order, taken, [sibling.state for sibling in reported.siblings])
    else:
        take(concerned)
        _close(tx, order)


class _Moved(NamedTuple):
    """Where an order stands once what was in some parcels is to be placed anew."""

    state: OrderState
    lines: Write


def _all_anew(order: Order, lines: Iterable[Line]) -> _Moved:
    waits = any(line.backordered for line in lines)
    step = OrderStep.KEEP_WAITING if waits else OrderStep.UNPLACE
    return _Moved(LIFECYCLE.advance(order.state, step), order_lines.unplace(order.order_id))


def _part_anew(order: Order, taken: Iterable[tuple[Line, int]]) -> _Moved:
    return _Moved(
        LIFECYCLE.advance(order.state, OrderStep.UNPLACE_PART),
        order_lines.split([without(order, line, units) for line, units in taken]),
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
    taken, torn = taken_out(lines, contents)
    for line in torn:
        raise PartlyPicked(
            f"parcel_id: a part of kit {line.sku} (line {line.line_no}) is picked already, so"
            " it cannot be placed anew; find the missing units or have them brought, or settle"
            " with the customer by hand",
            field="parcel_id",
            order_id=order.order_id,
        )
    return taken
