"""A parcel whose carrier does not answer goes by another one: one transaction, everything at once.

What placement decided stays: warehouse, day of leaving, quote. Of all other carriers' services that
would take the parcel the cheapest that keeps the promise is chosen, or else the least late one.
What it costs more, or less, is booked beside the quote.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from shared.carriers import abandoned_labels, carrier_breakers
from shared.carriers import store as labels
from shared.contracts.parcels import ParcelCharged, ParcelRerouted
from shared.contracts.work import BuyLabel, VoidAbandonedLabel
from shared.costing import store as costing
from shared.costing.rules import charges_for
from shared.costing.types import Charge, ChargeKind, NotCarried, RateCard, Sent
from shared.flows.offers import calendar_of, is_home
from shared.flows.rules import Rules
from shared.kit.geo import PostalPlace, bare_postcode
from shared.kit.money import Money
from shared.orders import store as orders
from shared.orders.types import Order
from shared.placement.calendar import arrives_on
from shared.platform import log, outbox
from shared.platform.db import Transaction
from shared.shipments import parcel_reroutes
from shared.shipments import store as shipments
from shared.shipments.types import LabelBeingBought, Reroute, RerouteReason, Route
from shared.stock import skus, warehouses
from shared.stock.warehouses import ALWAYS, Working

# A carrier that could not take the parcel is not asked for it again before; else a parcel would go
# to and fro between carriers that are all in trouble.
BACK_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Offer:
    """What another carrier's service would be. The least in its order is taken."""

    late_days: int
    cost_cents: int
    card: RateCard
    zone: str
    comes_on: date | None

    @property
    def rank(self) -> tuple[int, int, str, str]:
        return self.late_days, self.cost_cents, self.card.carrier, self.card.service


def reroute(tx: Transaction, work: BuyLabel, rules: Rules, reason: RerouteReason) -> bool:
    """Let another carrier take the parcel. Returns False where nobody can: it waits for its own.

    A parcel that is cancelled, labelled or goes by another carrier already is left as it is, and
    that is True: there is nothing to wait for.

    Raises:
        LabelBeingBought: somebody else is asking the carrier at this moment.
    """
    route = shipments.lock_route(tx, work.parcel_id)
    if route is None or route.carrier != work.carrier:
        return True
    intent = labels.lock_intent(tx, route.parcel_id)
    if intent is not None and intent.is_leased:
        raise LabelBeingBought("the label is being bought", parcel_id=route.parcel_id)
    order = orders.find(tx, route.order_id)
    assert order is not None, "parcels refer to orders"
    offers = list(_offers(tx, route, order, rules))
    if not offers:
        return False
    best = min(offers, key=lambda offer: offer.rank)
    to = Reroute(
        route=route,
        carrier=best.card.carrier,
        service=best.card.service,
        rate_card_id=best.card.rate_card_id,
        zone=best.zone,
        arrives_on=best.comes_on,
        difference_cents=best.cost_cents - route.cost_cents,
        currency=best.card.currency,
        reason=reason,
    )
    difference = Charge(
        ChargeKind.FALLBACK_DIFFERENCE,
        Money(to.difference_cents, to.currency),
        to.rate_card_id,
    )
    abandoned = []
    if intent is not None:
        # No answer came, so it may have been sold: there must never be two labels.
        abandoned = [abandoned_labels.abandon(tx, route.parcel_id, intent), labels.leave(intent)]
    tx.write(
        shipments.reroute(to),
        parcel_reroutes.record(tx, to),
        costing.charge_fallback(tx, route.parcel_id, route.order_id, difference),
        *abandoned,
        outbox.put(
            tx,
            *_news(to),
            BuyLabel(parcel_id=route.parcel_id, carrier=to.carrier, priority=work.priority),
            *(
                VoidAbandonedLabel(
                    label_id=left.label_id, parcel_id=route.parcel_id, carrier=left.carrier
                )
                for left in ([] if intent is None else [intent])
            ),
        ),
    )
    log.line(
        "parcel.rerouted",
        "WARNING",
        parcel_id=route.parcel_id,
        order_id=route.order_id,
        from_carrier=route.carrier,
        to_carrier=to.carrier,
        reason=reason,
        difference_cents=to.difference_cents,
    )
    return True


def _offers(tx: Transaction, route: Route, order: Order, rules: Rules) -> Iterator[_Offer]:
    """Every service by which the parcel could go now."""
    sender = warehouses.find(tx, route.warehouse)
    assert sender is not None, "parcels refer to warehouses"
    origin = _place(sender.address)
    destination = _place(order.address)
    working = rules.working(tx).get(route.warehouse, ALWAYS)
    leaves_on = _leaves_on(tx, route, working)
    items = shipments.contents(tx, [route.parcel_id])[route.parcel_id]
    needs = skus.needs(tx, {item.sku for item in items})
    for card in _cards(tx, route, order, rules):
        zone = card.zone_of(origin, destination, route.distance_m)
        if zone is None or not needs <= frozenset(card.carries):
            continue
        sent = Sent(
            weight_g=route.weight_g,
            distance_m=route.distance_m,
            zone=zone.zone,
            volume_mm3=route.volume_mm3,
            longest_mm=route.longest_mm,
            is_residential=is_home(order),
        )
        try:
            charges = charges_for(card, sent)
        except NotCarried:
            continue
        comes_on = late_days = None
        if zone.transit_days is not None:
            comes_on = arrives_on(leaves_on, zone.transit_days)
            late_days = calendar_of(working).late_days(comes_on, order.promised_at)
        cost_cents = sum(charge.amount.amount_cents for charge in charges)
        # Who does not say how long it takes is taken for punctual, as placement does.
        yield _Offer(late_days or 0, cost_cents, card, zone.zone, comes_on)


def _cards(tx: Transaction, route: Route, order: Order, rules: Rules) -> Sequence[RateCard]:
    """The rate cards of the carriers that may be asked for this parcel now."""
    policy = rules.policies(tx).valid_at(tx.now, order.channel)
    left = parcel_reroutes.left_since(tx, route.parcel_id, tx.now - BACK_AFTER)
    found = [
        card
        for card in rules.cards(tx).valid_at(tx.now)
        if card.currency == order.currency
        and card.carrier != route.carrier
        and card.carrier not in left
        and not policy.excludes(card.carrier, card.service)
    ]
    paused = carrier_breakers.paused(tx, {card.carrier for card in found})
    return [card for card in found if card.carrier not in paused]


def _leaves_on(tx: Transaction, route: Route, working: Working) -> date:
    """The day that was planned, or the first one from now on where that has passed."""
    soonest = next(calendar_of(working).ship_days(tx.now), tx.now.date())
    return soonest if route.ship_on is None else max(route.ship_on, soonest)


def _place(address: dict[str, str]) -> PostalPlace:
    return PostalPlace(address["country"], bare_postcode(address["postcode"]))


def _news(to: Reroute) -> tuple[ParcelRerouted, ParcelCharged]:
    parcel_id, order_id = to.route.parcel_id, to.route.order_id
    return (
        ParcelRerouted(
            parcel_id=parcel_id,
            order_id=order_id,
            from_carrier=to.route.carrier,
            from_service=to.route.service,
            to_carrier=to.carrier,
            to_service=to.service,
            reason=to.reason,
            difference_cents=to.difference_cents,
            currency=to.currency,
            arrives_on=to.arrives_on,
        ),
        ParcelCharged(
            parcel_id=parcel_id,
            order_id=order_id,
            items={ChargeKind.FALLBACK_DIFFERENCE: to.difference_cents},
            currency=to.currency,
        ),
    )
