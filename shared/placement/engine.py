"""Decide which warehouses ship an order, in which parcels, by which carriers."""

import itertools
from collections.abc import Mapping, Sequence

from shared.placement.plans import Line, Load, Plan, Source
from shared.placement.search import Search
from shared.placement.tariffs import heaviest_g
from shared.placement.types import (
    Candidate,
    Demand,
    Item,
    Limits,
    Parcel,
    Placement,
    Shortage,
    Site,
)

DEFAULT_LIMITS = Limits()


def decide(
    demand: Sequence[Demand], sites: Sequence[Site], limits: Limits = DEFAULT_LIMITS
) -> Placement | Shortage:
    """Cover the whole demand with the cheapest set of parcels, or say what is missing.

    A parcel goes from one site by one carrier and costs handling plus the freight of its weight
    step. Lines and quantities split over sites and over parcels of a site wherever that is cheaper
    or where a parcel would be too heavy. What is minimised is the money paid plus the opportunity
    cost of the units taken. The answer depends on the content of the arguments only, not on their
    order, the machine or the clock.

    Ties break by: the lowest sum of both costs, the fewest parcels, the least distance summed over
    parcels, the warehouse names of the sorted parcels, and last the fixed order of the search,
    which sees lines sorted by SKU and sites sorted by name. Among carriers at one price the smaller
    name wins, then the smaller rate card id. Where nodes ran out, ties may break otherwise, but
    always the same way.

    Args:
        demand: at least one line, each SKU once.
        sites: in any order, each warehouse once, their tariffs for this order's destination.
        limits: how many nodes may be spent before the best plan so far is given as not exact.

    Raises:
        ValueError: the demand is empty, a SKU or a warehouse comes twice, an opportunity cost is
            negative, or tariffs are in several currencies. All are mistakes of the caller.

    Complexity: exponential in the number of sites in the worst case, held by `limits.nodes`.
    Source: `search`, `bounds` and `packing` argue why the plan is the cheapest.
    """
    lines = _lines(demand)
    ordered = _sites(sites)
    currency = _currency(ordered)
    believed = [_believed(site, lines) for site in ordered]
    carried = [_carried(site, have, lines) for site, have in zip(ordered, believed, strict=True)]
    sources = [
        Source(site.warehouse, site.distance_m, have, _unit_cents(site, lines), site.tariffs)
        for site, have in zip(ordered, carried, strict=True)
        if any(have)
    ]
    missing = _short(lines, believed)
    uncarried = _short(lines, carried)
    if uncarried:
        held = {item.sku: item.quantity for item in missing}
        not_carried = (Item(i.sku, i.quantity - held.get(i.sku, 0)) for i in uncarried)
        return Shortage(
            missing,
            tuple(item for item in not_carried if item.quantity),
            _candidates(ordered, lines, believed, carried, {}),
        )
    search = Search(lines, sources, limits)
    alone = {sources[index].warehouse: plan for index, plan in search.run().items()}
    best = search.best
    return Placement(
        parcels=tuple(sorted((_parcel(load, lines, sources) for load in best.loads), key=_order)),
        currency=currency,
        cost_cents=best.rank.total_cents - best.opportunity_cents,
        opportunity_cents=best.opportunity_cents,
        exact=search.lower_bound_cents == best.rank.total_cents,
        lower_bound_cents=search.lower_bound_cents,
        nodes=search.nodes,
        candidates=_candidates(ordered, lines, believed, carried, alone),
        runner_up_cents=search.runner_up_cents,
    )


def _lines(demand: Sequence[Demand]) -> tuple[Line, ...]:
    if not demand:
        raise ValueError("there is no demand to place")
    lines = sorted((Line(d.sku, d.quantity, d.weight_g) for d in demand), key=lambda d: d.sku)
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
    currencies = sorted({tariff.currency for site in sites for tariff in site.tariffs})
    if len(currencies) > 1:
        raise ValueError(f"costs in {', '.join(currencies)} cannot be compared")
    return currencies[0] if currencies else ""


