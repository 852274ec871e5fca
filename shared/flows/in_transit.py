"""What the reports about inbounds have in common."""

from collections import Counter
from collections.abc import Iterable, Mapping

from shared.contracts.inbound import (
    InboundChanged,
    InboundUnits,
    TransferCancelled,
    TransferReceived,
    TransferShipped,
)
from shared.contracts.stock import StockReceived
from shared.holds import store as holds
from shared.holds.types import Hold
from shared.inbound import store as inbound
from shared.inbound.lifecycle import FINAL, LIFECYCLE, InboundStep
from shared.inbound.types import (
    Inbound,
    InboundConflict,
    InboundNotHereYet,
    InboundState,
    Item,
)
from shared.platform.db import Transaction
from shared.stock import store as stock
from shared.stock.types import Locked


def units_of(lines: Iterable[InboundUnits]) -> dict[str, int]:
    """SKU -> units of all its lines."""
    units = Counter[str]()
    for line in lines:
        units[line.sku] += line.quantity
    return dict(units)


def locked_transfer(
    tx: Transaction, event: TransferShipped | TransferReceived | TransferCancelled
) -> Inbound:
    """The transfer that something is reported about.

    Raises:
        InboundNotHereYet: nobody has asked for it (yet).
        InboundConflict: it is between other warehouses, or a supplier's delivery.
    """
    known = inbound.lock(tx, event.inbound_id)
    if known is None:
        raise InboundNotHereYet(
            "no transfer has this inbound_id (yet)", inbound_id=event.inbound_id
        )
    if (known.origin, known.warehouse) != (event.origin, event.warehouse):
        raise InboundConflict(
            f"inbound_id: {event.inbound_id} goes from {known.origin or 'a supplier'} to"
            f" {known.warehouse}; name those, or the transfer that is meant",
            field="inbound_id",
            inbound_id=event.inbound_id,
        )
    return known


def locked_at_origin(tx: Transaction, known: Inbound) -> tuple[Hold, Locked]:
    """What is held at the origin for a transfer that has not left, and the balances it lies in."""
    assert known.hold_id is not None, "transfers have a hold"
    hold = holds.lock(tx, known.hold_id)
    assert hold is not None, "inbounds refer to holds"
    return hold, stock.lock(tx, {(units.sku, units.warehouse) for units in hold.items})


def locked_delivery(tx: Transaction, event: StockReceived) -> Inbound | None:
    """The supplier's delivery that a receipt names; None where it was not announced yet.

    Raises:
        InboundConflict: it goes elsewhere, or is a transfer.
    """
    known = inbound.lock(tx, event.inbound_id) if event.inbound_id else None
    if known is None:
        return None
    if known.origin is not None:
        raise InboundConflict(
            f"inbound_id: {event.inbound_id} is a transfer from {known.origin}; report it with"
            " warehouse.transfer.received.v1",
            field="inbound_id",
            inbound_id=event.inbound_id,
        )
    if known.warehouse != event.warehouse:
        raise InboundConflict(
            f"inbound_id: {event.inbound_id} goes to {known.warehouse}; leave it out where"
            " something else was received",
            field="inbound_id",
            inbound_id=event.inbound_id,
        )
    return known


def with_arrived(
    before: Inbound | None, event: StockReceived, units: Mapping[str, int]
) -> Inbound | None:
    """The delivery that a receipt names once these units are there; None where it names none.

    It ends with the last unit that was announced; what comes beyond them is noted as well.
    """
    if event.inbound_id is None:
        return None
    known = before or Inbound(
        event.inbound_id, None, event.warehouse, InboundState.REQUESTED, {}, expected_at=None
    )
    items = dict(known.items)
    for sku, quantity in units.items():
        item = items.get(sku, Item(sku, 0))
        items[sku] = item._replace(received=item.received + quantity)
    return ended_when_complete(
        known._replace(items=items, received_at=known.received_at or event.received_at)
    )


def ended_when_complete(delivery: Inbound) -> Inbound:
    """A supplier's delivery has ended when all that was announced is there."""
    if delivery.announced_at is None or delivery.coming or delivery.state in FINAL:
        return delivery
    return delivery._replace(state=LIFECYCLE.advance(delivery.state, InboundStep.RECEIVE))


def changed(after: Inbound) -> InboundChanged:
    """What is told of an inbound."""
    return InboundChanged(
        inbound_id=after.inbound_id,
        origin=after.origin,
        warehouse=after.warehouse,
        state=after.state,
        expected_at=after.expected_at,
        coming=after.coming,
        missing=after.missing,
    )
