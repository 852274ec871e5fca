"""A transfer has left its origin: what was held for it is no longer on hand there."""

from collections import Counter
from collections.abc import Sequence

from shared.contracts.inbound import TransferShipped
from shared.flows.booking import as_of
from shared.flows.happened import happened
from shared.flows.in_transit import changed, locked_at_origin, locked_transfer, units_of
from shared.flows.waitlist import share_out
from shared.holds import store as holds
from shared.holds.types import Hold, HoldState
from shared.inbound import store as inbound
from shared.inbound.lifecycle import LIFECYCLE, InboundStep
from shared.inbound.types import (
    Inbound,
    InboundConflict,
    InboundEnded,
    InboundState,
    Item,
    UnitsContradict,
)
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.stock import store as stock
from shared.stock.types import Change, Key, Locked, Movement, MovementKind


def ship_transfer(tx: Transaction, event: TransferShipped, *, actor: str | None = None) -> None:
    """Take the units out of the stock; what was asked for and stays is free again.

    `actor` is who says so; None: the origin itself.

    The same report again changes nothing, also after the receipt. A receipt that was reported
    first ends the transfer now.

    Raises:
        AheadOfNow, LongAgo: names the field.
        InboundNotHereYet: nobody has asked for the transfer (yet).
        InboundConflict: it is between other warehouses, or was shipped with other units.
        InboundEnded: it was cancelled.
        UnitsContradict: more than was asked for, or less than was received.
    """
    event = happened(tx, event, "shipped_at")
    known = locked_transfer(tx, event)
    shipped = units_of(event.lines)
    if known.state is InboundState.CANCELLED:
        raise InboundEnded(
            f"inbound_id: {event.inbound_id} was cancelled, and its units are free again; ask"
            " for another transfer, and report that one",
            field="inbound_id",
            inbound_id=event.inbound_id,
        )
    if known.state is not InboundState.REQUESTED:
        _refuse_another(known, shipped)
        return
    _check(known, event, shipped)
    hold, locked = locked_at_origin(tx, known)
    movements, changes = _leave(hold, locked, shipped, event)
    after = known._replace(
        state=LIFECYCLE.advance(known.state, InboundStep.SHIP),
        items={sku: i._replace(shipped=shipped.get(sku, 0)) for sku, i in known.items.items()},
        shipped_at=event.shipped_at,
        expected_at=event.expected_at or known.expected_at,
    )
    if after.received_at is not None:
        after = after._replace(state=LIFECYCLE.advance(after.state, InboundStep.RECEIVE))
    tx.write(
        *inbound.save(tx, known, after),
        holds.close(tx, [hold.hold_id], HoldState.CONSUMED),
        stock.change(changes),
        stock.record(tx, movements, actor=actor or event.origin),
        outbox.put(tx, changed(after)),
    )
    share_out(tx, locked, locked.after(changes))


def _leave(
    hold: Hold, locked: Locked, shipped: dict[str, int], event: TransferShipped
) -> tuple[list[Movement], Sequence[Change]]:
    left = Counter(shipped)
    leaving: list[Movement] = []
    released: list[Change] = []
    for units in hold.items:
        key = Key(units.sku, units.warehouse, units.partition)
        gone = min(left[units.sku], units.quantity)
        left[units.sku] -= gone
        released.append(Change(key, held=-units.quantity))
        if gone:
            leaving.append(
                Movement(key, MovementKind.TRANSFER_OUT, -gone, event.inbound_id, event.shipped_at)
            )
    movements, changes = as_of(locked, leaving)
    return movements, locked.fitting([*released, *changes])


def _check(known: Inbound, event: TransferShipped, shipped: dict[str, int]) -> None:
    for position, line in enumerate(event.lines):
        asked = known.items.get(line.sku, Item(line.sku, 0)).quantity
        if shipped[line.sku] > asked:
            raise UnitsContradict(
                f"lines.{position}.quantity: {shipped[line.sku]} of {line.sku} were shipped, and"
                f" {asked} were asked for; report {asked}, and ask for another transfer of the"
                " rest",
                field=f"lines.{position}.quantity",
                sku=line.sku,
                inbound_id=known.inbound_id,
            )
    for item in known.items.values():
        if shipped.get(item.sku, 0) < item.received:
            raise UnitsContradict(
                f"lines: {shipped.get(item.sku, 0)} of {item.sku} were shipped, and"
                f" {known.warehouse} has received {item.received}; report at least those",
                field="lines",
                sku=item.sku,
                inbound_id=known.inbound_id,
            )


def _refuse_another(known: Inbound, shipped: dict[str, int]) -> None:
    if shipped != {item.sku: item.shipped for item in known.items.values() if item.shipped}:
        raise InboundConflict(
            f"lines: {known.inbound_id} was shipped with other units; count the shelf where the"
            " first report was wrong",
            field="lines",
            inbound_id=known.inbound_id,
        )
