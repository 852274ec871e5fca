"""What a site's parcel costs by weight, all its carriers together, and what parcels to combine.

A parcel is free to choose the cheapest carrier for its weight, so the tariffs of a site melt into
one price per weight. From there on the search sees `Band`s only: "a parcel of this site that weighs
more than `over_g` and at most `up_to_g` costs at most `cost_cents`".
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from shared.placement.types import Tariff

# Beyond this many combinations of parcels for one site the search stops being exact and says so.
MAX_BUNDLES = 400


@dataclass(frozen=True, slots=True)
class Quote:
    """The cheapest way to send one parcel of a given weight."""

    tariff: Tariff
    freight_cents: int

    @property
    def cost_cents(self) -> int:
        return self.tariff.handling_cents + self.freight_cents


@dataclass(frozen=True, slots=True)
class Band:
    """Parcels above `over_g` up to `up_to_g` cost at most `cost_cents`."""

    over_g: int
    up_to_g: int
    cost_cents: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """Parcels of one site, used together. `bands` is None for "whatever was not listed"."""

    up_to_g: int
    cost_cents: int
    bands: tuple[Band, ...] | None


def quote(tariffs: Sequence[Tariff], weight_g: int) -> Quote | None:
    """The cheapest tariff for one parcel, or None where none carries it.

    Ties go to the smaller carrier name, then to the smaller rate card id.
    """
    best: Quote | None = None
    for tariff in tariffs:
        position = bisect_left(tariff.steps, weight_g, key=lambda step: step.max_weight_g)
        if position == len(tariff.steps):
            continue
        offer = Quote(tariff, tariff.steps[position].price_cents)
        if best is None or _rank(offer) < _rank(best):
            best = offer
    return best


def heaviest_g(tariffs: Sequence[Tariff]) -> int:
    """The weight above which no carrier takes a parcel; 0 where there is none at all."""
    return max((tariff.steps[-1].max_weight_g for tariff in tariffs if tariff.steps), default=0)


def bands(tariffs: Sequence[Tariff], least_g: int, most_g: int) -> tuple[Band, ...]:
    """The useful weight bands of a site, ascending by weight.

    `least_g` is the weight of the lightest unit it can ship, `most_g` that of all of them together.

    A band reaches down as far as lighter parcels cost no more, which is to 0 where prices ascend.
    It is dropped when another reaches as low and as high at no higher cost: any plan that used it
    can use the other.
    """
    pieces = _pieces(tariffs, least_g, most_g)
    kept: list[Band] = []
    for index in range(len(pieces) - 1, -1, -1):
        up_to_g, cost_cents = pieces[index]
        over_g = 0
        for lower_g, lower_cents in reversed(pieces[:index]):
            if lower_cents > cost_cents:
                over_g = lower_g
                break
        if not any(b.cost_cents <= cost_cents and b.over_g <= over_g for b in kept):
            kept.append(Band(over_g, up_to_g, cost_cents))
    kept.reverse()
    return tuple(kept)


def bundles(
    of_site: Sequence[Band], most_g: int, most_units: int, ceiling_cents: int
) -> list[Bundle]:
    """Every combination of parcels of one site worth trying, ascending by cost.

    Left out, because a plan without them is as cheap and has fewer parcels: combinations dearer
    than one parcel that holds all the site can ship; combinations with two parcels that one other
    parcel replaces; more parcels than units; anything above `ceiling_cents`, the cost of a plan
    that is known already. After `MAX_BUNDLES` the rest is summed up in one entry without bands
    whose cost no unlisted combination undercuts, so bounds stay true.
    """
    found = [Bundle(band.up_to_g, band.cost_cents, (band,)) for band in of_site]
    found.sort(key=lambda bundle: (bundle.cost_cents, bundle.up_to_g))
    if most_units == 1 or not found:
        return found
    if takes_all(of_site[-1], most_g):
        ceiling_cents = of_site[-1].cost_cents - 1
    if 2 * found[0].cost_cents > ceiling_cents:
        return found
    found.extend(_combinations(of_site, most_g, most_units, ceiling_cents))
    found.sort(key=lambda bundle: (bundle.cost_cents, len(bundle.bands or ()), bundle.up_to_g))
    return found


def takes_all(heaviest: Band, most_g: int) -> bool:
    """Whether one parcel in the heaviest band holds whatever the site may ship."""
    return heaviest.over_g == 0 and heaviest.up_to_g >= most_g


def _combinations(
    of_site: Sequence[Band], most_g: int, most_units: int, ceiling_cents: int
) -> list[Bundle]:
    """Two or more parcels together, cheapest first, by extending cheaper combinations."""
    partners = _irreplaceable(of_site, most_g)
    queue: list[tuple[int, int, int, tuple[int, ...]]] = [
        (band.cost_cents, 1, band.up_to_g, (index,)) for index, band in enumerate(of_site)
    ]
    heapify(queue)
    found: list[Bundle] = []
    while queue:
        cost_cents, parcels, up_to_g, members = heappop(queue)
        if len(found) == MAX_BUNDLES:
            found.append(Bundle(most_g, cost_cents, None))
            break
        if parcels > 1:
            chosen = tuple(of_site[index] for index in members)
            found.append(Bundle(min(up_to_g, most_g), cost_cents, chosen))
        if parcels == most_units:
            continue
        for index in range(members[-1], len(of_site)):
            total_cents = cost_cents + of_site[index].cost_cents
            if total_cents <= ceiling_cents and all((m, index) in partners for m in members):
                total_g = up_to_g + of_site[index].up_to_g
                heappush(queue, (total_cents, parcels + 1, total_g, (*members, index)))
    return found


def _irreplaceable(of_site: Sequence[Band], most_g: int) -> set[tuple[int, int]]:
    """Pairs of bands, by position, whose content no single parcel takes at the same cost."""
    pairs: set[tuple[int, int]] = set()
    for low, first in enumerate(of_site):
        for high in range(low, len(of_site)):
            second = of_site[high]
            together_g = min(first.up_to_g + second.up_to_g, most_g)
            together_cents = first.cost_cents + second.cost_cents
            if not any(
                one.over_g == 0 and one.up_to_g >= together_g and one.cost_cents <= together_cents
                for one in of_site
            ):
                pairs.add((low, high))
    return pairs


def _pieces(tariffs: Sequence[Tariff], least_g: int, most_g: int) -> list[tuple[int, int]]:
    """(heaviest weight, cost) of each stretch of constant price between the two, ascending."""
    if len(tariffs) == 1:
        only = tariffs[0]
        tops = [(s.max_weight_g, only.handling_cents + s.price_cents) for s in only.steps]
    else:
        ends_g = sorted({step.max_weight_g for tariff in tariffs for step in tariff.steps})
        quotes = ((end_g, quote(tariffs, end_g)) for end_g in ends_g)
        tops = [(end_g, best.cost_cents) for end_g, best in quotes if best is not None]
    pieces: list[tuple[int, int]] = []
    for end_g, cost_cents in tops:
        if end_g < least_g:
            continue
        pieces.append((min(end_g, most_g), cost_cents))
        if end_g >= most_g:
            break
    return pieces


def _rank(offer: Quote) -> tuple[int, str, str]:
    return offer.cost_cents, offer.tariff.carrier, offer.tariff.rate_card_id
