"""Carriers as the console shows them: how all of them stand, and one with what waits for it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from shared.carriers.types import UnknownCarrier
from shared.carriers.vendors import VENDORS
from shared.contracts.http_ops_carriers import (
    CarrierPrices,
    CarrierStand,
    FallbackDifference,
    FallbackNamed,
    FallbackRoute,
    LabelQueue,
    OpsCarrier,
    OpsCarriers,
    ParcelForCarrier,
    SellerView,
    VendorQuiet,
)
from shared.contracts.queue_limits import most_per_second
from shared.contracts.work import BuyLabel
from shared.costing import store as costing
from shared.flows.set_carrier_account import facts_of
from shared.flows.show_carriers import CarrierStanding, show_carriers
from shared.flows.versions import version
from shared.ops import carriers
from shared.orders.types import Priority
from shared.people.permissions import Action, Who
from shared.placement import placement_policies
from shared.platform.db import Transaction

LISTED = 50  # parcels that wait; all of them are counted


def list_carriers(tx: Transaction) -> OpsCarriers:
    """Every carrier as it is now."""
    routes = _routes(tx)
    return OpsCarriers(
        at=tx.now,
        carriers=tuple(_stand(standing, routes, tx.now) for standing in show_carriers(tx)),
    )


def show_carrier(tx: Transaction, carrier: str, who: Who) -> OpsCarrier:
    """One of them; the parcels that wait are those of the warehouses of whoever asks.

    Raises:
        UnknownCarrier: there is none of this name.
    """
    standing = next((one for one in show_carriers(tx) if one.carrier == carrier), None)
    if standing is None:
        raise UnknownCarrier(f"there is no carrier {carrier}", carrier=carrier)
    routes, policies = _routes(tx), placement_policies.read_book(tx).standing_at(tx.now)
    parcels = carriers.waiting_parcels(tx, carrier, LISTED, who.warehouses)
    return OpsCarrier(
        at=tx.now,
        stand=_stand(standing, routes, tx.now),
        hours=tuple(carriers.hours(tx, carrier)),
        routes=tuple(one for one in routes if carrier in {one.from_carrier, one.to_carrier}),
        parcels=tuple(
            ParcelForCarrier(
                parcel_id=one.parcel_id,
                order_id=one.order_id,
                warehouse=one.warehouse,
                planned_at=one.planned_at,
                is_late=one.is_late,
            )
            for one in parcels
        ),
        services=tuple(
            CarrierPrices(
                service=one.service,
                rate_card_id=one.rate_card_id,
                version=one.version,
                valid_from=one.valid_from,
                kept_out_by=tuple(
                    policy.policy_id
                    for policy in policies.values()
                    if policy.excludes(carrier, one.service)
                ),
            )
            for one in costing.versions(tx)
            if one.carrier == carrier
            and one.valid_from <= tx.now
            and (one.valid_until is None or tx.now < one.valid_until)
        ),
        seller=SellerView(
            vendor=standing.account.vendor,
            name_at_vendor=standing.account.name_at_vendor,
            account=standing.account.vendor_account,
            label_format=standing.account.label_format,
            is_enabled=standing.account.is_enabled,
            has_manifests=standing.account.has_manifests,
        ),
        queues=tuple(_queues(tx, carrier)),
        version=version(facts_of(standing.account)),
        acts=("seller",) if who.may(Action.SET_CARRIERS) else (),
        vendors=VENDORS,
        fallbacks=tuple(
            FallbackNamed(policy_id=policy.policy_id, channel=channel, zone=named.zone, to=named.to)
            for channel, policy in sorted(policies.items())
            for named in policy.fallbacks
            if named.carrier == carrier
        ),
    )


def _queues(tx: Transaction, carrier: str) -> Iterator[LabelQueue]:
    """What was bought of late by each of its queues, beside the most that may be."""
    bought = {one.is_express: one for one in carriers.labels_sold(tx) if one.carrier == carrier}
    for priority in (Priority.EXPRESS, Priority.STANDARD):
        queue = BuyLabel(parcel_id="any", carrier=carrier, priority=priority).queue
        sold, most = bought.get(priority is Priority.EXPRESS), most_per_second().get(queue)
        yield LabelQueue(
            queue=queue,
            last_minute=sold.last_minute if sold is not None else 0,
            last_hour=sold.last_hour if sold is not None else 0,
            most_a_minute=None if most is None else int(60 * most),
        )


def _routes(tx: Transaction) -> Sequence[FallbackRoute]:
    return carriers.fallbacks(tx, tx.now.replace(hour=0, minute=0, second=0, microsecond=0))


def _stand(
    standing: CarrierStanding, routes: Sequence[FallbackRoute], now: datetime
) -> CarrierStand:
    figures = standing.figures
    more = Counter[str]()
    for route in routes:
        if route.from_carrier == standing.carrier:
            more[route.currency] += route.difference_cents
    return CarrierStand(
        carrier=standing.carrier,
        breaker=standing.state,
        since=figures.since,
        failures=figures.failures,
        failed_at=figures.failed_at,
        quiet_until=figures.quiet_until,
        next_probe_at=standing.next_probe_at,
        waiting=figures.waiting,
        waiting_since=figures.waiting_since,
        to_void=figures.to_void,
        bought_today=figures.bought,
        taken_away=figures.taken_away,
        taken_over=figures.taken_over,
        vendor=standing.account.vendor,
        is_enabled=standing.account.is_enabled,
        quiet=tuple(
            VendorQuiet(vendor=vendor, until=until)
            for vendor, until in figures.quiet_of.items()
            if until > now
        ),
        differences=tuple(
            FallbackDifference(currency=currency, difference_cents=cents)
            for currency, cents in sorted(more.items())
        ),
    )
