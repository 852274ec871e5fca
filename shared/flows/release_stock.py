"""Somebody looked at what came back: it can be sold again, or is written off."""

from collections import Counter

from shared.contracts.stock import QuarantineReleased
from shared.flows.booking import as_of
from shared.flows.happened import happened
from shared.flows.return_stock import quarantine
from shared.flows.stocked import checked_warehouse, told
from shared.flows.waitlist import share_out
from shared.holds import store as holds
from shared.holds.types import Hold, HoldState, NotInQuarantine, Purpose
from shared.kit.ids import derived_id
from shared.platform.db import Transaction, Write
from shared.stock import store as stock
from shared.stock.types import Change, Key, Movement, MovementKind


def release_stock(tx: Transaction, event: QuarantineReleased) -> None:
    """End the quarantine of some units, once. What is left of it is kept on, under a hold anew.

    A movement of nothing in the ledger says that the units were looked at.

    Raises:
        AheadOfNow, LongAgo, UnknownWarehouse, UnknownSku, KitHasNoStock: names the field.
        NotInQuarantine: the return has fewer units there; nothing of it is applied.
    """
    event = happened(tx, event, "released_at")
    skus = [line.sku for line in event.lines]
    checked_warehouse(tx, event.warehouse, skus)
    reference = quarantine(event.warehouse, event.return_id)
    open_holds = holds.lock_open(tx, Purpose.QUARANTINE, reference)
    held = {hold.items[0].sku: hold for hold in open_holds}
    locked = stock.lock(tx, [(sku, event.warehouse) for sku in skus])
    booking = f"release:{event.release_id}"
    known = stock.booked(tx, event.warehouse, MovementKind.ADJUSTMENT, booking, skus)
    released, lost = Counter[str](), Counter[str]()
    for position, line in enumerate(event.lines):
        if line.sku in known:
            continue
        released[line.sku] += line.quantity
        lost[line.sku] += line.quantity if line.disposition == "write_off" else 0
        there = held[line.sku].items[0].quantity if line.sku in held else 0
        if released[line.sku] > there:
            raise NotInQuarantine(
                f"lines.{position}.quantity: {there} of {line.sku} are in quarantine of return"
                f" {event.return_id}; report the return first, or release no more than that",
                field=f"lines.{position}.quantity",
                sku=line.sku,
                warehouse=event.warehouse,
            )
    if not released:
        return
    keys = {sku: Key(sku, event.warehouse, held[sku].items[0].partition) for sku in released}
    at = event.released_at
    movements, changes = as_of(
        locked,
        [
            Movement(keys[sku], MovementKind.WRITE_OFF, -lost[sku], booking, at, event.return_id)
            for sku in released
            if lost[sku]
        ],
    )
    movements += [
        Movement(keys[sku], MovementKind.ADJUSTMENT, 0, booking, at, event.return_id)
        for sku in released
    ]
    freed = [Change(keys[sku], held=-quantity) for sku, quantity in released.items()]
    made = locked.fitting([*changes, *freed])
    tx.write(
        holds.close(tx, [held[sku].hold_id for sku in released], HoldState.RELEASED),
        *(
            write
            for sku, quantity in released.items()
            for write in _kept_on(tx, held[sku], quantity, event.release_id)
        ),
        stock.record(tx, movements, actor=event.warehouse),
        stock.change(made),
        told(tx, [change.key for change in made]),
    )
    share_out(tx, locked, locked.after(made))


def _kept_on(tx: Transaction, hold: Hold, released: int, release_id: str) -> tuple[Write, ...]:
    (item,) = hold.items
    if item.quantity == released:
        return ()
    rest = item._replace(quantity=item.quantity - released)
    hold_id = derived_id("hold", hold.hold_id, release_id)
    return holds.insert(hold._replace(hold_id=hold_id, created_at=tx.now, items=(rest,)))
