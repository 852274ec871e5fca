"""Goods arrived at a warehouse: book them, once, and tell who waits."""

from collections import Counter

from shared.contracts.stock import StockReceived
from shared.flows.booking import arrivals, as_of
from shared.flows.happened import happened
from shared.flows.in_transit import changed, locked_delivery, with_arrived
from shared.flows.stocked import checked_warehouse, told
from shared.flows.waitlist import share_out
from shared.inbound import store as inbound
from shared.orders import store as orders
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.stock import store as stock
from shared.stock.types import MovementKind


def receive_stock(tx: Transaction, event: StockReceived, *, actor: str | None = None) -> None:
    """Book a receipt. The same receipt again changes nothing, whatever its event id.

    `actor` is who says so; None: the warehouse itself.

    A receipt from before the latest count is on the shelf that was counted already: it is booked
    together with the correction that leaves the balance as it was counted. Where it names an
    inbound, it is noted there, also before the announcement.

    Raises:
        AheadOfNow, LongAgo, UnknownWarehouse, UnknownSku: names the field.
        InboundConflict: the inbound goes elsewhere, or is a transfer.
    """
    event = happened(tx, event, "received_at")
    checked_warehouse(tx, event.warehouse, [line.sku for line in event.lines])
    units = Counter[str]()
    for line in event.lines:
        units[line.sku] += line.quantity
    delivery = locked_delivery(tx, event)
    stock.ensure_levels(tx, event.warehouse, units)
    locked = stock.lock(tx, [(sku, event.warehouse) for sku in units])
    known = stock.booked(tx, event.warehouse, MovementKind.RECEIPT, event.receipt_id, units)
    arrived = {sku: units[sku] for sku in sorted(units.keys() - known)}
    movements, changes = as_of(
        locked,
        [
            movement
            for sku, quantity in arrived.items()
            for movement in arrivals(
                locked,
                sku,
                event.warehouse,
                quantity,
                kind=MovementKind.RECEIPT,
                reference=event.receipt_id,
                occurred_at=event.received_at,
            )
        ],
    )
    if movements:
        after = with_arrived(delivery, event, arrived)
        tx.write(
            *(inbound.save(tx, delivery, after) if after else ()),
            stock.record(tx, movements, actor=actor or event.warehouse),
            stock.change(changes),
            orders.found_again(tx, arrived, event.warehouse, event.received_at),
            *([outbox.put(tx, changed(after))] if after else []),
            told(tx, [change.key for change in changes]),
        )
        share_out(tx, locked, locked.after(changes))
