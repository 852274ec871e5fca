"""Sites as the search sees them, plans as it compares them, and plans that are found in one go."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.placement.tariffs import Quote, heaviest_g, quote
from shared.placement.types import Tariff

PER_MEGAGRAM = 1_000_000  # grams: cents per gram would round away what sites differ in

Units = tuple[int, ...]  # per line of the order


@dataclass(frozen=True, slots=True)
class Line:
    """A demanded SKU; lines are sorted by it."""

    sku: str
    quantity: int
    weight_g: int


@dataclass(frozen=True, slots=True)
class Source:
    """A site that can ship something. `have` never exceeds a line's quantity."""

    warehouse: str
    distance_m: int
    have: Units
    unit_cents: Units  # opportunity cost of one unit, per line
    tariffs: tuple[Tariff, ...]


@dataclass(frozen=True, slots=True)
class Load:
    """One parcel of a plan: `source` is the position of its site."""

    source: int
    units: Units
    weight_g: int
    quote: Quote


@dataclass(frozen=True, slots=True, order=True)
class Rank:
    """The chain that breaks ties, most important first."""

    total_cents: int  # money paid and opportunity cost
    parcels: int
    distance_m: int  # summed over parcels
    sources: tuple[int, ...]  # one entry per parcel, sorted; sites are numbered by name


@dataclass(frozen=True, slots=True)
class Plan:
    """Parcels that cover the whole demand."""

    rank: Rank
    opportunity_cents: int
    loads: tuple[Load, ...]


def plan(sources: Sequence[Source], loads: Iterable[Load]) -> Plan:
    """Add up what the parcels cost."""
    ordered = tuple(sorted(loads, key=lambda load: (load.source, load.units)))
    opportunity_cents = sum(
        units * cents
        for load in ordered
        for units, cents in zip(load.units, sources[load.source].unit_cents, strict=True)
    )
    rank = Rank(
        sum(load.quote.cost_cents for load in ordered) + opportunity_cents,
        len(ordered),
        sum(sources[load.source].distance_m for load in ordered),
        tuple(load.source for load in ordered),
    )
    return Plan(rank, opportunity_cents, ordered)


def load(lines: Sequence[Line], sources: Sequence[Source], source: int, units: Units) -> Load:
    """One parcel at its cheapest carrier; the caller knows that one takes it."""
    weight_g = weigh(lines, units)
    best = quote(sources[source].tariffs, weight_g)
    if best is None:
        raise ValueError(f"no carrier takes {weight_g} g from {sources[source].warehouse}")
    return Load(source, units, weight_g, best)


def weigh(lines: Sequence[Line], units: Units) -> int:
    return sum(line.weight_g * count for line, count in zip(lines, units, strict=True))


def quick_loads(
    lines: Sequence[Line], sources: Sequence[Source], source: int, units: Units
) -> tuple[Load, ...]:
    """Parcels for these units of one site: one if it can be, else the best first-fit packing.

    First fit, heaviest units first, is tried with each weight step as the limit of a parcel. Not
    optimal; it is where the search starts from and what is left when its nodes run out.
    """
    tariffs = sources[source].tariffs
    weight_g = weigh(lines, units)
    whole = quote(tariffs, weight_g)
    if whole is not None:
        return (Load(source, units, weight_g, whole),)
    heaviest_unit_g = max(line.weight_g for line, count in zip(lines, units, strict=True) if count)
    limits_g = {step.max_weight_g for tariff in tariffs for step in tariff.steps}
    attempts = (
        tuple(load(lines, sources, source, box) for box in _first_fit(lines, units, limit_g))
        for limit_g in sorted(limits_g, reverse=True)
        if heaviest_unit_g <= limit_g <= heaviest_g(tariffs)
    )
    return min(attempts, key=lambda loads: (sum(one.quote.cost_cents for one in loads), len(loads)))


def quick_plan(
    lines: Sequence[Line], sources: Sequence[Source], using: Sequence[int] | None = None
) -> Plan:
    """A plan for a demand that the sources (or those `using` names) can cover, fast.

    The site that is cheapest per gram it adds ships all it can, and so on with what is left.

    The greedy rule for weighted set cover (Chvatal, "A greedy heuristic for the set-covering
    problem", Mathematics of Operations Research 4, 1979), with parcels as sets.
    """
    wanted = tuple(line.quantity for line in lines)
    left = list(range(len(sources)) if using is None else using)
    loads: list[Load] = []
    while any(wanted):
        offers: list[tuple[int, int, tuple[Load, ...], Units]] = []
        for source in left:
            site = sources[source]
            units = tuple(map(min, site.have, wanted))
            if any(units):
                parcels = quick_loads(lines, sources, source, units)
                cents = sum(parcel.quote.cost_cents for parcel in parcels)
                cents += sum(map(int.__mul__, units, site.unit_cents))
                offers.append((PER_MEGAGRAM * cents // weigh(lines, units), source, parcels, units))
        _, source, parcels, units = min(offers, key=lambda offer: offer[:2])
        left.remove(source)
        loads.extend(parcels)
        wanted = tuple(map(int.__sub__, wanted, units))
    return plan(sources, loads)


def _first_fit(lines: Sequence[Line], units: Units, limit_g: int) -> list[Units]:
    """Boxes of at most `limit_g`, filled with the heaviest units first."""
    boxes: list[list[int]] = []
    room_g: list[int] = []
    for index in sorted(range(len(lines)), key=lambda i: -lines[i].weight_g):
        weight_g = lines[index].weight_g
        left = units[index]
        box = 0
        while left:
            if box == len(boxes):
                boxes.append([0] * len(lines))
                room_g.append(limit_g)
            count = min(left, room_g[box] // weight_g)
            boxes[box][index] += count
            room_g[box] -= count * weight_g
            left -= count
            box += 1
    return [tuple(box) for box in boxes]
