"""A warehouse counted: make the balance what was counted, as of when it was counted."""

from collections.abc import Sequence

from shared.contracts.stock import StockCounted
from shared.flows.stocked import checked_warehouse
from shared.flows.waitlist import share_out
from shared.kit.errors import Malformed
from shared.ops import stock_books
from shared.platform.db import Transaction
from shared.stock import partitions
from shared.stock import store as stock
from shared.stock.types import (
    SHUT,
    Change,
    CountBelowReserved,
    Key,
    Level,
    Locked,
    Movement,
    MovementKind,
    together,
)


def count_stock(tx: Transaction, event: StockCounted) -> None:
    """Apply a count as of its time: what has moved since then stays moved.

    A count that is not newer than the one applied before it changes nothing, per SKU, and neither
    does one whose `count_id` was booked before. A balance that is fenced off is right again: what
    is there was counted, and what is promised is what parcels and holds say.

    Raises:
        UnknownWarehouse, UnknownSku: names the field.
        CountBelowReserved: fewer units are there than are promised; nothing of it is applied.
    """
    skus = [line.sku for line in event.lines]
    if len(set(skus)) < len(skus):
        raise Malformed("lines: a SKU is counted twice", field="lines")
    checked_warehouse(tx, event.warehouse, skus)
    stock.ensure_levels(tx, event.warehouse, skus)
    found = stock.lock(tx, [(sku, event.warehouse) for sku in skus])
    locked = _with_true_promises(tx, found)
    known = stock.booked(tx, event.warehouse, MovementKind.COUNT, event.count_id, skus)
    moved = stock.moved_since(tx, event.warehouse, skus, event.counted_at)
    changes: list[Change] = []
    for position, line in enumerate(event.lines):
        if line.sku in known or locked.already_counted(line.sku, event.warehouse, event.counted_at):
            continue
        levels = locked.of(line.sku, event.warehouse)
        on_hand = line.on_hand + moved.get(line.sku, 0)
        promised = sum(level.promised for level in levels)
        if on_hand < promised:
            raise CountBelowReserved(
                f"lines.{position}.on_hand: {on_hand} would be left of {line.sku}, but {promised}"
                " are promised; report a short pick of a parcel that cannot be packed, or cancel"
                " orders until that many are free, and send the count again",
                field=f"lines.{position}.on_hand",
                sku=line.sku,
                warehouse=event.warehouse,
            )
        missing = on_hand - sum(level.on_hand for level in levels)
        # The first row says when it was counted, also where nothing is added to it.
        changes += [Change(levels[0].key), *partitions.difference(levels, missing)]
    if not changes:
        return
    made = together(changes, empty_too=True)
    right = _right_again(locked, made)
    if right:
        tx.write(stock.put(right))
    done = {level.key for level in right}
    tx.write(
        stock.change(
            [Change(change.key) if change.key in done else change for change in made],
            counted_at=event.counted_at,
        ),
        stock.record(tx, [_movement(event, change) for change in made], actor=event.warehouse),
    )
    share_out(tx, found, locked.after(made).replaced(right))


def _with_true_promises(tx: Transaction, found: Locked) -> Locked:
    """The balances, those that are fenced off with the promises that parcels and holds say."""
    fenced = {key[:2] for key, level in found.levels.items() if level.is_broken}
    wrong = stock_books.not_right(tx, fenced, SHUT) if fenced else ()
    return found.replaced(
        found.at(Key(books.sku, books.warehouse, books.partition))._replace(
            reserved=books.in_parcels,
            held=books.in_holds,
        )
        for books in wrong
    )


def _right_again(locked: Locked, made: Sequence[Change]) -> list[Level]:
    """The rows of counted balances of which one was fenced off, as they are from now on."""
    fenced = {key[:2] for key, level in locked.levels.items() if level.is_broken}
    counted = fenced & {change.key[:2] for change in made}
    after = locked.after(made).levels
    return [level.unfenced for key, level in sorted(after.items()) if key[:2] in counted]


def _movement(event: StockCounted, change: Change) -> Movement:
    return Movement(
        change.key, MovementKind.COUNT, change.on_hand, event.count_id, event.counted_at
    )
