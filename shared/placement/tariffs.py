"""What a parcel of a site costs, all services together.

A parcel is free to choose the cheapest service for what it holds, so the tariffs of a site melt
into `Band`s: "a parcel of this site that holds at most so many grams and cubic millimetres, and
only these lines, counts at most so much". A lighter parcel may have the price of a heavier one,
save where a tariff takes more for it: then the band has a lower end, too.
"""

from bisect import bisect_left
from collections.abc import Sequence
from functools import cmp_to_key
from typing import NamedTuple

from shared.placement.types import NONE_NEEDED, Demand, Tariff

Units = tuple[int, ...]  # per line of the order

IMPOSSIBLE = 1 << 62  # more than any plan costs, in cents and in the parts of a cent of `bounds`


class Contents(NamedTuple):
    """What decides the price of a parcel."""

    weight_g: int
    volume_mm3: int = 0
    longest_mm: int = 0  # of its units
    needs: frozenset[str] = NONE_NEEDED


class Quote(NamedTuple):
    """The cheapest way to send one parcel."""

    tariff: Tariff
    chargeable_g: int
    freight_cents: int
    oversize_cents: int
    weighed_cents: int  # what is paid, and the penalty


class Band(NamedTuple):
    """Parcels within both bounds and of these lines count at most `cost_cents`.

    Where `above_g` is set, only those that weigh more than it, or fill more than `above_mm3`.
    """

    up_to_g: int
    up_to_mm3: int
    lines: int  # as bits
    cost_cents: int
    above_g: int = 0  # 0: it has no lower end
    above_mm3: int = IMPOSSIBLE
    departure: int = 0  # the day on which they leave: 0 the first

    def holds(self, other: "Band") -> bool:
        """Whether whatever fits into the other fits into this one."""
        return (
            self.up_to_g >= other.up_to_g
            and self.up_to_mm3 >= other.up_to_mm3
            and other.lines & ~self.lines == 0
            and self.above_g <= other.above_g
            and (not self.above_g or self.above_mm3 <= other.above_mm3)
        )

    def is_reached(self, weight_g: int, volume_mm3: int) -> bool:
        """Whether such a parcel is above the lower end."""
        return not self.above_g or weight_g > self.above_g or volume_mm3 > self.above_mm3


def contents(lines: Sequence[Demand], units: Units) -> Contents:
    """What these units are together."""
    weight_g = volume_mm3 = longest_mm = 0
    needs = NONE_NEEDED
    for line, count in zip(lines, units, strict=True):
        if count:
            weight_g += count * line.weight_g
            volume_mm3 += count * line.volume_mm3
            longest_mm = max(longest_mm, line.longest_mm)
            if line.needs:
                needs |= line.needs
    return Contents(weight_g, volume_mm3, longest_mm, needs)


def quote(tariffs: Sequence[Tariff], parcel: Contents) -> Quote | None:
    """The cheapest tariff for one parcel, or None where none carries it.

    Ties go to the smaller carrier name, then service, then rate card id, then to what costs less
    money.
    """
    weight_g, volume_mm3, longest_mm, needs = parcel
    best: Tariff | None = None
    best_cents = best_position = 0
    for tariff in tariffs:
        if (needs and not needs <= tariff.carries) or longest_mm > tariff.max_length_mm > 0:
            continue
        chargeable_g = (
            tariff.chargeable_g(weight_g, volume_mm3) if tariff.volume_divisor else weight_g
        )
        position = bisect_left(tariff.ends_g, chargeable_g)
        if position == len(tariff.ends_g):
            continue
        cents = tariff.weighed_cents[position]
        if longest_mm > tariff.oversize_mm > 0:
            cents += tariff.oversize_cents
        if (
            best is None
            or cents < best_cents
            or (cents == best_cents and _name(tariff) < _name(best))
        ):
            best, best_cents, best_position = tariff, cents, position
    if best is None:
        return None
    return Quote(
        best,
        best.chargeable_g(weight_g, volume_mm3),
        best.steps[best_position].price_cents,
        best.oversize_cents if longest_mm > best.oversize_mm > 0 else 0,
        best_cents,
    )


def least_cents(tariffs: Sequence[Tariff], weight_g: int) -> int:
    """What any parcel of this weight or more counts at least; `IMPOSSIBLE` where none is taken."""
    return min(
        [
            tariff.least_cents[position]
            for tariff in tariffs
            if (position := bisect_left(tariff.ends_g, weight_g)) < len(tariff.ends_g)
        ],
        default=IMPOSSIBLE,
    )


def dense_first(lines: Sequence[Demand]) -> tuple[int, ...]:
    """The positions of the lines, those first that weigh most for their volume."""

    def lighter(one: int, other: int) -> int:
        """Above 0 where the first weighs less for its volume; by products: fractions are slow."""
        first, second = lines[one], lines[other]
        return second.weight_g * first.volume_mm3 - first.weight_g * second.volume_mm3

    return tuple(sorted(range(len(lines)), key=cmp_to_key(lighter)))


