"""A supplier announced a delivery: it is on its way, and may be told to those who wait."""

from datetime import timedelta

from shared.contracts.inbound import InboundAnnounced
from shared.flows.happened import happened
from shared.flows.in_transit import changed, ended_when_complete, units_of
from shared.flows.stocked import checked_warehouse
from shared.inbound import store as inbound
from shared.inbound.lifecycle import FINAL, LIFECYCLE, InboundStep
from shared.inbound.types import Inbound, InboundConflict, InboundEnded, InboundState, Item
from shared.platform import outbox
from shared.platform.db import Transaction


def expect_delivery(tx: Transaction, event: InboundAnnounced) -> None:
    """Keep what a supplier will deliver, and when; one that is not newer changes nothing.

    What was received of it before the announcement came counts. Without lines nothing comes any
    more.

    Raises:
        AheadOfNow, UnknownWarehouse, UnknownSku, KitHasNoStock: names the field.
        InboundConflict: the id is that of a transfer, or of a delivery to elsewhere.
        InboundEnded: all of it has come, or nothing more of it was to come.
    """
    # What was ordered long ago may be said again; it moves no units.
    event = happened(tx, event, "announced_at", longest_ago=timedelta.max)
    known = inbound.lock(tx, event.inbound_id)
    if known is not None and not _is_news(known, event):
        return
    checked_warehouse(tx, event.warehouse, [line.sku for line in event.lines])
    before = known or Inbound(
        event.inbound_id, None, event.warehouse, InboundState.REQUESTED, {}, expected_at=None
    )
    announced = units_of(event.lines)
    items = {sku: item._replace(quantity=0) for sku, item in before.items.items()}
    for sku, quantity in announced.items():
        items[sku] = items.get(sku, Item(sku, 0))._replace(quantity=quantity)
    after = before._replace(
        items=items, expected_at=event.expected_at, announced_at=event.announced_at
    )
    if not announced and after.received_at is None:
        after = after._replace(state=LIFECYCLE.advance(after.state, InboundStep.CANCEL))
    else:
        after = ended_when_complete(after)
    tx.write(*inbound.save(tx, known, after), outbox.put(tx, changed(after)))


def _is_news(known: Inbound, event: InboundAnnounced) -> bool:
    if (known.origin, known.warehouse) != (None, event.warehouse):
        raise InboundConflict(
            f"inbound_id: {event.inbound_id} goes from {known.origin or 'a supplier'} to"
            f" {known.warehouse}; announce this delivery under another inbound_id",
            field="inbound_id",
            inbound_id=event.inbound_id,
        )
    if known.announced_at is not None and event.announced_at <= known.announced_at:
        return False
    if known.state in FINAL:
        raise InboundEnded(
            f"inbound_id: {event.inbound_id} is {known.state}; announce what still comes under"
            " another inbound_id",
            field="inbound_id",
            inbound_id=event.inbound_id,
        )
    return True
