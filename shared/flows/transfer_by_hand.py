"""A person asks for a transfer, and reports what becomes of it or of a supplier's delivery."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time

from shared.contracts.http_ops_warehouses import TransferArrived, TransferLine, TransferSent
from shared.contracts.http_ops_warehouses import TransferWanted as Wanted
from shared.contracts.inbound import (
    TransferCancelled,
    TransferReceived,
    TransferRequested,
    TransferShipped,
)
from shared.contracts.stock import StockReceived
from shared.flows.audited import TRANSFER, keep_changes
from shared.flows.cancel_transfer import cancel_transfer
from shared.flows.receive_stock import receive_stock
from shared.flows.receive_transfer import receive_transfer
from shared.flows.request_transfer import request_transfer
from shared.flows.ship_transfer import ship_transfer
from shared.flows.versions import Facts, refuse_changed
from shared.inbound import store as inbound
from shared.inbound.lifecycle import FINAL
from shared.inbound.types import Inbound, InboundConflict, InboundEnded, UnknownInbound
from shared.kit.errors import Malformed
from shared.kit.ids import new_id
from shared.people.audit_log import Subject
from shared.people.types import Person
from shared.platform.db import Transaction

LAST_MINUTE = time(23, 59, tzinfo=UTC)


def request_by_hand(tx: Transaction, said: Wanted, person: Person) -> None:
    """Hold the units at the origin for a new transfer.

    Raises:
        Malformed: the day has passed.
        TransferToItself, UnknownWarehouse, UnknownSku, KitHasNoStock, NotEnoughFree: as for
            `request_transfer`.
    """
    event = TransferRequested.model_validate(
        {
            "inbound_id": new_id("trf"),
            "origin": said.origin,
            "warehouse": said.warehouse,
            "expected_at": _end_of(tx, said.expected_on),
            "lines": _said(said.lines),
        }
    )
    request_transfer(tx, event)
    after = inbound.lock(tx, event.inbound_id)
    assert after is not None, "it was just made"
    subject = Subject(TRANSFER, event.inbound_id)
    keep_changes(tx, person, "request_transfer", subject, before={}, after=transfer_facts(after))


def ship_by_hand(
    tx: Transaction, inbound_id: str, said: TransferSent, person: Person, seen: str | None
) -> None:
    """Report that the units have left the origin.

    Raises:
        UnknownInbound, InboundConflict, Stale: as for every act on a transfer.
        InboundEnded, UnitsContradict: as for `ship_transfer`.
    """
    with _decided(tx, person, "ship_transfer", inbound_id, seen) as known:
        names = _names(known)
        expected_at = None if said.expected_on is None else _end_of(tx, said.expected_on)
        facts = {"shipped_at": tx.now, "expected_at": expected_at, "lines": _said(said.lines)}
        event = TransferShipped.model_validate({**names, **facts})
        ship_transfer(tx, event, actor=person.by)


def receive_by_hand(
    tx: Transaction, inbound_id: str, said: TransferArrived, person: Person, seen: str | None
) -> None:
    """Report what has arrived. Of a transfer nothing more will come; of a delivery it may.

    Raises:
        UnknownInbound, Stale: as for every act on a transfer.
        InboundEnded, UnitsContradict: as for `receive_transfer`; of a delivery, all of it is there.
        Malformed: of a delivery nothing is said to have arrived.
        UnknownSku, KitHasNoStock: as for `receive_stock`.
    """
    with _decided(tx, person, "receive_transfer", inbound_id, seen) as known:
        facts = {"received_at": tx.now, "lines": _said(said.lines)}
        if known.origin is not None:
            event = TransferReceived.model_validate({**_names(known), **facts})
            receive_transfer(tx, event, actor=person.by)
            return
        if known.state in FINAL:
            raise InboundEnded(f"all of {inbound_id} is there already", inbound_id=inbound_id)
        if not said.lines:
            raise Malformed("lines: say what has arrived", field="lines")
        names = {"inbound_id": inbound_id, "warehouse": known.warehouse}
        receipt = {**names, **facts, "receipt_id": new_id("rcp")}
        receive_stock(tx, StockReceived.model_validate(receipt), actor=person.by)


def cancel_by_hand(tx: Transaction, inbound_id: str, person: Person, seen: str | None) -> None:
    """Give the units back to the origin.

    Raises:
        UnknownInbound, InboundConflict, Stale: as for every act on a transfer.
        InboundEnded: units of it have left already.
    """
    with _decided(tx, person, "cancel_transfer", inbound_id, seen) as known:
        event = TransferCancelled.model_validate({**_names(known), "reason": person.reason})
        cancel_transfer(tx, event)


def transfer_facts(known: Inbound) -> Facts:
    """A delivery as two people could decide about it at once."""
    return {
        "state": known.state,
        "received": "no" if known.received_at is None else f"{known.received_at:%Y-%m-%d %H:%M}",
        "expected": "unknown" if known.expected_at is None else f"{known.expected_at:%Y-%m-%d}",
        **{
            f"units of {item.sku}": f"{item.quantity} asked for, {item.shipped} shipped,"
            f" {item.received} received"
            for item in known.items.values()
        },
    }


@contextmanager
def _decided(
    tx: Transaction, person: Person, action: str, inbound_id: str, seen: str | None
) -> Iterator[Inbound]:
    """The delivery, locked and as they have seen it; what the block does to it is kept."""
    known = inbound.lock(tx, inbound_id)
    if known is None:
        raise UnknownInbound(f"there is no delivery {inbound_id}", inbound_id=inbound_id)
    before = transfer_facts(known)
    refuse_changed("the transfer", seen, before, inbound_id=inbound_id)
    yield known
    after = inbound.lock(tx, inbound_id)
    assert after is not None, "deliveries stay"
    subject = Subject(TRANSFER, inbound_id)
    keep_changes(tx, person, action, subject, before=before, after=transfer_facts(after))


def _names(known: Inbound) -> dict[str, str]:
    """What names a transfer in a report.

    Raises:
        InboundConflict: it is none.
    """
    if known.origin is None:
        raise InboundConflict(
            f"inbound_id: {known.inbound_id} comes from a supplier, who sends it or does not; what"
            " arrives of it can be received",
            field="inbound_id",
            inbound_id=known.inbound_id,
        )
    return {
        "inbound_id": known.inbound_id,
        "origin": known.origin,
        "warehouse": known.warehouse,
    }


def _said(lines: Iterable[TransferLine]) -> list[dict[str, object]]:
    return [line.model_dump() for line in lines]


def _end_of(tx: Transaction, day: date) -> datetime:
    """The last minute of a day that is to come, in UTC."""
    moment = datetime.combine(day, LAST_MINUTE)
    if moment < tx.now:
        raise Malformed(
            f"expected_on: {day} has passed; name the day on which it will be there",
            field="expected_on",
        )
    return moment
