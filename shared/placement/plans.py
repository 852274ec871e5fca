"""Sites as the search sees them, plans as it compares them, and plans that are found in one go."""

import itertools
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

from shared.placement.bundles import Bundle
from shared.placement.tariffs import (
    Band,
    Contents,
    Quote,
    Units,
    bands,
    contents,
    dense_first,
    quote,
)
from shared.placement.types import Demand, Tariff

FINE = 1_000_000  # parts of a cent: cents per gram would round away what sites differ in


class Source(NamedTuple):
    """A site that can ship something. `have` never exceeds a line's quantity."""

    warehouse: str
    distance_m: int
    have: Units
    unit_cents: Units  # opportunity cost of one unit, per line
    tariffs: tuple[Tariff, ...]
    left: tuple[int, ...]  # parcels that it may send on each of its days, no more than it has units
    later: tuple[tuple[Tariff, ...], ...]  # the tariffs of the days beyond the first
    whole: Quote | None  # all the demand in one parcel, where it has all and a service takes it

    @property
    def most_parcels(self) -> int:
        """That it may send at all."""
        return sum(self.left)

    def tariffs_on(self, departure: int) -> tuple[Tariff, ...]:
        """Those of one of its days; 0 is the first."""
        return self.later[departure - 1] if departure else self.tariffs


class Load(NamedTuple):
    """One parcel of a plan: `source` is the position of its site."""

    source: int
    units: Units
    contents: Contents
    quote: Quote
    departure: int = 0  # on which of the site's days it leaves


class Rank(NamedTuple):
    """The chain that breaks ties, most important first."""

    total_cents: int  # money, opportunity, penalties, and the cost of a split for every parcel
    parcels: int
    distance_m: int  # summed over parcels
    sources: tuple[int, ...]  # one entry per parcel, sorted; sites are numbered by name


class Plan(NamedTuple):
    """Parcels that cover the whole demand."""

    rank: Rank
    opportunity_cents: int
    loads: tuple[Load, ...]


class Problem:
    """One order: lines sorted by SKU, sources by name, each with what it is asked for.

    `wanted` are the units per line, `contents` is what they are together, and `split_cents` counts
    for every parcel: for the first, too, which is the same for all plans. What only the search
    needs is made when it is asked for.
    """

    def __init__(
        self,
        lines: Sequence[Demand],
        sources: Sequence[Source],
        wanted: Units,
        whole: Contents,
        split_cents: int,
    ) -> None:
        self.lines = lines
        self.sources = sources
        self.wanted = wanted
        self.contents = whole
        self.split_cents = split_cents
        nothing = (0,) * len(lines)
        self.priced = any(source.unit_cents != nothing for source in sources)

    @cached_property
    def by_volume(self) -> bool:
        """Whether parcels fill up by volume rather than by weight, so that bounds measure it."""
        divisors = {t.volume_divisor for source in self.sources for t in source.tariffs}
        if divisors == {0} or not all(line.volume_mm3 for line in self.lines):
            return False
        return self.contents.volume_mm3 > self.contents.weight_g * max(divisors)

    @cached_property
    def sizes(self) -> Units:
        """Of one unit of each line: grams, or cubic millimetres where those decide."""
        if self.by_volume:
            return tuple([line.volume_mm3 for line in self.lines])
        return tuple([line.weight_g for line in self.lines])

    @cached_property
    def bands(self) -> list[tuple[Band, ...]]:
        """Of each source, all its days together."""
        dense = dense_first(self.lines)
        found: list[tuple[Band, ...]] = []
        for source in self.sources:
            of_site: list[Band] = []
            for day in range(len(source.left)):
                tariffs = source.tariffs_on(day)
                of_site += bands(
                    tariffs, self.lines, source.have, dense, self.split_cents, departure=day
                )
            if source.later:
                of_site.sort(key=lambda band: band.cost_cents)
            found.append(tuple(of_site))
        return found

    def room(self, parcels: Band | Bundle) -> int:
        """The size that these parcels take at most."""
        return parcels.up_to_mm3 if self.by_volume else parcels.up_to_g

    def size(self, units: Units) -> int:
        """Of these units together."""
        return sum(map(int.__mul__, self.sizes, units))

    def plan(self, loads: Iterable[Load]) -> Plan:
        """Add up what the parcels cost."""
        ordered = tuple(sorted(loads, key=lambda load: load[:2]))
        weighed_cents = opportunity_cents = distance_m = 0
        for load in ordered:
            source = self.sources[load.source]
            weighed_cents += load.quote.weighed_cents + self.split_cents
            opportunity_cents += sum(map(int.__mul__, load.units, source.unit_cents))
            distance_m += source.distance_m
        total_cents = weighed_cents + opportunity_cents
        rank = Rank(total_cents, len(ordered), distance_m, tuple([load[0] for load in ordered]))
        return Plan(rank, opportunity_cents, ordered)

    def load(self, source: int, units: Units, departure: int = 0) -> Load:
        """One parcel by its cheapest service; the caller knows that one takes it."""
        parcel = contents(self.lines, units)
        best = quote(self.sources[source].tariffs_on(departure), parcel)
        if best is None:
            raise ValueError(f"no carrier takes {parcel} from {self.sources[source].warehouse}")
        return Load(source, units, parcel, best, departure)

    def whole(self, source: int) -> Plan | None:
        """Everything in one parcel from this source, where that can be."""
        site = self.sources[source]
        if site.whole is None:
            return None
        opportunity_cents = 0
        if self.priced:
            opportunity_cents = sum(map(int.__mul__, self.wanted, site.unit_cents))
        total_cents = site.whole.weighed_cents + self.split_cents + opportunity_cents
        return Plan(
            Rank(total_cents, 1, site.distance_m, (source,)),
            opportunity_cents,
            (Load(source, self.wanted, self.contents, site.whole),),
        )


