"""Whether somebody may be told at once when something changes in a room; what, they look up."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from shared.inbound.types import UnknownInbound
from shared.kit.errors import Malformed
from shared.ops import whose
from shared.orders.types import Priority, UnknownOrder
from shared.people.permissions import Action, Who
from shared.platform.db import Transaction
from shared.shipments.types import NoSuchParcel

MOST_ROOMS = 10  # of one page


class _Kind(NamedTuple):
    """Rooms of one kind: what one must be allowed to do, and whether that one is theirs."""

    action: Action
    check: Callable[[Transaction, Who, str], None]


def _everybodys(_tx: Transaction, _who: Who, name: str) -> None:
    if name:
        raise Malformed(f"room: there is no part {name[:64]!r} of it", field="room")


def _theirs(warehouses: frozenset[str], who: Who) -> bool:
    return who.warehouses is None or not who.warehouses.isdisjoint(warehouses)


def _order(tx: Transaction, who: Who, order_id: str) -> None:
    senders = whose.order_is_of(tx, order_id)
    if senders is None or (senders and not _theirs(senders, who)):  # from nowhere yet: everybody's
        raise UnknownOrder(f"there is no order {order_id}", order_id=order_id)


def _parcel(tx: Transaction, who: Who, parcel_id: str) -> None:
    packers = whose.parcel_is_of(tx, parcel_id)
    if packers is None or not _theirs(packers, who):
        raise NoSuchParcel(f"there is no parcel {parcel_id}", parcel_id=parcel_id)


def _inbound(tx: Transaction, who: Who, inbound_id: str) -> None:
    ends = whose.inbound_is_of(tx, inbound_id)
    if ends is None or not _theirs(ends, who):
        raise UnknownInbound(f"there is no delivery {inbound_id}", inbound_id=inbound_id)


def _warehouse(_tx: Transaction, who: Who, name: str) -> None:
    who.require_at([name])


def _named(_tx: Transaction, _who: Who, name: str) -> None:
    if not name:
        raise Malformed("room: says nothing of which", field="room")


def _queue(_tx: Transaction, _who: Who, name: str) -> None:
    if name not in set(Priority):
        raise Malformed(f"room: there is no queue {name[:64]!r}", field="room")


_KINDS: Mapping[str, _Kind] = {
    "overview": _Kind(Action.SEE_OVERVIEW, _everybodys),
    "orders": _Kind(Action.SEE_ORDERS, _everybodys),
    "order": _Kind(Action.SEE_ORDERS, _order),
    "warehouse": _Kind(Action.SEE_ORDERS, _warehouse),
    "queue": _Kind(Action.SEE_ORDERS, _queue),
    "parcels": _Kind(Action.SEE_PARCELS, _everybodys),
    "parcel": _Kind(Action.SEE_PARCELS, _parcel),
    "manifests": _Kind(Action.SEE_PARCELS, _everybodys),
    "stock": _Kind(Action.SEE_STOCK, _everybodys),
    "sku": _Kind(Action.SEE_STOCK, _named),
    "transfers": _Kind(Action.SEE_STOCK, _everybodys),
    "inbound": _Kind(Action.SEE_STOCK, _inbound),
    "carriers": _Kind(Action.SEE_CARRIERS, _everybodys),
    "carrier": _Kind(Action.SEE_CARRIERS, _named),
    "subscribers": _Kind(Action.SEE_SUBSCRIBERS, _everybodys),
    "subscriber": _Kind(Action.SEE_SUBSCRIBERS, _named),
    "letters": _Kind(Action.SEE_LETTERS, _everybodys),
    "rates": _Kind(Action.SEE_RATES, _everybodys),
    "policies": _Kind(Action.SEE_POLICIES, _everybodys),
    "people": _Kind(Action.SEE_PEOPLE, _everybodys),
    "audit": _Kind(Action.SEE_AUDIT, _everybodys),
}


def check_rooms(tx: Transaction, who: Who, rooms: Sequence[str]) -> None:
    """Go on if all of these are rooms in which they may look on.

    Raises:
        Malformed: there is no such room, or there are too many of them.
        NotAllowed: their role, or their warehouses, do not go so far.
        UnknownOrder, NoSuchParcel, UnknownInbound: there is none, or it is none of theirs.
    """
    if not 1 <= len(rooms) <= MOST_ROOMS:
        raise Malformed(f"room: 1 to {MOST_ROOMS} are wanted", field="room")
    for room in rooms:
        name, _, part = room.partition(":")
        kind = _KINDS.get(name)
        if kind is None or "\0" in part:
            raise Malformed(f"room: there is none like {room[:64]!r}", field="room")
        who.require(kind.action)
        kind.check(tx, who, part)
