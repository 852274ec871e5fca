"""When those who wait can be served by what is free and what is on its way. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from shared.inbound.types import Lot, Waiter


def expected(
    waitlist: Iterable[Waiter], lots: Iterable[Lot], releases: Mapping[str, datetime]
) -> dict[str, datetime | None]:
    """The earliest moment at which each waiter can have all that it wants, in their order.

    Whoever is further ahead takes the earliest units that it may use, also while it still waits
    for others. Who can never have all it wants takes nothing, and so stands in nobody's way.

    Args:
        waitlist: the most urgent first.
        lots: what can be promised from when on, in any order.
        releases: SKU -> from when on it may be sent, of those that are not released yet. Of one
            of which not a unit is there or announced, its release is all that is known.

    Returns:
        Waiter -> moment; None where nothing covers it.

    Complexity: O(l log l + n l) time for n waiters and l lots of one SKU; what is used up is not
    looked at again.
    """
    queues: dict[str, list[Lot]] = defaultdict(list)
    for lot in sorted(lots, key=lambda lot: (lot.at, lot.warehouse)):
        queues[lot.sku].append(lot)
    left = {sku: [lot.units for lot in queue] for sku, queue in queues.items()}
    return {waiter.name: _served(waiter, queues, left, releases) for waiter in waitlist}


def _served(
    waiter: Waiter,
    queues: Mapping[str, list[Lot]],
    left: Mapping[str, list[int]],
    releases: Mapping[str, datetime],
) -> datetime | None:
    moments: list[datetime] = []
    taken: list[tuple[str, int, int]] = []  # SKU, position in its queue, units
    for sku, wanted in waiter.wants.items():
        if sku in releases:
            moments.append(releases[sku])
            if sku not in queues:
                continue
        missing = wanted
        for position, lot in enumerate(queues.get(sku, ())):
            if waiter.may_take(lot) and left[sku][position]:
                units = min(missing, left[sku][position])
                taken.append((sku, position, units))
                missing -= units
                if not missing:
                    moments.append(lot.at)
                    break
        if missing:
            return None
    for sku, position, units in taken:
        left[sku][position] -= units
    for sku in waiter.wants:
        _forget_empty(queues.get(sku, []), left.get(sku, []))
    return max(moments)


def _forget_empty(queue: list[Lot], left: list[int]) -> None:
    """Drop what is used up at the head; the SKU keeps its queue, so that it stays known."""
    empty = next((n for n, units in enumerate(left) if units), len(left))
    del queue[:empty], left[:empty]