def quick_plan(problem: Problem, using: Sequence[int] | None = None) -> Plan | None:
    """A plan for a demand that the sources (or those `using` names) can cover, fast.

    The site that is cheapest for the size it adds ships all it can, and so on with what is left.
    None where that leads to more parcels than all sites may send.

    The greedy rule for weighted set cover (Chvatal, "A greedy heuristic for the set-covering
    problem", Mathematics of Operations Research 4, 1979), with parcels as sets.
    """
    sources = problem.sources
    wanted = problem.wanted
    left = list(range(len(sources)) if using is None else using)
    loads: list[Load] = []
    while any(wanted):
        best: tuple[int, int, tuple[Load, ...], Units] | None = None
        for source in left:
            site = sources[source]
            units = tuple(map(min, site.have, wanted))
            if any(units):
                parcels = _quick_loads(problem, source, units)
                if len(parcels) > site.most_parcels:
                    parcels = _largest(problem, parcels, site.most_parcels)
                    units = tuple(map(sum, zip(*[load.units for load in parcels], strict=True)))
                if len(parcels) > site.left[0]:
                    parcels = _over_days(problem, source, parcels)
                cents = sum([p.quote.weighed_cents for p in parcels])
                cents += len(parcels) * problem.split_cents
                cents += sum(map(int.__mul__, units, site.unit_cents))
                dear = FINE * cents // problem.size(units)
                if best is None or (dear, source) < best[:2]:
                    best = (dear, source, parcels, units)
        if best is None:
            return None
        _, source, parcels, units = best
        left.remove(source)
        loads.extend(parcels)
        wanted = tuple(map(int.__sub__, wanted, units))
    return problem.plan(loads)


def _largest(problem: Problem, loads: Sequence[Load], most: int) -> tuple[Load, ...]:
    by_size = sorted(loads, key=lambda load: problem.size(load.units), reverse=True)
    return tuple(by_size[:most])


def _over_days(problem: Problem, source: int, loads: Sequence[Load]) -> tuple[Load, ...]:
    """These parcels of one site on its days, those first that the last day makes dearest."""
    site = problem.sources[source]
    on_last = [problem.load(source, load.units, len(site.later)) for load in loads]
    waits_cents = [
        last.quote.weighed_cents - load.quote.weighed_cents
        for last, load in zip(on_last, loads, strict=True)
    ]
    days = itertools.chain.from_iterable(
        itertools.repeat(day, parcels) for day, parcels in enumerate(site.left)
    )
    first = sorted(range(len(loads)), key=lambda position: -waits_cents[position])
    return tuple(
        [problem.load(source, loads[p].units, day) for p, day in zip(first, days, strict=False)]
    )


