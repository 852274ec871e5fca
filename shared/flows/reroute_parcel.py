"""A parcel whose carrier does not answer goes by another one: one transaction, everything at once.

What placement decided stays: warehouse, day of leaving, quote. Those who are named for the parcel's
carrier and zone by the policy take it over, in that order. Where none is, or none of them can, of
all other carriers' services the cheapest that keeps the promise is chosen, or the least late one.
What it costs more, or less, is booked beside the quote.
"""

from collections.abc import Callable
from datetime import timedelta

from shared.carriers import abandoned_labels, carrier_accounts
from shared.carriers import store as labels
from shared.carriers.types import CarrierAccount
from shared.contracts.parcels import ParcelCharged, ParcelRerouted
from shared.contracts.work import BuyLabel, VoidAbandonedLabel
from shared.costing import store as costing
from shared.costing.types import Charge, ChargeKind
from shared.flows.carrier_offers import ServiceOffer, service_offers
from shared.flows.rules import Rules
from shared.kit.money import Money
from shared.orders import store as orders
from shared.orders.types import Order
from shared.platform import log, outbox
from shared.platform.db import Transaction
from shared.shipments import parcel_reroutes
from shared.shipments import store as shipments
from shared.shipments.types import LabelBeingBought, Reroute, RerouteReason, Route

# A carrier that could not take the parcel is not asked for it again before; else a parcel would go
# to and fro between carriers that are all in trouble.
BACK_AFTER = timedelta(hours=1)


def reroute(
    tx: Transaction, work: BuyLabel, rules: Rules, reason: RerouteReason, down: str | None
) -> bool:
    """Let another carrier take the parcel. Returns False where nobody can: it waits for its own.

    A parcel that is cancelled, labelled or goes by another carrier already is left as it is, and
    that is True: there is nothing to wait for. Nobody is asked whose labels are sold by `down`, a
    vendor that does not answer: they would fail as well.

    Raises:
        LabelBeingBought: somebody else is asking the carrier at this moment.
    """
    route = shipments.lock_route(tx, work.parcel_id)
    if route is None or route.carrier != work.carrier:
        return True
    order = orders.find(tx, route.order_id)
    assert order is not None, "parcels refer to orders"
    offer = fallback(tx, route, order, rules, down)
    if offer is None:
        return False
    go_by(tx, route, offer, reason, work.priority)
    return True


def go_by(
    tx: Transaction, route: Route, offer: ServiceOffer, reason: RerouteReason, priority: str
) -> None:
    """A locked parcel goes by this service from now on, and its label is bought there.

    What may have been bought already is given back.

    Raises:
        LabelBeingBought: somebody is asking the parcel's carrier at this moment.
    """
    intent = labels.lock_intent(tx, route.parcel_id)
    if intent is not None and intent.is_leased:
        raise LabelBeingBought("the label is being bought", parcel_id=route.parcel_id)
    to = Reroute(
        route=route,
        carrier=offer.card.carrier,
        service=offer.card.service,
        rate_card_id=offer.card.rate_card_id,
        zone=offer.zone,
        arrives_on=offer.arrives_on,
        difference_cents=offer.cost_cents - route.cost_cents,
        currency=offer.card.currency,
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
            BuyLabel(parcel_id=route.parcel_id, carrier=to.carrier, priority=priority),
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
        "WARNING" if reason is not RerouteReason.CHOSEN_BY_HAND else "INFO",
        parcel_id=route.parcel_id,
        order_id=route.order_id,
        from_carrier=route.carrier,
        to_carrier=to.carrier,
        reason=reason,
        difference_cents=to.difference_cents,
    )


def fallback(
    tx: Transaction, route: Route, order: Order, rules: Rules, down: str | None
) -> ServiceOffer | None:
    """The best that another carrier offers now, see `reroute`; who is not named comes last."""
    policy = rules.policies(tx).valid_at(tx.now, order.channel)
    named = policy.fallbacks_of(route.carrier, route.zone)
    left = parcel_reroutes.left_since(tx, route.parcel_id, tx.now - BACK_AFTER)
    fails_as_well = _sold_by(tx, down)

    def rank(offer: ServiceOffer) -> tuple[int, int, int, str, str]:
        card = offer.card
        place = named.index(card.carrier) if card.carrier in named else len(named)
        return place, offer.late_days, offer.cost_cents, card.carrier, card.service

    others = [
        offer
        for offer in service_offers(tx, route, order, rules)
        if isinstance(offer, ServiceOffer)
        and offer.card.carrier not in {route.carrier, *left}
        and not fails_as_well(offer.card.carrier)
    ]
    return min(others, key=rank, default=None)


def _sold_by(tx: Transaction, vendor: str | None) -> Callable[[str], bool]:
    """Whether a carrier's labels are sold by this vendor; None: by nobody."""
    accounts = {} if vendor is None else carrier_accounts.all_of(tx)
    return lambda carrier: accounts.get(carrier, CarrierAccount(carrier)).vendor == vendor


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
