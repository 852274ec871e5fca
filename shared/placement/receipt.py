"""What is kept of a decision, so that it can be explained and recomputed. Pure."""

from collections.abc import Sequence
from typing import Any

from shared.placement.types import Candidate, Demand, Limits, Placement, Shortage, Site

DEFAULT_LIMITS = Limits()


def receipt(
    demand: Sequence[Demand],
    sites: Sequence[Site],
    decision: Placement | Shortage,
    limits: Limits = DEFAULT_LIMITS,
) -> dict[str, Any]:
    """Inputs, candidates and outcome as JSON-ready values, compact enough to keep for every order.

    Tariffs are kept as the ids of their rate card versions, which never change, with the zone and
    the penalty. What a unit or a site has beyond the usual follows in an object of its own.
    """
    kept: dict[str, Any] = {
        "demand": [_demand(line) for line in demand],
        "sites": [_site(site) for site in sites],
        "candidates": [_candidate(candidate) for candidate in decision.candidates],
    }
    if limits.split_cents:
        kept["split_cents"] = limits.split_cents
    if isinstance(decision, Shortage):
        return kept | {
            "missing": dict(decision.missing),
            "not_carried": dict(decision.not_carried),
            "not_now": dict(decision.not_now),
        }
    return kept | {
        "cost_cents": decision.cost_cents,
        "opportunity_cents": decision.opportunity_cents,
        "penalty_cents": decision.penalty_cents,
        "currency": decision.currency,
        "parcels": [
            {
                "warehouse": parcel.warehouse,
                "carrier": parcel.carrier,
                "service": parcel.service,
                "rate_card_id": parcel.rate_card_id,
                "items": dict(parcel.items),
                "chargeable_g": parcel.chargeable_g,
                "handling_cents": parcel.handling_cents,
                "freight_cents": parcel.freight_cents,
                "oversize_cents": parcel.oversize_cents,
                "penalty_cents": parcel.penalty_cents,
            }
            for parcel in decision.parcels
        ],
        "runner_up": decision.runner_up and decision.runner_up._asdict(),
        "exact": decision.exact,
        "lower_bound_cents": decision.lower_bound_cents,
        "nodes": decision.nodes,
    }


def _demand(line: Demand) -> list[Any]:
    usual: list[Any] = [line.sku, line.quantity, line.weight_g]
    more: dict[str, Any] = {}
    if line.volume_mm3:
        more["volume_mm3"] = line.volume_mm3
    if line.longest_mm:
        more["longest_mm"] = line.longest_mm
    if line.needs:
        more["needs"] = sorted(line.needs)
    return [*usual, more] if more else usual


def _site(site: Site) -> list[Any]:
    tariffs = [[t.rate_card_id, t.zone, t.penalty_cents] for t in site.tariffs]
    usual: list[Any] = [site.warehouse, site.distance_m, dict(site.available), tariffs]
    more: dict[str, Any] = {}
    if site.opportunity_cents:
        more["opportunity_cents"] = dict(site.opportunity_cents)
    if site.capabilities:
        more["capabilities"] = sorted(site.capabilities)
    if site.parcels_left is not None:
        more["parcels_left"] = site.parcels_left
    if site.closed is not None:
        more["closed"] = site.closed
    return [*usual, more] if more else usual


def _candidate(candidate: Candidate) -> dict[str, Any]:
    """What was found of a site; what is empty is left out, save what costs nothing."""
    found = candidate._asdict()
    if candidate.cost_cents is None:
        kept = ("warehouse", "distance_m", "reason", "warning")
        return {key: found[key] for key in kept if found[key] is not None}
    return {key: value for key, value in found.items() if value is not None}
