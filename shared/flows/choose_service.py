"""A person says by whose service a parcel goes, within what holds for placement and fallbacks.

Before its label is bought the parcel itself is rerouted. A label that was bought is never used for
another service: it is given back with its parcel, whose twin goes by the chosen one. The difference
to what the parcel would have cost is booked beside the quote, as for any reroute.
"""

from shared.flows.audited import audited_order
from shared.flows.carrier_offers import NotOffered, ServiceOffer, service_offers
from shared.flows.relabel_parcel import locked_parcel, replace_parcel
from shared.flows.reroute_parcel import go_by
from shared.flows.rules import Rules
from shared.kit.errors import Rejected
from shared.orders.types import Order, TooLateToChange
from shared.people.types import Person
from shared.platform.db import Transaction
from shared.shipments import store as shipments
from shared.shipments.types import Parcel, ParcelState, RerouteReason, Route


class ServiceNotOffered(Rejected):
    """The parcel cannot go by that service; the message says why, and nothing has changed."""

    code = "service_not_offered"


def choose_service(
    tx: Transaction, parcel_id: str, rate_card_id: str, person: Person, rules: Rules
) -> str:
    """Send the parcel's units by the service of these prices. Returns the id of what has them now.

    The rate card names carrier, service and price, so that nobody pays another than they chose by.

    Raises:
        NoSuchParcel: there is none.
        TooLateToChange: it is cancelled, picked, or has left already.
        ServiceNotOffered: it goes by it already, or cannot; `field` is `rate_card_id`.
        LabelBeingBought: whether there is a label to give back shows in a moment.
    """
    order, parcel = locked_parcel(tx, parcel_id)
    why = why_too_late(parcel)
    if why is not None:
        raise TooLateToChange(f"parcel_id: {parcel_id} {why}", field="parcel_id")
    route = shipments.as_planned(tx, parcel_id).route
    offer = _offer(tx, route, order, rate_card_id, rules)
    with audited_order(tx, person, "choose_service", order.order_id):
        if parcel.state is ParcelState.LABELLED:
            route = replace_parcel(tx, order, parcel).route
        go_by(tx, route, offer, RerouteReason.CHOSEN_BY_HAND, order.priority)
    return route.parcel_id


def why_too_late(parcel: Parcel) -> str | None:
    """Why nobody can choose for the parcel any more; None: they can."""
    if parcel.state is ParcelState.CANCELLED:
        return "is cancelled"
    return "is picked already, and goes as it was labelled" if parcel.is_picked else None


def _offer(
    tx: Transaction, route: Route, order: Order, rate_card_id: str, rules: Rules
) -> ServiceOffer:
    if rate_card_id == route.rate_card_id:
        raise _not_offered(f"the parcel goes by {route.carrier} {route.service} already")
    for found in service_offers(tx, route, order, rules):
        card = found.card
        if card.rate_card_id != rate_card_id:
            continue
        if isinstance(found, NotOffered):
            raise _not_offered(f"not by {card.carrier} {card.service}: {found.reason}")
        return found
    raise _not_offered("no such prices hold now; see what is offered")


def _not_offered(why: str) -> ServiceNotOffered:
    return ServiceNotOffered(f"rate_card_id: {why}", field="rate_card_id")
