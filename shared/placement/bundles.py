"""Which parcels of one site to combine."""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from operator import attrgetter
from typing import NamedTuple

from shared.placement.tariffs import Band

# Beyond this many combinations of parcels for one site the search stops being exact and says so.
MAX_BUNDLES = 400


class Bundle(NamedTuple):
    """Parcels of one site, used together. `bands` is None for "whatever was not listed"."""

    up_to_g: int
    up_to_mm3: int
    lines: int  # that one of the parcels takes, as bits
    cost_cents: int
    bands: tuple[Band, ...] | None


def bundles(
    of_site: Sequence[Band], everything: Band, most_parcels: int, ceiling_cents: int
) -> list[Bundle]:
    """Every combination of parcels of one site worth trying, ascending by cost.

    Left out, because a plan without them is as cheap and has fewer parcels: combinations dearer
    than one parcel that holds all the site can ship; combinations with two parcels that one other
    parcel replaces; anything above `ceiling_cents`, the cost of a plan that is known already. After
    `MAX_BUNDLES` the rest is summed up in one entry without bands whose cost no unlisted
    combination undercuts, so bounds stay true.

    Args:
        of_site: ascending by cost.
        everything: what the site can ship, all together, as one parcel; its cost is not looked at.
        most_parcels: how many the site may send.
        ceiling_cents: see above.
    """
    found = [Bundle(*band, (band,)) for band in of_site]
    if most_parcels == 1 or not found:
        return found
    for band in of_site:
        if band.holds(everything):
            ceiling_cents = min(ceiling_cents, band.cost_cents - 1)
            break
    if 2 * found[0].cost_cents > ceiling_cents:
        return found
    found.extend(_combinations(of_site, everything, most_parcels, ceiling_cents))
    found.sort(key=attrgetter("cost_cents"))  # stable: fewer parcels stay first
    return found


def _combinations(
    of_site: Sequence[Band], everything: Band, most_parcels: int, ceiling_cents: int
) -> list[Bundle]:
    """Two or more parcels together, cheapest first, by extending cheaper combinations."""
    partners = _irreplaceable(of_site, everything, ceiling_cents)
    queue: list[tuple[int, int, tuple[int, ...], Band]] = [
        (band.cost_cents, 1, (index,), band) for index, band in enumerate(of_site)
    ]
    heapify(queue)
    found: list[Bundle] = []
    while queue:
        cost_cents, parcels, members, together = heappop(queue)
        if len(found) == MAX_BUNDLES:
            found.append(Bundle(*everything[:3], cost_cents, None))
            break
        if parcels > 1:
            found.append(Bundle(*together, tuple([of_site[index] for index in members])))
        if parcels == most_parcels:
            continue
        for index in range(members[-1], len(of_site)):
            total_cents = cost_cents + of_site[index].cost_cents
            if total_cents > ceiling_cents:
                break
            if all((member, index) in partners for member in members):
                both = _together(together, of_site[index], everything)
                heappush(queue, (total_cents, parcels + 1, (*members, index), both))
    return found


def _irreplaceable(
    of_site: Sequence[Band], everything: Band, ceiling_cents: int
) -> set[tuple[int, int]]:
    """Pairs of bands, by position, whose content no single parcel takes at the same cost."""
    pairs: set[tuple[int, int]] = set()
    for low, first in enumerate(of_site):
        for high in range(low, len(of_site)):
            if first.cost_cents + of_site[high].cost_cents > ceiling_cents:
                break
            both = _together(first, of_site[high], everything)
            for one in of_site[high + 1 :]:
                if one.cost_cents > both.cost_cents:
                    pairs.add((low, high))
                    break
                if one.holds(both):
                    break
            else:
                pairs.add((low, high))
    return pairs


def _together(first: Band, second: Band, everything: Band) -> Band:
    """What two parcels hold together, of what there is."""
    return Band(
        min(first.up_to_g + second.up_to_g, everything.up_to_g),
        min(first.up_to_mm3 + second.up_to_mm3, everything.up_to_mm3),
        first.lines | second.lines,
        first.cost_cents + second.cost_cents,
    )
