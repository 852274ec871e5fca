"""How what is reported late, or of a balance with several partitions, is booked."""

from collections.abc import Iterable, Iterator, Sequence

from shared.stock.types import Change, Level, Locked, Movement, MovementKind


def as_of(locked: Locked, movements: Iterable[Movement]) -> tuple[list[Movement], list[Change]]:
    """Movements as they are booked, and what they do to on-hand.

    A count has seen what had moved before it. Such a movement is booked together with the
    correction that leaves the balance as it was counted.
    """
    booked, changes = [], []
    for movement in movements:
        booked.append(movement)
        key, quantity = movement.key, movement.quantity
        counted_at = locked.counted_at.get((key.sku, key.warehouse))
        if counted_at is not None and movement.occurred_at <= counted_at:
            reference = f"late:{movement.kind}:{movement.reference}"
            booked.append(Movement(key, MovementKind.COUNT, -quantity, reference, counted_at))
        else:
            changes.append(Change(key, on_hand=quantity))
    return booked, changes


def spread(levels: Sequence[Level], difference: int) -> Iterator[Change]:
    """The first partition takes the difference; what it has not got free, the others give."""
    first, *others = levels
    mine = max(difference, -first.free)
    yield Change(first.key, on_hand=mine)
    for level in others:
        theirs = max(difference - mine, -level.free)
        if theirs:
            yield Change(level.key, on_hand=theirs)
            mine += theirs
