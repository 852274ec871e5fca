"""A warehouse corrected its stock by hand: book it, once, with the reason."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from shared.contracts.stock import AdjustmentKind, StockAdjusted
from shared.flows.booking import as_of
from shared.flows.happened import happened
from shared.flows.stocked import checked_warehouse, told
from shared.flows.waitlist import share_out
from shared.ops.promised_to import promised_to
from shared.platform.db import Transaction
from shared.stock import partitions
from shared.stock import store as stock
from shared.stock.types import (
    AdjustmentBelowPromised,
    Change,
    Level,
    Movement,
    MovementKind,
)


@dataclass(slots=True)
class _Adjustment:
    """All that one adjustment does to a SKU in one way."""

    position: int  # of the first line that says so
    units: int = 0
    reasons: dict[str, None] = field(default_factory=dict)  # in their order


def adjust_stock(tx: Transaction, event: StockAdjusted, *, actor: str | None = None) -> None:
    """Book an adjustment as of its time. The same again changes nothing, whatever its event id.

    `actor` is who says so; None: the warehouse itself.

    Raises:
        AheadOfNow, LongAgo, UnknownWarehouse, UnknownSku, KitHasNoStock: names the field.
        AdjustmentBelowPromised: more is gone than is free; nothing of it is booked.
    """
    event = happened(tx, event, "adjusted_at")
    skus = [line.sku for line in event.lines]
    checked_warehouse(tx, event.warehouse, skus)
    stock.ensure_levels(tx, event.warehouse, skus)
    locked = stock.lock(tx, [(sku, event.warehouse) for sku in skus])
    known = {
        kind: stock.booked(tx, event.warehouse, kind, event.adjustment_id, skus)
        for kind in (MovementKind.ADJUSTMENT, MovementKind.WRITE_OFF)
    }
    levels = {sku: locked.of(sku, event.warehouse) for sku in skus}
    wanted: list[Movement] = []
    for (sku, kind), adjustment in sorted(_adjustments(event).items()):
        if sku in known[kind]:
            continue
        if locked.already_counted(sku, event.warehouse, event.adjusted_at):
            changes: Sequence[Change] = [Change(levels[sku][0].key, on_hand=adjustment.units)]
        else:
            changes = _taken(tx, levels[sku], adjustment)
            levels[sku] = list(_after(levels[sku], changes))
        wanted += [
            Movement(
                change.key,
                kind,
                change.on_hand,
                event.adjustment_id,
                event.adjusted_at,
                reason=", ".join(adjustment.reasons),
            )
            for change in changes
        ]
    movements, made = as_of(locked, wanted)
    if movements:
        tx.write(
            stock.record(tx, movements, actor=actor or event.warehouse),
            stock.change(made),
            told(tx, [change.key for change in made]),
        )
        share_out(tx, locked, locked.after(made))


def _adjustments(event: StockAdjusted) -> dict[tuple[str, MovementKind], _Adjustment]:
    found: dict[tuple[str, MovementKind], _Adjustment] = {}
    for position, line in enumerate(event.lines):
        written_off = line.kind is AdjustmentKind.WRITE_OFF
        kind = MovementKind.WRITE_OFF if written_off else MovementKind.ADJUSTMENT
        adjustment = found.setdefault((line.sku, kind), _Adjustment(position))
        adjustment.units += line.quantity if line.kind is AdjustmentKind.UP else -line.quantity
        adjustment.reasons[line.reason] = None
    return found


def _taken(tx: Transaction, levels: Sequence[Level], adjustment: _Adjustment) -> Sequence[Change]:
    free = sum(level.free for level in levels)
    if free + adjustment.units < 0:
        (sku, warehouse, _), field_name = levels[0].key, f"lines.{adjustment.position}.quantity"
        names = promised_to(tx, [(sku, warehouse)]).get((sku, warehouse), "nobody")
        raise AdjustmentBelowPromised(
            f"{field_name}: {-adjustment.units} of {sku} are gone, but only {free} are free, the"
            f" others promised to {names}; report a short pick of a parcel that cannot be packed,"
            " or cancel orders or transfers until that many are, and send the adjustment again",
            field=field_name,
            sku=sku,
            warehouse=warehouse,
        )
    return partitions.difference(levels, adjustment.units)


def _after(levels: Sequence[Level], changes: Sequence[Change]) -> Iterator[Level]:
    made = {change.key: change for change in changes}
    for level in levels:
        yield level.after(made.get(level.key, Change(level.key)))
