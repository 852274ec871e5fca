"""Decide which warehouses ship an order, in which parcels, by which services."""

import itertools
from collections.abc import Iterable, Sequence
from operator import lt

from shared.placement.candidates import Offer, candidates, credible
from shared.placement.plans import Load, Plan, Problem, Source, left_over
from shared.placement.solution import Solution, solve
from shared.placement.tariffs import Contents, Units, contents, quote
from shared.placement.types import (
    Demand,
    Item,
    Limits,
    Parcel,
    Placement,
    RunnerUp,
    Shortage,
    Site,
)

DEFAULT_LIMITS = Limits()


def decide(
    demand: Sequence[Demand], sites: Sequence[Site], limits: Limits = DEFAULT_LIMITS
) -> Placement | Shortage:
    """Cover the whole demand with the cheapest set of parcels, or say what is missing.

    A parcel goes from one site by one service of a carrier. It costs handling, the freight of its
    chargeable weight and, where a unit of it is long, what that adds; it counts the penalty of its
    service, and every parcel after the first what a split counts. Lines and quantities split over
    sites and over parcels of a site wherever that is cheaper or where one parcel cannot be. What is
    minimised is the money paid, the penalties and the opportunity cost of the units taken. The
    answer depends on the content of the arguments only, not on their order, the machine or the
    clock.

    Ties break by: the lowest sum of all costs, the fewest parcels, the least distance summed over
    parcels, the warehouse names of the sorted parcels, and last the fixed order of the search,
    which sees lines sorted by SKU and sites sorted by name. Among services at one price the smaller
    carrier name wins, then the smaller service name, then the smaller rate card id, then the one
    that costs less money. Where nodes ran out, ties may break otherwise, but always the same way.

    Args:
        demand: at least one line, each SKU once.
        sites: in any order, each warehouse once, their tariffs for this order's destination.
        limits: what a split counts, and how many nodes may be spent before the best plan so far is
            given as not exact.

    Raises:
        ValueError: the demand is empty, a SKU or a warehouse comes twice, an opportunity cost is
            negative, a later day is cheaper, or tariffs are in several currencies. All are
            mistakes of the caller.

    Complexity: exponential in the number of sites in the worst case, held by `limits.nodes`.
    Source: `search`, `bounds` and `packing` argue why the plan is the cheapest.
    """
    lines = _lines(demand)
    ordered = _sites(sites)
    currency = _currency(ordered)
    wanted = tuple([line.quantity for line in lines])
    whole = contents(lines, wanted)
    offers = [_offer(site, lines, wanted, whole) for site in ordered]
    shipping = [offer for offer in offers if any(offer.shipped)]
    uncovered = _short(lines, [offer.shipped for offer in shipping])
    if any(uncovered):
        return _shortage(lines, offers, uncovered)
    sources = [_source(offer, sum(wanted), lines) for offer in shipping]
    problem = Problem(lines, sources, wanted, whole, limits.split_cents)
    found = solve(problem, limits)
    if found.best is None:
        return Shortage((), (), _items(lines, left_over(problem)), candidates(offers, lines))
    return _placement(problem, found, found.best, offers, currency)


def _placement(
    problem: Problem, found: Solution, best: Plan, offers: Sequence[Offer], currency: str
) -> Placement:
    # The search counts a split for every parcel, which is one too many for every plan.
    first_cents = problem.split_cents
    total_cents = best.rank.total_cents - first_cents
    parcels = [_parcel(load, problem) for load in best.loads]
    if len(parcels) > 1:
        parcels.sort(key=lambda parcel: (parcel.warehouse, parcel.items, parcel.departure))
    cost_cents = sum([parcel.cost_cents for parcel in parcels])
    alone = {problem.sources[index].warehouse: plan for index, plan in found.alone.items()}
    runner_up = None
    if found.second is not None:
        used, cents = found.second
        runner_up = RunnerUp(
            tuple([problem.sources[index].warehouse for index in used]),
            cents - first_cents,
            cents - best.rank.total_cents,
        )
    return Placement(
        parcels=tuple(parcels),
        currency=currency,
        cost_cents=cost_cents,
        opportunity_cents=best.opportunity_cents,
        penalty_cents=total_cents - cost_cents - best.opportunity_cents,
        exact=found.lower_bound_cents == best.rank.total_cents,
        lower_bound_cents=found.lower_bound_cents - first_cents,
        nodes=found.nodes,
        candidates=candidates(
            offers, problem.lines, alone, best.rank.total_cents, problem.split_cents
        ),
        runner_up=runner_up,
    )


def _lines(demand: Sequence[Demand]) -> tuple[Demand, ...]:
    if not demand:
        raise ValueError("there is no demand to place")
    if len(demand) == 1:
        return tuple(demand)
    lines = sorted(demand, key=lambda line: line.sku)
    for before, after in itertools.pairwise(lines):
        if before.sku == after.sku:
            raise ValueError(f"SKU {after.sku} is demanded twice: add up its lines first")
    return tuple(lines)


