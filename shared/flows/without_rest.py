"""What becomes of an order whose open units are given up. Pure."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from shared.contracts.base import Event
from shared.contracts.order_facts import OrderClosed, OrderRestCancelled
from shared.flows.following import following
from shared.orders.lifecycle import FINAL, LIFECYCLE, OrderStep
from shared.orders.types import Line, Move, Order, OrderState, Split
from shared.shipments.types import ParcelState


class WithoutRest(NamedTuple):
    """What becomes of an order whose open units are given up."""

    move: Move
    splits: tuple[Split, ...]
    news: tuple[Event, ...]


def without_rest(
    order: Order, lines: Sequence[Line], siblings: Sequence[ParcelState], reason: str
) -> WithoutRest:
    """What is open will not be sent; an order without any parcel is cancelled with it."""
    splits = tuple(
        [
            Split(order.order_id, n.line_no, n.allocated, 0, n.quantity - n.allocated)
            for n in lines
            if n.open
        ]
    )
    news: list[Event] = []
    if order.state is OrderState.PARTLY_PLACED:
        state = following(LIFECYCLE.advance(order.state, OrderStep.GIVE_UP_REST), siblings)
        cancelled = Counter[str]()
        for line in lines:
            cancelled[line.sku] += line.open
        news.append(
            OrderRestCancelled(order_id=order.order_id, cancelled=+cancelled, reason=reason)
        )
    else:
        state = LIFECYCLE.advance(order.state, OrderStep.CANCEL)
    if state in FINAL:
        news.append(OrderClosed(order_id=order.order_id, state=state, reason=reason))
    return WithoutRest(Move(order, state, reason), splits, tuple(news))
