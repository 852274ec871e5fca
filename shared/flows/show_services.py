"""By which services a parcel can go, for a person who chooses one."""

from shared.contracts.http_ops_parcels import (
    OpsParcelServices,
    ServiceNotOfferedView,
    ServiceOfferView,
    SiblingParcel,
)
from shared.flows.carrier_offers import NotOffered, ServiceOffer, service_offers
from shared.flows.choose_service import why_too_late
from shared.flows.rules import Rules
from shared.flows.show_order import may_choose
from shared.flows.show_parcel import order_of
from shared.flows.unchanged import version_of
from shared.ops.order_view import view_order
from shared.orders import store as orders
from shared.people.permissions import Who
from shared.platform.db import Transaction
from shared.shipments import store as shipments
from shared.shipments.types import ParcelState, Route


def show_services(tx: Transaction, parcel_id: str, who: Who, rules: Rules) -> OpsParcelServices:
    """What the parcel goes by, and what else it could go by now.

    Raises:
        NoSuchParcel: there is none, or it is none of theirs.
    """
    view = view_order(tx, order_of(tx, parcel_id, who))
    assert view is not None, "parcels refer to orders"
    order, parcel = orders.find(tx, view.order_id), shipments.find(tx, parcel_id)
    assert order is not None, "it is seen"
    assert parcel is not None, "it is seen"
    seen = next(one for one in view.parcels if one.parcel_id == parcel_id)
    route = shipments.as_planned(tx, parcel_id).route
    why_not = why_too_late(parcel)
    found = [] if why_not is not None else list(service_offers(tx, route, order, rules))
    offers = [one for one in found if isinstance(one, ServiceOffer)]
    return OpsParcelServices(
        version=version_of(view),
        order_id=view.order_id,
        parcel_id=parcel_id,
        state=parcel.state.value,
        warehouse=route.warehouse,
        carrier=route.carrier,
        service=route.service,
        cost_cents=route.cost_cents,
        currency=view.currency,
        promised_at=view.promised_at,
        arrives_on=seen.arrives_on,
        why_not=why_not,
        gives_label_back=parcel.state is ParcelState.LABELLED and why_not is None,
        may_choose=may_choose(seen, who),
        offers=tuple(
            _offered(route, one)
            for one in sorted(offers, key=lambda one: (one.cost_cents, one.card.rate_card_id))
            if one.card.rate_card_id != route.rate_card_id
        ),
        not_offered=tuple(
            ServiceNotOfferedView(
                carrier=one.card.carrier, service=one.card.service, reason=one.reason
            )
            for one in found
            if isinstance(one, NotOffered)
        ),
        siblings=tuple(
            SiblingParcel.model_validate(one.model_dump())
            for one in view.parcels
            if one.parcel_id != parcel_id and one.state != ParcelState.CANCELLED
        ),
    )


def _offered(route: Route, offer: ServiceOffer) -> ServiceOfferView:
    return ServiceOfferView(
        rate_card_id=offer.card.rate_card_id,
        carrier=offer.card.carrier,
        service=offer.card.service,
        cost_cents=offer.cost_cents,
        difference_cents=offer.cost_cents - route.cost_cents,
        arrives_on=offer.arrives_on,
        late_days=None if offer.arrives_on is None else offer.late_days,
    )