def _sites(sites: Sequence[Site]) -> tuple[Site, ...]:
    ordered = sorted(sites, key=lambda site: site.warehouse)
    for before, after in itertools.pairwise(ordered):
        if before.warehouse == after.warehouse:
            raise ValueError(f"warehouse {after.warehouse} is offered twice")
    return tuple(ordered)


def _currency(sites: Sequence[Site]) -> str:
    currencies = {tariff.currency for site in sites for tariff in site.tariffs}
    if len(currencies) > 1:
        raise ValueError(f"costs in {', '.join(sorted(currencies))} cannot be compared")
    return next(iter(currencies), "")


def _offer(site: Site, lines: Sequence[Demand], wanted: Units, whole: Contents) -> Offer:
    """What a site has of what is wanted, and what of that it can ship."""
    balances = site.available
    have = tuple(
        [
            min(units, line.quantity) if credible(units := balances.get(line.sku, 0)) else 0
            for line in lines
        ]
    )
    together = quote(site.tariffs, whole) if whole.needs <= site.capabilities else None
    carried = have if together else _carried(site, lines, have)
    is_open = site.closed is None and (site.parcels_left is None or site.parcels_left > 0)
    return Offer(
        site,
        have,
        carried,
        carried if is_open else (0,) * len(lines),
        together if is_open and have == wanted else None,
    )


def _carried(site: Site, lines: Sequence[Demand], have: Units) -> Units:
    """Units per line that a service of this site takes, if only one by one.

    A closed site may come without tariffs: then nothing is known against its services.
    """
    if site.closed is not None and not site.tariffs:
        return have
    return tuple(
        [
            units if line.needs <= site.capabilities and quote(site.tariffs, one) else 0
            for line, units in zip(lines, have, strict=True)
            for one in (Contents(line.weight_g, line.volume_mm3, line.longest_mm, line.needs),)
        ]
    )


def _source(offer: Offer, units: int, lines: Sequence[Demand]) -> Source:
    site = offer.site
    left = _left(site, units)
    unit_cents: Units = (0,) * len(lines)
    if site.opportunity_cents:
        unit_cents = tuple([site.opportunity_cents.get(line.sku, 0) for line in lines])
        if min(unit_cents) < 0:
            raise ValueError(f"an opportunity cost of {site.warehouse} is negative")
    return Source(
        site.warehouse,
        site.distance_m,
        offer.shipped,
        unit_cents,
        site.tariffs,
        tuple(left),
        tuple([departure.tariffs for departure in site.later[: len(left) - 1]]),
        offer.whole,
    )


def _left(site: Site, units: int) -> list[int]:
    """Parcels that may leave on each of its days, as far as so many units may need them."""
    if site.parcels_left is None:
        return [units]
    left = [min(site.parcels_left, units)]
    before = site.tariffs
    for parcels, tariffs in site.later:
        units -= left[-1]
        if not units:
            break
        if [t.name for t in tariffs] != [t.name for t in before] or any(
            map(lt, [t.penalty_cents for t in tariffs], [t.penalty_cents for t in before])
        ):
            raise ValueError(f"a later day of {site.warehouse} has cheaper or other services")
        left.append(min(parcels, units))
        before = tariffs
    return left


def _short(lines: Sequence[Demand], stocks: Sequence[Units]) -> Units:
    """What all sites together lack, per line."""
    totals = [sum(column) for column in zip(*stocks, strict=True)] if stocks else [0] * len(lines)
    return tuple([max(0, line.quantity - n) for line, n in zip(lines, totals, strict=True)])


def _shortage(lines: Sequence[Demand], offers: Sequence[Offer], uncovered: Units) -> Shortage:
    missing = _short(lines, [offer.have for offer in offers])
    uncarried = _short(lines, [offer.carried for offer in offers])
    return Shortage(
        _items(lines, missing),
        _items(lines, map(int.__sub__, uncarried, missing)),
        _items(lines, map(int.__sub__, uncovered, uncarried)),
        candidates(offers, lines),
    )


def _items(lines: Sequence[Demand], units: Iterable[int]) -> tuple[Item, ...]:
    return tuple([Item(line.sku, count) for line, count in zip(lines, units, strict=True) if count])


def _parcel(load: Load, problem: Problem) -> Parcel:
    offer = load.quote
    tariff = offer.tariff
    return Parcel(
        warehouse=problem.sources[load.source].warehouse,
        carrier=tariff.carrier,
        service=tariff.service,
        rate_card_id=tariff.rate_card_id,
        items=_items(problem.lines, load.units),
        weight_g=load.contents.weight_g,
        volume_mm3=load.contents.volume_mm3,
        chargeable_g=offer.chargeable_g,
        handling_cents=tariff.handling_cents,
        freight_cents=offer.freight_cents,
        oversize_cents=offer.oversize_cents,
        penalty_cents=tariff.penalty_cents,
        departure=load.departure,
    )
