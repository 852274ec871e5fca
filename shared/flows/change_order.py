"""A channel changed an order's lines: what is wanted no more is given back, the rest is kept."""

from collections import Counter
from collections.abc import Mapping, Sequence

from shared.contracts.order_facts import OrderChanged, OrderClosed
from shared.contracts.orders import OrderAmended
from shared.flows.cancel_rest import lock_what_it_leaves
from shared.flows.checked_lines import checked_lines
from shared.flows.early_changes import locked_or_remembered
from shared.flows.following import following
from shared.flows.give_back import cut_back
from shared.flows.relaid import Relaid, relaid
from shared.flows.unplace import Keeping, take_back
from shared.orders import backorder_caps, order_lines
from shared.orders import store as orders
from shared.orders.lifecycle import FINAL, LIFECYCLE, OrderStep
from shared.orders.types import Line, Move, Order, OrderState, TooLateToChange
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.shipments import store as shipments
from shared.shipments.types import ParcelState


def change_order(tx: Transaction, event: OrderAmended) -> None:
    """Replace the order's lines; a revision that is not newer than the known one is ignored.

    A change that comes before its order is kept until the order comes.

    Raises:
        UnknownSku: a line names something that the catalogue does not have.
        TooLateToChange: names each line that would lose units of a picked parcel.
        LabelBeingBought: whether there is a label to void shows in a moment.
        IllegalTransition: the order is shipped or closed.
    """
    lines = checked_lines(tx, event.order_id, event.lines)
    order = locked_or_remembered(tx, event)
    if order is None or event.revision <= order.revision:
        return
    lay_lines(tx, order, lines, event.revision)


def lay_lines(tx: Transaction, order: Order, lines: Sequence[Line], revision: int) -> None:
    """Replace the lines of a locked order; what is in none of its parcels then is to be placed.

    What the order has and still wants stays its own: in its parcels, or held for it until it is
    placed anew. So does its place among those who wait. What it wants no more is given back.

    Raises:
        TooLateToChange, LabelBeingBought, IllegalTransition: as for `change_order`.
    """
    _refuse_closed(order)
    parcels = shipments.lock_of_order(tx, order.order_id)
    live = [p.parcel_id for p in parcels if p.state is not ParcelState.CANCELLED]
    contents = shipments.contents(tx, live) if live else {}
    before = order_lines.of_order(tx, order.order_id)
    made = relaid(before, lines, parcels, contents)
    taken = [parcel for parcel in parcels if parcel.parcel_id in made.taken_back]
    own = lock_what_it_leaves(tx, order, taken)
    state = _state(order, made, [p.state for p in parcels if p not in taken])
    order_lines.delete(tx, order.order_id)
    kept = take_back(
        tx,
        order,
        taken,
        orders.move(tx, Move(order, state, revision=revision)),
        order_lines.insert(order.order_id, made.lines),
        backorder_caps.change(_waits_more(before, made.lines)),
        keeping=Keeping(made.keeps),
    )
    cut_back(tx, own, wants=made.wants - kept, keeps=made.keeps - kept)
    changed = OrderChanged(order_id=order.order_id, priority=order.priority, revision=revision)
    closed = OrderClosed(order_id=order.order_id, state=state, reason="the rest is not wanted")
    tx.write(outbox.put(tx, changed, *([closed] if state in FINAL else [])))


def _refuse_closed(order: Order) -> None:
    if order.return_wanted_at is not None:
        raise TooLateToChange(
            "order_id: the order was cancelled after it was picked, and is expected back; submit"
            " another one",
            field="order_id",
            order_id=order.order_id,
        )
    if order.state in FINAL:
        LIFECYCLE.advance(order.state, OrderStep.UNPLACE)


def _state(order: Order, made: Relaid, siblings: Sequence[ParcelState]) -> OrderState:
    """Where the order stands with its new lines, and with the parcels that it keeps."""
    if not made.is_sent:
        step = OrderStep.KEEP_WAITING if made.waits else OrderStep.UNPLACE
        return LIFECYCLE.advance(order.state, step)
    if made.is_open:
        return LIFECYCLE.advance(order.state, OrderStep.UNPLACE_PART)
    if order.state is OrderState.PARTLY_PLACED:
        return following(LIFECYCLE.advance(order.state, OrderStep.GIVE_UP_REST), siblings)
    return following(order.state, siblings)


def _waits_more(before: Sequence[Line], after: Sequence[Line]) -> Mapping[str, int]:
    """SKU -> how many more of its units wait for stock; fewer: below zero."""
    more = Counter[str]()
    for line in after:
        more[line.sku] += line.backordered
    for line in before:
        more[line.sku] -= line.backordered
    return {sku: units for sku, units in more.items() if units}
