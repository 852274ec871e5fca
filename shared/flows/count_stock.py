"""A warehouse counted: make the balance what was counted, as of when it was counted."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from shared.contracts.stock import CountedUnits, StockCounted
from shared.contracts.stock_facts import StockCountWanted
from shared.drifts import store as drifts
from shared.drifts.types import Drift, Figure, Finding, Outcome
from shared.flows.happened import happened
from shared.flows.stocked import checked_warehouse, told
from shared.flows.waitlist import share_out
from shared.kit.errors import Malformed
from shared.kit.ids import new_id
from shared.ops import stock_books
from shared.ops.promised_to import promised_to
from shared.orders import store as orders
from shared.platform import log, outbox
from shared.platform.db import Transaction
from shared.stock import open_counts, partitions
from shared.stock import store as stock
from shared.stock.open_counts import OpenCount
from shared.stock.types import (
    FEWER_COUNTED,
    SHUT,
    Change,
    Key,
    Level,
    Locked,
    Movement,
    MovementKind,
    together,
)


class _Short(NamedTuple):
    """A SKU of which fewer are there than are promised."""

    line: CountedUnits
    on_hand: int  # now, by the count
    promised: int
    is_known: bool  # this count is open already


def count_stock(tx: Transaction, event: StockCounted, *, actor: str | None = None) -> None:
    """Apply a count as of its time: what has moved since then stays moved.

    `actor` is who counted; None: the warehouse itself.

    A count that is not newer than the one before it changes nothing, per SKU, and neither does one
    whose `count_id` was booked before. A balance that is fenced off is right again: what is there
    was counted, and what is promised is what parcels and holds say.

    Of a SKU of which fewer are there than are promised nobody loses what they were promised, and
    the others are counted all the same. Its balance is fenced off and the count kept, until
    `settle_counts` or a later count finds no more promised than there are.

    Raises:
        AheadOfNow, LongAgo, UnknownWarehouse, UnknownSku: names the field.
    """
    event = happened(tx, event, "counted_at")
    skus = [line.sku for line in event.lines]
    if len(set(skus)) < len(skus):
        raise Malformed("lines: a SKU is counted twice", field="lines")
    checked_warehouse(tx, event.warehouse, skus)
    stock.ensure_levels(tx, event.warehouse, skus)
    places = [(sku, event.warehouse) for sku in skus]
    found = stock.lock(tx, places)
    locked = _with_true_promises(tx, found)
    waiting = open_counts.at(tx, places)
    known = stock.booked(tx, event.warehouse, MovementKind.COUNT, event.count_id, skus)
    # What a short pick missed later, a count that is open has not found either.
    again = {count.sku for count in waiting.values() if _is_same(count, event)}
    moved = stock.moved_since(tx, event.warehouse, skus, event.counted_at, not_missed=again)
    changes: list[Change] = []
    short: list[_Short] = []
    for line in event.lines:
        place = line.sku, event.warehouse
        if (
            line.sku in known
            or locked.already_counted(*place, event.counted_at)
            or (place in waiting and event.counted_at < waiting[place].counted_at)
        ):
            continue
        levels = locked.of(*place)
        on_hand = line.on_hand + moved.get(line.sku, 0)
        promised = sum(level.promised for level in levels)
        if on_hand < promised:
            is_known = line.sku in again and waiting[place].on_hand == line.on_hand
            short.append(_Short(line, on_hand, promised, is_known))
            continue
        missing = on_hand - sum(level.on_hand for level in levels)
        # The first row says when it was counted, also where nothing is added to it.
        changes += [Change(levels[0].key), *partitions.difference(levels, missing)]
    by = actor or event.warehouse
    news = [one for one in short if not one.is_known]
    if news:
        _fence_off(tx, event, news, found, by)
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
        stock.record(tx, [_movement(event, change) for change in made], actor=by),
        told(tx, [change.key for change in made]),
        *([open_counts.settle({change.key[:2] for change in made})] if waiting else []),
        orders.found_again(
            tx, {change.key.sku for change in made}, event.warehouse, event.counted_at
        ),
    )
    share_out(tx, found, locked.after(made).replaced(right))


def settle_counts(tx: Transaction, places: Collection[tuple[str, str]]) -> bool:
    """Apply what is open of counts there, where no more is promised than there are by now.

    Returns:
        Whether any count was open.
    """
    waiting = open_counts.at(tx, places)
    same: dict[tuple[str, str, datetime, str], list[CountedUnits]] = defaultdict(list)
    for count in waiting.values():
        said = count.warehouse, count.count_id, count.counted_at, count.actor
        same[said].append(CountedUnits(sku=count.sku, on_hand=count.on_hand))
    for (warehouse, count_id, counted_at, actor), lines in same.items():
        count_again(tx, (warehouse, count_id, counted_at), lines, actor)
    return bool(waiting)


def count_again(
    tx: Transaction,
    said: tuple[str, str, datetime],
    lines: Sequence[CountedUnits],
    actor: str,
) -> None:
    """Apply what was counted as if it were reported now: `said` is by whom, as which, and when."""
    event = dict(zip(("warehouse", "count_id", "counted_at"), said, strict=True), lines=lines)
    count_stock(tx, StockCounted.model_validate(event), actor=actor)


def _is_same(count: OpenCount, event: StockCounted) -> bool:
    return (count.count_id, count.counted_at) == (event.count_id, event.counted_at)


def _fence_off(
    tx: Transaction, event: StockCounted, short: Sequence[_Short], found: Locked, actor: str
) -> None:
    """Promise nothing more of these SKUs, keep the count, and say whose promises are in the way."""
    places = [(one.line.sku, event.warehouse) for one in short]
    names = promised_to(tx, places)
    fenced = [
        level._replace(fenced_for=FEWER_COUNTED) for place in places for level in found.of(*place)
    ]
    new = tuple(sorted({level.sku for level in fenced if not found.at(level.key).is_broken}))
    tx.write(
        stock.put(fenced),
        open_counts.keep(
            OpenCount(
                one.line.sku,
                event.warehouse,
                event.count_id,
                event.counted_at,
                one.line.on_hand,
                actor,
            )
            for one in short
        ),
        drifts.record(
            tx,
            [
                Drift(*place, 0, _finding(event, one, names.get(place)), Outcome.FENCED)
                for place, one in zip(places, short, strict=True)
            ],
            new_id("rec"),
            actor,
        ),
        *(
            [outbox.put(tx, StockCountWanted(warehouse=event.warehouse, skus=new, fenced=new))]
            if new
            else []
        ),
    )
    for one in short:
        log.line(
            "stock.fewer_counted",
            "WARNING",
            sku=one.line.sku,
            warehouse=event.warehouse,
            count_id=event.count_id,
            on_hand=one.on_hand,
            promised=one.promised,
        )


def _finding(event: StockCounted, one: _Short, names: str | None) -> Finding:
    """`names` is whose promises are in the way; None: more has left than were counted before."""
    why = "more has left since than it found" if names is None else f"promised to {names}"
    explained_by = f"units on hand by count {event.count_id}; {why}"
    return Finding(Figure.PROMISED, one.promised, one.on_hand, explained_by)


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