def bands(
    tariffs: Sequence[Tariff],
    lines: Sequence[Demand],
    have: Units,
    dense: Sequence[int],
    split_cents: int,
    *,
    departure: int = 0,
) -> tuple[Band, ...]:
    """The useful bands of a site that can ship `have` on one day, ascending by cost.

    The bounds are cut to what it can ship, and each to what the other leaves room for. A band is
    dropped when another holds as much and is not dearer: any plan that used it can use the other.

    Args:
        tariffs: of the site, for that day.
        lines: of the order.
        have: units of each line.
        dense: `dense_first` of the lines.
        split_cents: added to every parcel.
        departure: which of the site's days it is.
    """
    all_g, all_mm3, _, _ = contents(lines, have)
    held = [line for line, units in zip(lines, have, strict=True) if units]
    heaviest_g = max([line.weight_g for line in held])
    largest_mm3 = max([line.volume_mm3 for line in held])
    found: list[Band] = []
    for tariff in tariffs:
        taken, long = _taken(tariff, lines, have)
        divisor = tariff.volume_divisor
        steps = zip(tariff.ends_g, tariff.weighed_cents, tariff.above_g, strict=True)
        for step, cents, above_g in steps:
            up_to_g = min(step, all_g)
            up_to_mm3 = all_mm3
            if divisor and step * divisor < all_mm3:
                up_to_mm3 = step * divisor
                up_to_g = min(up_to_g, _most_g(lines, have, dense, up_to_mm3))
            if all_mm3 and up_to_g < all_g:
                up_to_mm3 = min(up_to_mm3, _most_mm3(lines, have, dense, up_to_g))
            fitting = taken
            if up_to_g < heaviest_g or up_to_mm3 < largest_mm3:
                fitting = _fitting(taken, lines, up_to_g, up_to_mm3)
            cost_cents = cents + split_cents
            above = (above_g, above_g * divisor or IMPOSSIBLE, departure)
            if fitting & ~long:
                found.append(Band(up_to_g, up_to_mm3, fitting & ~long, cost_cents, *above))
            if fitting & long:
                cost_cents += tariff.oversize_cents
                found.append(Band(up_to_g, up_to_mm3, fitting, cost_cents, *above))
            if step >= all_g and (step * divisor >= all_mm3 or not divisor):
                break
    return _useful(found)


def _useful(found: list[Band]) -> tuple[Band, ...]:
    """Those that no other replaces, ascending by cost."""
    found.sort(
        key=lambda b: (b.cost_cents, -b.up_to_g, -b.up_to_mm3, -b.lines.bit_count(), b.above_g)
    )
    kept: list[Band] = []
    for band in found:
        for other in reversed(kept):  # the dearest holds most
            if other.holds(band):
                break
        else:
            kept.append(band)
    return tuple(kept)


def _most_g(lines: Sequence[Demand], have: Units, dense: Sequence[int], room_mm3: int) -> int:
    """The most that units in so much room weigh, could they be cut.

    Source: Dantzig, "Discrete-variable extremum problems", Operations Research 5 (1957).
    """
    weight_g = 0
    for index in dense:
        line = lines[index]
        volume_mm3 = have[index] * line.volume_mm3
        if volume_mm3 > room_mm3:
            return weight_g + line.weight_g * room_mm3 // line.volume_mm3
        room_mm3 -= volume_mm3
        weight_g += have[index] * line.weight_g
    return weight_g


def _most_mm3(lines: Sequence[Demand], have: Units, dense: Sequence[int], room_g: int) -> int:
    """The most room that units of so much weight need, could they be cut."""
    volume_mm3 = 0
    for index in reversed(dense):
        line = lines[index]
        weight_g = have[index] * line.weight_g
        if weight_g > room_g:
            return volume_mm3 + line.volume_mm3 * room_g // line.weight_g
        room_g -= weight_g
        volume_mm3 += have[index] * line.volume_mm3
    return volume_mm3


def _taken(tariff: Tariff, lines: Sequence[Demand], have: Units) -> tuple[int, int]:
    """The lines that a service takes at all, and those that are oversize there, as bits."""
    taken = long = 0
    for index, (line, units) in enumerate(zip(lines, have, strict=True)):
        if units and line.needs <= tariff.carries:
            if line.longest_mm > tariff.max_length_mm > 0:
                continue
            taken |= 1 << index
            if line.longest_mm > tariff.oversize_mm > 0 and tariff.oversize_cents:
                long |= 1 << index
    return taken, long


def _fitting(taken: int, lines: Sequence[Demand], up_to_g: int, up_to_mm3: int) -> int:
    """Those of the taken lines of which one unit fits."""
    for index, line in enumerate(lines):
        if line.weight_g > up_to_g or line.volume_mm3 > up_to_mm3:
            taken &= ~(1 << index)
    return taken


def _name(tariff: Tariff) -> tuple[str, str, str, int]:
    """What decides between tariffs at one price; more that is not paid is less money."""
    return tariff.carrier, tariff.service, tariff.rate_card_id, -tariff.penalty_cents
