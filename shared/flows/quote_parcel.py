"""What a parcel would cost now by each service of a carrier, as the carrier itself says."""

from collections.abc import Mapping

from shared.carriers import carrier_accounts, carrier_breakers
from shared.carriers.types import Carrier, LabelRequest, Quote
from shared.flows.known_carriers import refuse_unknown_carrier
from shared.flows.label_request import label_request
from shared.flows.steps import Run
from shared.kit.ids import new_id
from shared.platform.db import Transaction
from shared.shipments import store as shipments
from shared.shipments.types import NoSuchParcel


def quote_parcel(
    run: Run, parcel_id: str, vendors: Mapping[str, Carrier], name: str | None = None
) -> tuple[Quote, ...]:
    """Every service's quote, the cheapest first; nothing is bought and nothing is kept.

    `name` is the carrier that is asked, None for the parcel's own.

    Raises:
        NoSuchParcel: it is not known here.
        Malformed: nobody knows this carrier; `field` is its name.
        CarrierUnavailable, CarrierPaused: ask again later.
        RefusedByCarrier, CarrierAccountRefused, BrokenAnswer: somebody has to look.
    """
    vendor, request = run(lambda tx: _request(tx, parcel_id, name))
    return vendors[vendor].quote(request)


def _request(tx: Transaction, parcel_id: str, name: str | None) -> tuple[str, LabelRequest]:
    parcel = shipments.find(tx, parcel_id)
    if parcel is None:
        raise NoSuchParcel("no such parcel", parcel_id=parcel_id)
    if name is not None:
        refuse_unknown_carrier(tx, name)
    asked = name or parcel.carrier
    carrier_breakers.refuse_paused(tx, asked)
    # An id of its own: what is asked for under it can never be taken for the parcel's label.
    account = carrier_accounts.find(tx, asked)
    return account.vendor, label_request(tx, parcel, new_id("quo"), account)
