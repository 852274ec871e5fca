"""By which services a parcel that is decided on could go now, at what cost; why not by others.

Warehouse, contents and day of leaving stay as placement decided them. What keeps a service from
being chosen by placement keeps it from here: its zones and rates, what it may carry, the policy.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from shared.carriers import carrier_breakers, switched_off
from shared.costing.rules import charges_for
from shared.costing.types import NotCarried, RateCard, Sent
from shared.flows.calendars import calendar_of
from shared.flows.offers import is_home
from shared.flows.rules import Rules
from shared.kit.geo import PostalPlace, bare_postcode
from shared.orders.types import Order
from shared.placement.calendar import arrives_on
from shared.placement.policy import Policy
from shared.platform.db import Transaction
from shared.shipments import store as shipments
from shared.shipments.types import Route
from shared.stock import skus, warehouses
from shared.stock.warehouses import ALWAYS, Working


@dataclass(frozen=True, slots=True)
class ServiceOffer:
    """What a service would be for the parcel.

    Attributes:
        card: its prices.
        zone: of the card.
        cost_cents: all that the parcel would cost, in the card's currency.
        arrives_on: None: the card does not say how long it takes.
        late_days: after the promise; who does not say how long it takes is taken for punctual, as
            placement does.
    """

    card: RateCard
    zone: str
    cost_cents: int
    arrives_on: date | None
    late_days: int


@dataclass(frozen=True, slots=True)
class NotOffered:
    """Why the parcel cannot go by a service."""

    card: RateCard
    reason: str


def service_offers(
    tx: Transaction, route: Route, order: Order, rules: Rules
) -> Iterator[ServiceOffer | NotOffered]:
    """Every service that has prices now, the parcel's own among them."""
    sender = warehouses.find(tx, route.warehouse)
    assert sender is not None, "parcels refer to warehouses"
    working = rules.working(tx).get(route.warehouse, ALWAYS)
    items = shipments.contents(tx, [route.parcel_id])[route.parcel_id]
    cards = rules.cards(tx).valid_at(tx.now)
    journey = _Journey(
        route,
        order,
        origin=_place(sender.address),
        destination=_place(order.address),
        working=working,
        leaves_on=_leaves_on(tx, route, working),
        needs=skus.needs(tx, {item.sku for item in items}),
        policy=rules.policies(tx).valid_at(tx.now, order.channel),
        not_called=_not_called(tx, {card.carrier for card in cards}),
    )
    return (journey.by(card) for card in cards)


@dataclass(frozen=True, slots=True)
class _Journey:
    """A parcel on its way, whoever takes it."""

    route: Route
    order: Order
    origin: PostalPlace
    destination: PostalPlace
    working: Working
    leaves_on: date
    needs: frozenset[str]
    policy: Policy
    not_called: Mapping[str, str]  # carrier -> why nothing is bought of it now

    def by(self, card: RateCard) -> ServiceOffer | NotOffered:
        """By the service of this card."""
        why_not = self._why_not(card)
        if why_not is not None:
            return NotOffered(card, why_not)
        route = self.route
        zone = card.zone_of(self.origin, self.destination, route.distance_m)
        if zone is None:
            return NotOffered(card, "it does not go there")
        sent = Sent(
            weight_g=route.weight_g,
            distance_m=route.distance_m,
            zone=zone.zone,
            volume_mm3=route.volume_mm3,
            longest_mm=route.longest_mm,
            is_residential=is_home(self.order),
        )
        try:
            charges = charges_for(card, sent)
        except NotCarried as error:
            return NotOffered(card, str(error))
        comes_on, late_days = None, 0
        if zone.transit_days is not None:
            comes_on = arrives_on(self.leaves_on, zone.transit_days)
            late_days = calendar_of(self.working).late_days(comes_on, self.order.promised_at)
        cost_cents = sum(charge.amount.amount_cents for charge in charges)
        return ServiceOffer(card, zone.zone, cost_cents, comes_on, late_days)

    def _why_not(self, card: RateCard) -> str | None:
        if card.currency != self.order.currency:
            return f"its prices are in {card.currency}"
        if card.carrier in self.not_called:
            return self.not_called[card.carrier]
        if self.policy.excludes(card.carrier, card.service):
            return f"policy {self.policy.policy_id} sends nothing by it"
        lacks = self.needs - frozenset(card.carries)
        return f"it does not carry {', '.join(sorted(lacks))}" if lacks else None


def _not_called(tx: Transaction, carriers: set[str]) -> Mapping[str, str]:
    paused = dict.fromkeys(carrier_breakers.paused(tx, carriers), "its carrier does not answer")
    return paused | dict.fromkeys(switched_off.carriers(tx), "its carrier is switched off")


def _leaves_on(tx: Transaction, route: Route, working: Working) -> date:
    """The day that was planned, or the first one from now on where that has passed."""
    soonest = next(calendar_of(working).ship_days(tx.now), tx.now.date())
    return soonest if route.ship_on is None else max(route.ship_on, soonest)


def _place(address: dict[str, str]) -> PostalPlace:
    return PostalPlace(address["country"], bare_postcode(address["postcode"]))