def _believed(site: Site, lines: Sequence[Line]) -> tuple[int, ...]:
    """Units per line up to what is wanted; a corrupt balance is nothing."""
    balances = site.available
    return tuple(
        [
            min(balances.get(line.sku, 0), line.quantity) if _credible(balances, line.sku) else 0
            for line in lines
        ]
    )


def _credible(available: Mapping[str, int], sku: str) -> bool:
    units = available.get(sku, 0)
    return type(units) is int and units >= 0


def _carried(site: Site, have: Sequence[int], lines: Sequence[Line]) -> tuple[int, ...]:
    """Units per line that a carrier of this site takes, if only one by one."""
    limit_g = heaviest_g(site.tariffs)
    if all(line.weight_g <= limit_g for line in lines):
        return tuple(have)
    return tuple(
        [units if line.weight_g <= limit_g else 0 for line, units in zip(lines, have, strict=True)]
    )


def _unit_cents(site: Site, lines: Sequence[Line]) -> tuple[int, ...]:
    cents = tuple([site.opportunity_cents.get(line.sku, 0) for line in lines])
    if min(cents) < 0:
        raise ValueError(f"an opportunity cost of {site.warehouse} is negative")
    return cents


def _short(lines: Sequence[Line], stock: Sequence[Sequence[int]]) -> tuple[Item, ...]:
    """What all sites together lack."""
    totals = [sum(column) for column in zip(*stock, strict=True)] if stock else [0] * len(lines)
    return tuple(
        [
            Item(line.sku, line.quantity - total)
            for line, total in zip(lines, totals, strict=True)
            if total < line.quantity
        ]
    )


def _candidates(
    sites: Sequence[Site],
    lines: Sequence[Line],
    believed: Sequence[Sequence[int]],
    carried: Sequence[Sequence[int]],
    alone: Mapping[str, Plan],
) -> tuple[Candidate, ...]:
    found: list[Candidate] = []
    for site, have, taken in zip(sites, believed, carried, strict=True):
        plan = alone.get(site.warehouse)
        warning = _doubts(site, lines)
        if plan is None:
            reason = _reason(site, lines, have, taken)
            found.append(Candidate(site.warehouse, site.distance_m, None, 0, reason, warning))
        else:
            paid_cents = plan.rank.total_cents - plan.opportunity_cents
            found.append(
                Candidate(
                    site.warehouse,
                    site.distance_m,
                    paid_cents,
                    plan.opportunity_cents,
                    None,
                    warning,
                )
            )
    return tuple(found)


def _reason(site: Site, lines: Sequence[Line], have: Sequence[int], taken: Sequence[int]) -> str:
    """Why this site alone cannot ship everything."""
    if not heaviest_g(site.tariffs):
        return "no carrier serves this place from here"
    reasons: list[str] = []
    for line, units, carried in zip(lines, have, taken, strict=True):
        if units < line.quantity:
            reasons.append(f"short of {line.sku} by {line.quantity - units}")
        if carried < units:
            reasons.append(f"no carrier takes {line.weight_g} g ({line.sku})")
    return "; ".join(reasons)


def _doubts(site: Site, lines: Sequence[Line]) -> str | None:
    """Balances that were not believed."""
    doubtful = [line.sku for line in lines if not _credible(site.available, line.sku)]
    if not doubtful:
        return None
    return "; ".join(f"balance of {s} is {site.available[s]}, counted as none" for s in doubtful)


def _parcel(load: Load, lines: Sequence[Line], sources: Sequence[Source]) -> Parcel:
    tariff = load.quote.tariff
    return Parcel(
        warehouse=sources[load.source].warehouse,
        carrier=tariff.carrier,
        rate_card_id=tariff.rate_card_id,
        items=tuple(
            Item(line.sku, units) for line, units in zip(lines, load.units, strict=True) if units
        ),
        weight_g=load.weight_g,
        handling_cents=tariff.handling_cents,
        freight_cents=load.quote.freight_cents,
    )


def _order(parcel: Parcel) -> tuple[str, tuple[tuple[str, int], ...]]:
    return parcel.warehouse, tuple((item.sku, item.quantity) for item in parcel.items)
