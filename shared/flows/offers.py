"""What the warehouses offer for an order, as the engine is told it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from shared.costing.types import RateCard, Terms
from shared.flows.supply import OwnSupply
from shared.kit.geo import PostalPlace, bare_postcode, distance_m
from shared.orders.types import Order
from shared.placement.types import Site, Step, Tariff


@dataclass(frozen=True, slots=True)
class Offers:
    """What the engine chooses from, and (warehouse, rate card id) -> the terms of its choice."""

    sites: list[Site]
    terms: Mapping[tuple[str, str], Terms]


def offers(supply: OwnSupply, order: Order, cards: Sequence[RateCard]) -> Offers:
    """What each warehouse has of what is wanted, and what a parcel from there costs.

    A service that does not go from there to the customer offers nothing there.
    """
    available: dict[str, dict[str, int]] = defaultdict(dict)
    for (sku, warehouse), units in supply.units.items():
        available[warehouse][sku] = units
    to = PostalPlace(order.address["country"], bare_postcode(order.address["postcode"]))
    is_residential = is_home(order)
    sites = []
    by_tariff: dict[tuple[str, str], Terms] = {}
    for warehouse in sorted(available):
        away_m = distance_m(supply.places[warehouse], order.destination)
        tariffs = []
        for card in cards:
            terms = card.terms(supply.origins[warehouse], to, away_m, is_residential=is_residential)
            if terms is not None:
                by_tariff[warehouse, terms.rate_card_id] = terms
                tariffs.append(_tariff(terms))
        sites.append(Site(warehouse, away_m, available[warehouse], tuple(tariffs)))
    return Offers(sites, by_tariff)


def is_home(order: Order) -> bool:
    """Whether somebody lives where the order goes, as its channel said."""
    return bool(order.address.get("residential", False))


# Terms are told apart by identity and live as long as their book, so a tariff is built once in it.
@lru_cache(maxsize=4_096)
def _tariff(terms: Terms) -> Tariff:
    return Tariff(
        carrier=terms.carrier,
        rate_card_id=terms.rate_card_id,
        currency=terms.currency,
        handling_cents=terms.flat_cents,
        steps=tuple(Step(*step) for step in terms.steps),
    )
