"""A transfer has arrived: book what came, and tell what is missing."""

from shared.contracts.inbound import TransferReceived
from shared.flows.booking import arrivals, as_of
from shared.flows.happened import happened
from shared.flows.in_transit import changed, locked_transfer, units_of
from shared.flows.stocked import told
from shared.flows.waitlist import share_out
from shared.inbound import store as inbound
from shared.inbound.lifecycle import LIFECYCLE, InboundStep
from shared.inbound.types import (
    Inbound,
    InboundConflict,
    InboundEnded,
    InboundState,
    UnitsContradict,
)
from shared.orders import store as orders
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.stock import store as stock
from shared.stock.types import MovementKind


def receive_transfer(tx: Transaction, event: TransferReceived, *, actor: str | None = None) -> None:
    """Book the units, as of when they came. The same report again changes nothing.

    `actor` is who says so; None: the warehouse itself.

    A receipt ends the transfer, also a short one: its items say what was shipped and what came.
    One that is reported before the shipment is booked, and the shipment ends the transfer.

    Raises:
        AheadOfNow, LongAgo: names the field.
        InboundNotHereYet: nobody has asked for the transfer (yet).
        InboundConflict: it is between other warehouses, or was received with other units.
        InboundEnded: it was cancelled.
        UnitsContradict: more than was shipped.
    """
    event = happened(tx, event, "received_at")
    known = locked_transfer(tx, event)
    received = units_of(event.lines)
    if known.received_at is not None:
        _refuse_another(known, received)
        return
    _check(known, event, received)
    stock.ensure_levels(tx, event.warehouse, received)
    locked = stock.lock(tx, [(sku, event.warehouse) for sku in received])
    movements, changes = as_of(
        locked,
        [
            movement
            for sku, quantity in sorted(received.items())
            for movement in arrivals(
                locked,
                sku,
                event.warehouse,
                quantity,
                kind=MovementKind.TRANSFER_IN,
                reference=event.inbound_id,
                occurred_at=event.received_at,
            )
        ],
    )
    after = known._replace(
        items={sku: i._replace(received=received.get(sku, 0)) for sku, i in known.items.items()},
        received_at=event.received_at,
    )
    if known.state is InboundState.SHIPPED:
        after = after._replace(state=LIFECYCLE.advance(known.state, InboundStep.RECEIVE))
    tx.write(
        *inbound.save(tx, known, after),
        stock.change(changes),
        orders.found_again(tx, received, event.warehouse, event.received_at),
        stock.record(tx, movements, actor=actor or event.warehouse),
        outbox.put(tx, changed(after)),
        told(tx, [change.key for change in changes]),
    )
    share_out(tx, locked, locked.after(changes))


def _check(known: Inbound, event: TransferReceived, received: dict[str, int]) -> None:
    if known.state is InboundState.CANCELLED:
        raise InboundEnded(
            f"inbound_id: {known.inbound_id} was cancelled; report what came as a receipt"
            " (warehouse.stock.received.v1)",
            field="inbound_id",
            inbound_id=known.inbound_id,
        )
    sent = {
        item.sku: item.shipped if known.state is InboundState.SHIPPED else item.quantity
        for item in known.items.values()
    }
    for position, line in enumerate(event.lines):
        most = sent.get(line.sku, 0)
        if received[line.sku] > most:
            raise UnitsContradict(
                f"lines.{position}.quantity: {received[line.sku]} of {line.sku} were received, and"
                f" {most} were sent; report {most}, and the rest as a receipt"
                " (warehouse.stock.received.v1)",
                field=f"lines.{position}.quantity",
                sku=line.sku,
                inbound_id=known.inbound_id,
            )


def _refuse_another(known: Inbound, received: dict[str, int]) -> None:
    if received != {item.sku: item.received for item in known.items.values() if item.received}:
        raise InboundConflict(
            f"lines: {known.inbound_id} was received with other units; count the shelf where the"
            " first report was wrong",
            field="lines",
            inbound_id=known.inbound_id,
        )