def left_over(problem: Problem) -> Units:
    """Units that are left when the sites fill, one after the other, what parcels they may send.

    For a demand that these parcels are too few for. Where they happen to suffice, all is left: it
    was not seen in time that they do.
    """
    left = problem.wanted
    for source, site in enumerate(problem.sources):
        units = tuple(map(min, site.have, left))
        largest = max(problem.bands[source], key=lambda band: (band.lines.bit_count(), band))
        boxes = sorted(_first_fit(problem, source, units, largest), key=problem.size, reverse=True)
        for box in boxes[: site.most_parcels]:
            left = tuple(map(int.__sub__, left, box))
    return left if any(left) else problem.wanted


def _quick_loads(problem: Problem, source: int, units: Units) -> tuple[Load, ...]:
    """Parcels for these units of one site: one if it can be, else the best first-fit packing.

    First fit, heaviest units first, is tried with each band as the limit of a parcel, the largest
    first and none that would take too many parcels to be cheaper; lines that the band does not take
    go by parcels of their own. Not optimal; it is where the search starts
    from and what is left when its nodes run out.
    """
    parcel = contents(problem.lines, units)
    whole = quote(problem.sources[source].tariffs, parcel)
    if whole is not None:
        return (Load(source, units, parcel, whole),)
    bands = [band for band in problem.bands[source] if not band.departure]
    least_cents = bands[0].cost_cents - problem.split_cents
    size = problem.size(units)
    best: tuple[int, int, tuple[Load, ...]] | None = None
    for band in sorted(bands, key=problem.room, reverse=True):
        fewest = -(-size // problem.room(band))
        if best is not None and fewest * least_cents > best[0]:
            continue
        loads = tuple([problem.load(source, b) for b in _first_fit(problem, source, units, band)])
        cents = sum([load.quote.weighed_cents for load in loads])
        if best is None or (cents, len(loads)) < best[:2]:
            best = cents, len(loads), loads
    assert best is not None, "a site that ships something has a band"
    return best[2]


def _first_fit(problem: Problem, source: int, units: Units, band: Band) -> list[Units]:
    """Boxes within the band, filled with the heaviest units first."""
    lines = problem.lines
    boxes: list[list[int]] = []
    room: list[tuple[int, int]] = []
    alone: list[Units] = []
    for index in sorted(range(len(lines)), key=lambda i: -problem.sizes[i]):
        left = units[index]
        if left and not band.lines >> index & 1:
            alone += _by_itself(problem, source, index, left)
            continue
        box = 0
        while left:
            if box == len(boxes):
                boxes.append([0] * len(lines))
                room.append((band.up_to_g, band.up_to_mm3))
            count = min(left, _fits(lines[index], *room[box]))
            boxes[box][index] += count
            left_g, left_mm3 = room[box]
            room[box] = (
                left_g - count * lines[index].weight_g,
                left_mm3 - count * lines[index].volume_mm3,
            )
            left -= count
            box += 1
    return [tuple(box) for box in boxes] + alone


def _by_itself(problem: Problem, source: int, index: int, units: int) -> list[Units]:
    """Parcels that hold nothing but units of one line, of the band in which they are cheapest."""
    line = problem.lines[index]
    _, _, most = min(
        (-(-units // most) * band.cost_cents, position, most)
        for position, band in enumerate(problem.bands[source])
        if not band.departure
        and band.lines >> index & 1
        and (most := _fits(line, band.up_to_g, band.up_to_mm3))
    )
    boxes = []
    while units:
        box = [0] * len(problem.lines)
        box[index] = min(units, most)
        units -= box[index]
        boxes.append(tuple(box))
    return boxes


def _fits(line: Demand, room_g: int, room_mm3: int) -> int:
    """Units of a line that fit."""
    most = room_g // line.weight_g
    return min(most, room_mm3 // line.volume_mm3) if line.volume_mm3 else most
