"""A transfer is not wanted any more: its units are free again at the origin."""

from shared.contracts.inbound import TransferCancelled
from shared.flows.in_transit import changed, locked_at_origin, locked_transfer
from shared.flows.waitlist import share_out
from shared.holds import store as holds
from shared.holds.types import HoldState
from shared.inbound import store as inbound
from shared.inbound.lifecycle import LIFECYCLE, InboundStep
from shared.inbound.types import InboundEnded, InboundState
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.stock import store as stock
from shared.stock.types import Change, Key


def cancel_transfer(tx: Transaction, event: TransferCancelled) -> None:
    """Release what was held for it; who waits for it is woken. Cancelling again changes nothing.

    Raises:
        InboundNotHereYet: nobody has asked for the transfer (yet).
        InboundConflict: it is between other warehouses.
        InboundEnded: units of it have left already.
    """
    known = locked_transfer(tx, event)
    if known.state is InboundState.CANCELLED:
        return
    if known.state is not InboundState.REQUESTED or known.received_at is not None:
        raise InboundEnded(
            f"inbound_id: units of {known.inbound_id} have left {known.origin} already; report"
            f" what {known.warehouse} receives, and ask for a transfer back",
            field="inbound_id",
            inbound_id=known.inbound_id,
        )
    hold, locked = locked_at_origin(tx, known)
    changes = locked.fitting(
        Change(Key(units.sku, units.warehouse, units.partition), held=-units.quantity)
        for units in hold.items
    )
    after = known._replace(
        state=LIFECYCLE.advance(known.state, InboundStep.CANCEL),
        reason=event.reason,
    )
    tx.write(
        *inbound.save(tx, known, after),
        holds.close(tx, [hold.hold_id], HoldState.RELEASED),
        stock.change(changes),
        outbox.put(tx, changed(after)),
    )
    share_out(tx, locked, locked.after(changes))
