"""What the books of stock date ahead of now is dated back, and what that had hidden is booked."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from shared.contracts.stock import CountedUnits
from shared.contracts.stock_facts import StockCountWanted
from shared.drifts import store as drifts
from shared.drifts.types import Drift, Figure, Finding, Outcome
from shared.flows.count_stock import count_again
from shared.ops import dated_ahead
from shared.ops.dated_ahead import AheadOfItself, DatedAhead
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.stock import store as stock
from shared.stock.types import Key, Movement, MovementKind

_WHY = "dated back: nothing has moved at a moment to come"
_BEFORE = timedelta(microseconds=1)


def date_back(
    tx: Transaction, places: Collection[tuple[str, str]], run_id: str, actor: str
) -> Sequence[Drift]:
    """Set right which counts and movements of locked balances are dated ahead of now.

    A count that is dated ahead is newer than all that is reported until then: later counts were
    ignored, and what moved was taken for something that it had seen already. It is of the moment
    when it was recorded, and so is every movement. The ledger keeps what it has: one entry takes
    the movement off again at the moment to come, another adds it where it belongs. What moved after
    the count, and was not booked for it, is booked as if the count came only now: where that leaves
    less than is promised, the balance is fenced off as after any such count. In the end somebody is
    to count, for those who did were not heard.

    Returns:
        What was found, which is kept.
    """
    found = dated_ahead.places(tx, places)
    if not found:
        return ()
    by_place: dict[tuple[str, str], list[DatedAhead]] = defaultdict(list)
    for moved in dated_ahead.movements(tx, [(one.sku, one.warehouse) for one in found]):
        by_place[moved.sku, moved.warehouse].append(moved)
    drifts_found = []
    for one in found:
        ahead = by_place[one.sku, one.warehouse]
        hidden = [moved for moved in ahead if _is_hidden(moved, one)]
        counted_at = one.counted_at or _before(hidden)
        tx.write(
            stock.counted(one.sku, one.warehouse, None if hidden else counted_at),
            stock.record(tx, [m for moved in ahead for m in _twins(moved, counted_at)], actor),
        )
        if hidden and counted_at is not None:
            _count_anew(tx, one, hidden, counted_at, run_id=run_id, actor=actor)
        drifts_found.append(_drift(tx, one, len(ahead), len(hidden)))
    wanted: dict[str, list[str]] = defaultdict(list)
    for one in found:
        wanted[one.warehouse].append(one.sku)
    tx.write(
        drifts.record(tx, drifts_found, run_id, actor),
        outbox.put(
            tx,
            *(
                StockCountWanted(warehouse=warehouse, skus=tuple(skus), fenced=())
                for warehouse, skus in sorted(wanted.items())
            ),
        ),
    )
    return drifts_found


def _is_hidden(moved: DatedAhead, at: AheadOfItself) -> bool:
    """Whether it takes off again what in truth moved after the count."""
    return moved.corrects_at is not None and (
        at.counted_at is None or moved.corrects_at > at.counted_at
    )


def _before(hidden: Sequence[DatedAhead]) -> datetime | None:
    """A moment at which the books were right still, where nobody ever counted."""
    return min(moved.recorded_at for moved in hidden) - _BEFORE if hidden else None


def _twins(moved: DatedAhead, counted_at: datetime | None) -> tuple[Movement, Movement]:
    """The entries that move it from the moment to come to when it was recorded.

    What belongs to a count is of its moment: it had been before, whoever counted.
    """
    key = Key(moved.sku, moved.warehouse, moved.partition)
    is_counts = moved.kind == MovementKind.COUNT
    moment = counted_at if is_counts and counted_at is not None else moved.recorded_at
    off, on = f"ahead:{moved.movement_id}", f"back:{moved.movement_id}"
    return (
        Movement(key, MovementKind.REPAIR, -moved.quantity, off, moved.occurred_at, _WHY),
        Movement(key, MovementKind.REPAIR, moved.quantity, on, moment, _WHY),
    )


def _count_anew(
    tx: Transaction,
    at: AheadOfItself,
    hidden: Sequence[DatedAhead],
    counted_at: datetime,
    *,
    run_id: str,
    actor: str,
) -> None:
    """Apply the count as of its true moment, after which more has moved than was thought."""
    there = sum(level.on_hand for level in stock.lock(tx, [(at.sku, at.warehouse)]).levels.values())
    moved = stock.moved_since(tx, at.warehouse, [at.sku], counted_at).get(at.sku, 0)
    on_hand = there - sum(correction.quantity for correction in hidden) - moved
    line = CountedUnits(sku=at.sku, on_hand=max(0, on_hand))
    count_again(tx, (at.warehouse, run_id, counted_at), [line], actor)


def _drift(tx: Transaction, at: AheadOfItself, movements: int, hidden: int) -> Drift:
    ahead_s = int((at.latest - tx.now).total_seconds())
    counted = "never" if at.counted_at is None else f"{at.counted_at:%Y-%m-%dT%H:%M:%SZ}"
    explained_by = (
        f"seconds that {at.latest:%Y-%m-%dT%H:%M:%SZ} is ahead of now; counted last {counted},"
        f" {movements} movements dated back, {hidden} of them hid what moved since"
    )
    finding = Finding(Figure.MOMENT, ahead_s, 0, explained_by)
    return Drift(at.sku, at.warehouse, 0, finding, Outcome.REPAIRED)
