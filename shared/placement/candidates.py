"""Why each site won or lost: what all of it would cost from there alone, or why that cannot be."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from shared.placement.plans import Plan
from shared.placement.tariffs import Contents, Quote, Units, quote
from shared.placement.types import Candidate, Demand, Site


class Offer(NamedTuple):
    """A site, and units per line, each no more than is wanted."""

    site: Site
    have: Units  # what it has
    carried: Units  # of that, what one of its services takes
    shipped: Units  # of that, what it can ship now
    whole: Quote | None  # all the demand in one parcel, where that can be shipped now


NO_PLANS: Mapping[str, Plan] = {}


def candidates(
    offers: Sequence[Offer],
    lines: Sequence[Demand],
    alone: Mapping[str, Plan] = NO_PLANS,
    best_cents: int = 0,
    split_cents: int = 0,
) -> tuple[Candidate, ...]:
    """One for each site, in their order.

    Args:
        offers: the sites.
        lines: what is wanted.
        alone: by warehouse, the plan of each site that can ship everything.
        best_cents: `Rank.total_cents` of the best plan.
        split_cents: `Problem.split_cents`.
    """
    found: list[Candidate] = []
    for offer in offers:
        site = offer.site
        plan = alone.get(site.warehouse)
        warning = _doubts(site, lines) if 0 in offer.have else None
        if plan is None:
            reason = _reason(offer, lines)
            found.append(Candidate(site.warehouse, site.distance_m, None, 0, reason, warning))
            continue
        cost_cents = 0
        penalty_cents = split_cents * (len(plan.loads) - 1)
        for load in plan.loads:
            of_service_cents = load.quote.tariff.penalty_cents
            cost_cents += load.quote.weighed_cents - of_service_cents
            penalty_cents += of_service_cents
        found.append(
            Candidate(
                site.warehouse,
                site.distance_m,
                cost_cents,
                plan.opportunity_cents,
                None,
                warning,
                penalty_cents,
                plan.rank.total_cents - best_cents,
                _services(plan),
            )
        )
    return tuple(found)


def credible(units: int) -> bool:
    """Whether a balance is a number of units at all."""
    return type(units) is int and units >= 0


def _services(plan: Plan) -> tuple[str, ...]:
    return tuple(sorted([load.quote.tariff.name for load in plan.loads]))


def _reason(offer: Offer, lines: Sequence[Demand]) -> str:
    """Why this site alone cannot ship everything."""
    site = offer.site
    if site.closed is not None:
        return site.closed
    if site.parcels_left is not None and site.parcels_left <= 0:
        return "no parcel is left today"
    if not any(tariff.steps for tariff in site.tariffs):
        return "no carrier serves this place from here"
    reasons: list[str] = []
    for line, units, carried in zip(lines, offer.have, offer.carried, strict=True):
        if units < line.quantity:
            reasons.append(f"short of {line.sku} by {line.quantity - units}")
        if carried < units:
            reasons.append(_obstacle(site, line))
    return "; ".join(reasons) or _too_few_parcels(site)


def _too_few_parcels(site: Site) -> str:
    left = (site.parcels_left or 0) + sum([day.parcels_left for day in site.later])
    when = f"on {1 + len(site.later)} days" if site.later else "today"
    return f"more than {left} parcels, all that are left {when}"


def _obstacle(site: Site, line: Demand) -> str:
    """Why no unit of a line can go from a site."""
    lacking = sorted(line.needs - site.capabilities)
    if lacking:
        return f"has no {', '.join(lacking)} ({line.sku})"
    facts = [f"{line.weight_g} g"]
    if quote(site.tariffs, Contents(line.weight_g)):
        # The weight alone is no obstacle.
        if line.volume_mm3:
            facts.append(f"{line.volume_mm3} mm3")
        if line.longest_mm:
            facts.append(f"{line.longest_mm} mm")
        facts += sorted(line.needs)
    return f"no carrier takes {', '.join(facts)} ({line.sku})"


def _doubts(site: Site, lines: Sequence[Demand]) -> str | None:
    """Balances that were not believed."""
    doubtful = [line.sku for line in lines if not credible(site.available.get(line.sku, 0))]
    if not doubtful:
        return None
    return "; ".join(f"balance of {s} is {site.available[s]}, counted as none" for s in doubtful)
