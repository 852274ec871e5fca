"""How what is reported late, or of a balance with several partitions, is booked."""

from collections.abc import Iterable
from datetime import datetime

from shared.stock import partitions
from shared.stock.types import Change, Locked, Movement, MovementKind


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


def arrivals(
    locked: Locked,
    sku: str,
    warehouse: str,
    quantity: int,
    *,
    kind: MovementKind,
    reference: str,
    occurred_at: datetime,
    reason: str = "",
) -> list[Movement]:
    """Units that come to a warehouse, in the partitions that they go to."""
    return [
        Movement(key, kind, units, reference, occurred_at, reason)
        for key, units in partitions.added(locked.of(sku, warehouse), quantity)
    ]
