"""What is kept of a decision, so that it can be explained and recomputed. Pure."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from shared.placement.types import Demand, Placement, Shortage, Site


def receipt(
    demand: Sequence[Demand], sites: Sequence[Site], decision: Placement | Shortage
) -> dict[str, Any]:
    """Inputs, candidates and outcome as JSON-ready values, compact enough to keep for every order.

    Tariffs are kept as the ids of their rate card versions, which never change.
    """
    inputs = {
        "demand": [[unit.sku, unit.quantity, unit.weight_g] for unit in demand],
        "sites": [
            [
                site.warehouse,
                site.distance_m,
                dict(site.available),
                [tariff.rate_card_id for tariff in site.tariffs],
            ]
            for site in sites
        ],
    }
    candidates = [
        {key: value for key, value in asdict(candidate).items() if value is not None}
        for candidate in decision.candidates
    ]
    if isinstance(decision, Shortage):
        outcome: dict[str, Any] = {
            "missing": {item.sku: item.quantity for item in decision.missing},
            "not_carried": {item.sku: item.quantity for item in decision.not_carried},
        }
    else:
        outcome = {
            "cost_cents": decision.cost_cents,
            "currency": decision.currency,
            "exact": decision.exact,
            "lower_bound_cents": decision.lower_bound_cents,
            "runner_up_cents": decision.runner_up_cents,
            "nodes": decision.nodes,
        }
    return {**inputs, "candidates": candidates, **outcome}
