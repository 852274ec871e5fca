"""Units are to go from one warehouse to another: keep them at the origin until they leave."""

from collections.abc import Iterator, Sequence

from shared.contracts.inbound import TransferRequested
from shared.flows.in_transit import changed, units_of
from shared.flows.stocked import WHAT_TO_DO, checked_warehouse
from shared.holds import store as holds
from shared.holds.types import HeldUnits, Hold, HoldState, Purpose
from shared.inbound import store as inbound
from shared.inbound.types import (
    Inbound,
    InboundConflict,
    InboundState,
    Item,
    NotEnoughFree,
    TransferToItself,
)
from shared.kit.ids import new_id
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.stock import store as stock
from shared.stock import warehouses
from shared.stock.types import Change, Key, Level, UnknownWarehouse


def request_transfer(tx: Transaction, event: TransferRequested) -> None:
    """Hold what is asked for, all of it or nothing. The same request again changes nothing.

    Raises:
        TransferToItself, UnknownWarehouse, UnknownSku, KitHasNoStock: names the field.
        NotEnoughFree: says how many are free at the origin.
        InboundConflict: the id is known with other warehouses or units.
    """
    asked = units_of(event.lines)
    known = inbound.lock(tx, event.inbound_id)
    if known is not None:
        _refuse_another(known, event, asked)
        return
    _check(tx, event)
    locked = stock.lock(tx, [(sku, event.origin) for sku in asked])
    kept = tuple(
        units
        for sku, quantity in sorted(asked.items())
        for units in _kept(locked.of(sku, event.origin), event, sku, quantity)
    )
    hold = Hold(
        hold_id=new_id("hold"),
        purpose=Purpose.TRANSFER,
        reference=event.inbound_id,
        channel=None,
        sale=None,
        state=HoldState.OPEN,
        created_at=tx.now,
        expires_at=None,
        release_at=None,
        items=kept,
    )
    transfer = Inbound(
        inbound_id=event.inbound_id,
        origin=event.origin,
        warehouse=event.warehouse,
        state=InboundState.REQUESTED,
        items={sku: Item(sku, quantity) for sku, quantity in asked.items()},
        expected_at=event.expected_at,
        hold_id=hold.hold_id,
    )
    tx.write(
        *inbound.save(tx, None, transfer),
        *holds.insert(hold),
        stock.change(
            Change(Key(units.sku, units.warehouse, units.partition), held=units.quantity)
            for units in kept
        ),
        outbox.put(tx, changed(transfer)),
    )


def _check(tx: Transaction, event: TransferRequested) -> None:
    if event.origin == event.warehouse:
        raise TransferToItself(
            f"warehouse: {event.warehouse} has the units already; name another warehouse",
            field="warehouse",
            warehouse=event.warehouse,
        )
    if warehouses.find(tx, event.origin) is None:
        raise UnknownWarehouse(
            f"origin: {event.origin} is not known; {WHAT_TO_DO}",
            field="origin",
            warehouse=event.origin,
        )
    checked_warehouse(tx, event.warehouse, [line.sku for line in event.lines])


def _kept(
    levels: Sequence[Level], event: TransferRequested, sku: str, quantity: int
) -> Iterator[HeldUnits]:
    """Units of the fullest partitions; a sale's allotment stays where it is."""
    usable = [level for level in levels if level.allotment is None]
    free = sum(level.available for level in usable)
    if free < quantity:
        position = next(n for n, line in enumerate(event.lines) if line.sku == sku)
        raise NotEnoughFree(
            f"lines.{position}.quantity: {quantity} of {sku} are asked for, and {free} are free in"
            f" {event.origin}; ask for no more than that, or of another warehouse",
            field=f"lines.{position}.quantity",
            sku=sku,
            warehouse=event.origin,
            free=free,
        )
    for level in sorted(usable, key=lambda level: (-level.available, level.key)):
        units = min(level.available, quantity)
        if units:
            yield HeldUnits(sku, level.warehouse, level.partition, units)
            quantity -= units


def _refuse_another(known: Inbound, event: TransferRequested, asked: dict[str, int]) -> None:
    told = {item.sku: item.quantity for item in known.items.values()}
    if (known.origin, known.warehouse, told) != (event.origin, event.warehouse, asked):
        raise InboundConflict(
            f"inbound_id: {event.inbound_id} is known with other contents; cancel it, and ask"
            " anew under another inbound_id",
            field="inbound_id",
            inbound_id=event.inbound_id,
        )
