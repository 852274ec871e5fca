"""Which parcels of one site to combine."""

import itertools
from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from operator import attrgetter
from typing import NamedTuple

from shared.placement.tariffs import Band

# Beyond this many combinations of parcels for one site the search stops being exact and says so.
MAX_BUNDLES = 400
MOST_LOOKED_AT = 2_000  # to find these; where there is one day, each that is looked at is one


class Bundle(NamedTuple):
    """Parcels of one site, used together. `bands` is None for "whatever was not listed"."""

    up_to_g: int
    up_to_mm3: int
    lines: int  # that one of the parcels takes, as bits
    cost_cents: int
    bands: tuple[Band, ...] | None


def bundles(
    of_site: Sequence[Band], everything: Band, left: Sequence[int], ceiling_cents: int
) -> list[Bundle]:
    """Every combination of parcels of one site worth trying, ascending by cost.

    Left out, because a plan without them is as cheap and has fewer parcels: combinations dearer
    than one parcel that holds all the site can ship; combinations with two parcels that one other
    parcel of their days replaces; parcels that leave on a later day than they could; anything above
    `ceiling_cents`, the cost of a plan that is known already. After `MAX_BUNDLES` the rest is one
    entry without bands whose cost no unlisted combination undercuts, so bounds stay true.

    Args:
        of_site: ascending by cost.
        everything: what the site can ship, all together, as one parcel; its cost is not looked at.
        left: how many parcels the site may send on each of its days; on the first, one at least.
        ceiling_cents: see above.
    """
    first_day = [band for band in of_site if not band.departure]
    found = [_bundle(band, (band,)) for band in first_day]
    if sum(left) == 1 or not found:
        return found
    for band in first_day:
        if band.holds(everything):
            ceiling_cents = min(ceiling_cents, band.cost_cents - 1)
            break
    cheapest_cents = found[0].cost_cents
    if 2 * cheapest_cents > ceiling_cents:
        return found
    useful = list(of_site)
    if cheapest_cents:
        most = ceiling_cents // cheapest_cents
        before = [*itertools.accumulate(left, initial=0)]
        useful = [band for band in of_site if before[band.departure] < most]
    found.extend(_combinations(useful, everything, left, ceiling_cents))
    found.sort(key=attrgetter("cost_cents"))  # stable: fewer parcels stay first
    return found


def _bundle(together: Band, parcels: tuple[Band, ...]) -> Bundle:
    return Bundle(*together[:4], parcels)


def _combinations(
    of_site: Sequence[Band], everything: Band, left: Sequence[int], ceiling_cents: int
) -> list[Bundle]:
    """Two or more parcels together, cheapest first, by extending cheaper combinations."""
    partners = _irreplaceable(of_site, everything, ceiling_cents)
    queue: list[tuple[int, int, tuple[int, ...], Band]] = [
        (band.cost_cents, 1, (index,), band) for index, band in enumerate(of_site)
    ]
    heapify(queue)
    found: list[Bundle] = []
    for looked_at in itertools.count():
        if not queue:
            break
        cost_cents, parcels, members, together = heappop(queue)
        if len(found) == MAX_BUNDLES or looked_at == MOST_LOOKED_AT:
            found.append(Bundle(*everything[:3], cost_cents, None))
            break
        sent = [0] * len(left)
        for member in members:
            sent[of_site[member].departure] += 1
        if parcels > 1 and _leaves_at_once(sent, left):
            found.append(_bundle(together, tuple([of_site[index] for index in members])))
        for index in range(members[-1], len(of_site)):
            total_cents = cost_cents + of_site[index].cost_cents
            if total_cents > ceiling_cents:
                break
            day = of_site[index].departure
            if sent[day] == left[day]:
                continue
            if all((member, index) in partners for member in members):
                both = _together(together, of_site[index], everything)
                heappush(queue, (total_cents, parcels + 1, (*members, index), both))
    return found


def _leaves_at_once(sent: Sequence[int], left: Sequence[int]) -> bool:
    """Whether no parcel leaves on a day while one before it has room."""
    has_room = False
    for parcels, most in zip(sent, left, strict=True):
        if parcels and has_room:
            return False
        has_room = has_room or parcels < most
    return True


def _irreplaceable(
    of_site: Sequence[Band], everything: Band, ceiling_cents: int
) -> set[tuple[int, int]]:
    """Pairs of bands, by position, whose content no parcel of their days takes at their cost."""
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
                if one.departure in {first.departure, of_site[high].departure} and one.holds(both):
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
