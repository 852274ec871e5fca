"""Transfers and suppliers' deliveries, and what whoever asks may do about them."""

from shared.contracts.http_ops_warehouses import (
    InboundItem,
    OpsTransfer,
    OpsTransfers,
    TransferFilters,
)
from shared.flows.audited import TRANSFER
from shared.flows.show_sku import by_hand
from shared.flows.transfer_by_hand import transfer_facts
from shared.flows.versions import version
from shared.inbound import store as inbound
from shared.inbound.lifecycle import FINAL
from shared.inbound.types import Inbound, InboundState, UnknownInbound
from shared.ops.inbound_list import inbound_list, one_inbound
from shared.ops.order_surroundings import warehouse_names
from shared.people import audit_log
from shared.people.audit_log import Subject
from shared.people.permissions import Action, Who
from shared.platform.db import Transaction


def show_transfers(tx: Transaction, filters: TransferFilters, who: Who) -> OpsTransfers:
    """A page of those that go to their warehouses or come from them.

    Raises:
        Malformed: the cursor is none.
    """
    page = inbound_list(tx, filters, who.warehouses)
    names = tuple(warehouse_names(tx))
    origins = tuple(name for name in names if who.may_at([name]))
    may = who.may(Action.TRANSFER_STOCK) and origins
    return OpsTransfers(
        inbounds=page.inbounds,
        next=page.next,
        acts=("request",) if may else (),
        origins=origins,
        warehouses=names,
    )


def show_transfer(tx: Transaction, inbound_id: str, who: Who) -> OpsTransfer:
    """One of them, with its units.

    Raises:
        UnknownInbound: there is none, or it is none of theirs.
    """
    row, known = one_inbound(tx, inbound_id, who.warehouses), inbound.find(tx, inbound_id)
    if row is None or known is None:
        raise UnknownInbound(f"there is no delivery {inbound_id}", inbound_id=inbound_id)
    entries = audit_log.of_subject(tx, Subject(TRANSFER, inbound_id))
    return OpsTransfer(
        version=version(transfer_facts(known)),
        inbound=row,
        reason=known.reason,
        items=tuple(
            InboundItem(
                sku=item.sku, quantity=item.quantity, shipped=item.shipped, received=item.received
            )
            for item in known.items.values()
        ),
        by_hand=tuple(by_hand(entry) for entry in reversed(entries)),
        acts=_possible(known, who),
    )


def _possible(known: Inbound, who: Who) -> tuple[str, ...]:
    """The origin's people send and cancel, the destination's receive."""
    if not who.may(Action.TRANSFER_STOCK):
        return ()
    if known.origin is None:
        is_open = known.state not in FINAL and who.may_at([known.warehouse])
        return ("receive",) if is_open else ()
    is_new, is_here = known.state is InboundState.REQUESTED, known.received_at is not None
    open_to_them = {
        "ship": is_new and who.may_at([known.origin]),
        "receive": (is_new or known.state is InboundState.SHIPPED)
        and not is_here
        and who.may_at([known.warehouse]),
        "cancel": is_new and not is_here and who.may_at([known.origin]),
    }
    return tuple(name for name, is_open in open_to_them.items() if is_open)
