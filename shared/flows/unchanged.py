"""An order is as it was when somebody looked at it, or they are told what has changed."""

from hashlib import sha256

from shared.contracts.http_orders import OrderView
from shared.flows.versions import refuse_changed, version
from shared.ops.order_view import view_order
from shared.orders import store as orders
from shared.orders.types import UnknownOrder
from shared.platform.db import Transaction
from shared.shipments.types import ParcelState

MOST_SAID = 200  # characters of what is in an order


def version_of(order: OrderView) -> str:
    """What somebody who decides about the order has seen of it; it can be read back."""
    return version(_facts(order))


def locked_unchanged(tx: Transaction, order_id: str, seen: str | None) -> OrderView:
    """The order, which stays as it is until the transaction ends; `seen`: it has this version.

    Raises:
        UnknownOrder: there is none.
        Stale: it has changed since; says what.
        Malformed: the version is none of ours.
    """
    if orders.lock(tx, order_id) is None:
        raise UnknownOrder(f"there is no order {order_id}", order_id=order_id)
    view = view_order(tx, order_id)
    assert view is not None, "it is locked"
    refuse_changed("the order", seen, _facts(view), order_id=order_id)
    return view


def _facts(order: OrderView) -> dict[str, str]:
    parcels = {
        f"parcel {parcel.parcel_id}": f"{parcel.state}{' and picked' if parcel.picked_at else ''}"
        for parcel in order.parcels
        if parcel.state != ParcelState.CANCELLED
    }
    lines = ", ".join(f"{line.quantity} × {line.sku}" for line in order.lines)
    if len(lines) > MOST_SAID:  # a version travels in headers
        lines = f"{lines[:MOST_SAID]}… ({sha256(lines.encode()).hexdigest()[:8]})"
    return {"state": order.state, "revision": str(order.revision), "lines": lines, **parcels}
