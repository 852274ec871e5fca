"""What the warehouses offer for an order, as the engine is told it."""

from collections import defaultdict
from collections.abc import Sequence

from shared.costing.types import RateCard
from shared.flows.supply import OwnSupply
from shared.kit.geo import distance_m
from shared.orders.types import Order
from shared.placement.types import Site, Step, Tariff


def offers(supply: OwnSupply, order: Order, cards: Sequence[RateCard]) -> list[Site]:
    """What each warehouse has of what is wanted, and what a parcel from there costs."""
    available: dict[str, dict[str, int]] = defaultdict(dict)
    for (sku, warehouse), units in supply.units.items():
        available[warehouse][sku] = units
    sites = []
    for warehouse in sorted(available):
        away_m = distance_m(supply.places[warehouse], order.destination)
        tariffs = tuple(
            Tariff(
                carrier=card.carrier,
                rate_card_id=card.rate_card_id,
                currency=card.currency,
                handling_cents=card.handling_cents,
                steps=tuple(Step(*step) for step in card.steps(away_m)),
            )
            for card in cards
        )
        sites.append(Site(warehouse, away_m, available[warehouse], tariffs))
    return sites
