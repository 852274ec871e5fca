"""What machines may ask for about orders over HTTP. The flows are those of the events."""

from collections.abc import Mapping

from shared.contracts.http_orders import Cancellation, OrderReceipt, OrderView
from shared.contracts.orders import OrderCancelled, OrderSubmitted
from shared.edge.api import Operation, answer, made
from shared.flows.accept_order import accept_order
from shared.flows.cancel_order import cancel_order
from shared.flows.link_order import link_order
from shared.kit.lifecycle import IllegalTransition
from shared.ops.order_view import view_order
from shared.orders import store as orders
from shared.orders.types import OrderConflict, UnknownOrder
from shared.platform.db import Transaction
from shared.platform.idempotency import Answer
from shared.stock.types import UnknownSku


def operations(pages_url: str | None) -> tuple[Operation, ...]:
    """What may be asked for, where orders have their pages below `pages_url`."""

    def submit(tx: Transaction, _parts: Mapping[str, str], order: OrderSubmitted) -> Answer:
        is_new = accept_order(tx, order, pages_url)
        return made(_receipt(tx, order.order_id), "/orders", order.order_id, is_new=is_new)

    def show(tx: Transaction, parts: Mapping[str, str], _body: None) -> Answer:
        view = view_order(tx, parts["order_id"])
        if view is None:
            raise UnknownOrder("there is no such order")
        if pages_url is not None:
            link = link_order(tx, view.order_id, pages_url)
            view = view.model_copy(update={"tracking_url": link})
        return answer(view)

    return (
        Operation(
            name="submitOrder",
            method="POST",
            path="/orders",
            purpose="Submit an order. The body is that of the event `channel.order.submitted.v1`.",
            act=submit,
            body=OrderSubmitted,
            answer=OrderReceipt,
            outcomes={
                201: "The order is accepted and waits to be placed.",
                200: "The order was known with this body, and is as it was.",
            },
            refusals={OrderConflict: 409, UnknownSku: 422},
        ),
        Operation(
            name="showOrder",
            method="GET",
            path="/orders/{order_id}",
            purpose="Show an order with its lines, its parcels and what they cost.",
            act=show,
            answer=OrderView,
            outcomes={200: "The order as it stands."},
            refusals={UnknownOrder: 404},
        ),
        Operation(
            name="cancelOrder",
            method="POST",
            path="/orders/{order_id}/cancel",
            purpose=(
                "Cancel a whole order, or once it is picked, have it sent back. Again: no change."
            ),
            act=_cancel,
            body=Cancellation,
            answer=OrderReceipt,
            outcomes={
                200: "The order is cancelled. Where `return_wanted_at` is set it was picked"
                " already: it goes on, and is expected back."
            },
            refusals={UnknownOrder: 404, IllegalTransition: 409},
        ),
    )


def _cancel(tx: Transaction, parts: Mapping[str, str], cancellation: Cancellation) -> Answer:
    # A channel's event may come before its order and then waits for it; a caller knows its orders.
    _receipt(tx, parts["order_id"])
    event = OrderCancelled.model_validate({**parts, **cancellation.model_dump()})
    cancel_order(tx, event)
    return answer(_receipt(tx, event.order_id))


def _receipt(tx: Transaction, order_id: str) -> OrderReceipt:
    order = orders.find(tx, order_id)
    if order is None:
        raise UnknownOrder("there is no such order")
    return OrderReceipt(
        order_id=order.order_id,
        revision=order.revision,
        state=order.state,
        priority=order.priority,
        return_wanted_at=order.return_wanted_at,
    )
