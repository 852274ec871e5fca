"""What leaves an order with parcels that are not sent, while its others go their way."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from shared.contracts.order_facts import OrderClosed
from shared.flows.following import following
from shared.orders import order_lines
from shared.orders import store as orders
from shared.orders.lifecycle import FINAL
from shared.orders.types import Line, Move, Order, Split
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.shipments.types import Content, ParcelState


def taken_out(
    lines: Iterable[Line], contents: Iterable[Content]
) -> tuple[list[tuple[Line, int]], list[Line]]:
    """The lines that have units among these contents and how many, and the kits that are torn.

    Of a torn kit some components are among them, and others are not.
    """
    packed = Counter[tuple[int, str]]()
    for item in contents:
        packed[item.line_no, item.sku] += item.quantity
    taken, torn = [], []
    for line in lines:
        units = {divmod(packed[line.line_no, sku], each) for sku, each in line.each.items()}
        whole, rest = units.pop()
        if units or rest:
            torn.append(line)
        elif whole:
            taken.append((line, whole))
    return taken, torn


def leave_out(
    tx: Transaction,
    order: Order,
    taken: Collection[tuple[Line, int]],
    siblings: Sequence[ParcelState],
) -> None:
    """The customer wants these no more: they are cancelled, and the order follows its others."""
    state = following(order.state, siblings)
    closes = state is not order.state and state in FINAL
    tx.write(
        order_lines.split([without(order, line, units, cancelled=units) for line, units in taken]),
        *([orders.move(tx, Move(order, state))] if state is not order.state else []),
        *([outbox.put(tx, OrderClosed(order_id=order.order_id, state=state))] if closes else []),
    )


def without(order: Order, line: Line, units: int, *, cancelled: int = 0) -> Split:
    """A line of which so many units have no parcel any more: they wait, or are cancelled."""
    return Split(
        order.order_id,
        line.line_no,
        line.allocated - units,
        line.backordered,
        line.cancelled + cancelled,
    )
