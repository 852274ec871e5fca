"""A warehouse counted: make the balance what was counted, as of when it was counted."""

from shared.contracts.stock import StockCounted
from shared.flows.booking import spread
from shared.flows.stocked import checked_warehouse, increased
from shared.kit.errors import Malformed
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.stock import store as stock
from shared.stock.types import Change, CountBelowReserved, Movement, MovementKind


def count_stock(tx: Transaction, event: StockCounted) -> None:
    """Apply a count as of its time: what has moved since then stays moved.

    A count that is not newer than the one applied before it changes nothing, per SKU, and neither
    does one whose `count_id` was booked before.

    Raises:
        UnknownWarehouse, UnknownSku: names the field.
        CountBelowReserved: fewer units are there than are promised; nothing of it is applied.
    """
    skus = [line.sku for line in event.lines]
    if len(set(skus)) < len(skus):
        raise Malformed("lines: a SKU is counted twice", field="lines")
    checked_warehouse(tx, event.warehouse, skus)
    stock.ensure_levels(tx, event.warehouse, skus)
    locked = stock.lock(tx, [(sku, event.warehouse) for sku in skus])
    known = stock.booked(tx, event.warehouse, MovementKind.COUNT, event.count_id, skus)
    moved = stock.moved_since(tx, event.warehouse, skus, event.counted_at)
    changes: list[Change] = []
    for position, line in enumerate(event.lines):
        if line.sku in known or locked.already_counted(line.sku, event.warehouse, event.counted_at):
            continue
        levels = locked.of(line.sku, event.warehouse)
        on_hand = line.on_hand + moved.get(line.sku, 0)
        promised = sum(level.reserved + level.held for level in levels)
        if on_hand < promised:
            raise CountBelowReserved(
                f"lines.{position}.on_hand: {on_hand} would be left of {line.sku}, but {promised}"
                " are promised; report a short pick of a parcel that cannot be packed, or cancel"
                " orders until that many are free, and send the count again",
                field=f"lines.{position}.on_hand",
                sku=line.sku,
                warehouse=event.warehouse,
            )
        changes += spread(levels, on_hand - sum(level.on_hand for level in levels))
    movements = [
        Movement(change.key, MovementKind.COUNT, change.on_hand, event.count_id, event.counted_at)
        for change in changes
    ]
    if movements:
        tx.write(
            stock.change(changes, counted_at=event.counted_at),
            stock.record(tx, movements, actor=event.warehouse),
            outbox.put(tx, *increased(locked, changes)),
        )
