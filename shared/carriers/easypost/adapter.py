"""Buying labels at EasyPost, each one once, and giving them back.

EasyPost has no idempotency header, so the vendor is asked first: our `label_id` is the shipment's
`reference`, by which EasyPost finds it again.

    nothing under that reference     -> create a shipment, buy it
    a shipment without a label       -> buy it: an earlier attempt got as far as that
    a shipment with a label          -> return the label: an earlier answer was lost

EasyPost does not promise that a reference is unique, so two attempts at the same moment could buy
twice; whoever calls holds a lease on the label. A label is given back in the same way: found by its
reference, and refunded unless it is. Source: https://docs.easypost.com/docs/shipments/shipping-refund
"""

from typing import Any

from shared.carriers.easypost.answers import Rate, Shipment, read_label, read_shipment
from shared.carriers.easypost.client import Client
from shared.carriers.easypost.failures import AlreadyBought, NotThere
from shared.carriers.easypost.units import length_in, weight_oz
from shared.carriers.types import (
    Address,
    Dimensions,
    Label,
    LabelRequest,
    NotTakenBack,
    RefusedByCarrier,
)

# What EasyPost says of a refund when the label is no longer to be used: it is on its way, it is
# done, or the carrier bills what it scans and so has nothing to give back.
_GIVEN_BACK = frozenset({"submitted", "refunded", "not_applicable"})


class EasyPost:
    """The port `Carrier` over EasyPost. One instance serves all threads."""

    def __init__(self, *, api_key: str, api_base: str, timeout_s: int = 10) -> None:
        """Nothing is called, and the vendor's client is not imported, before the first purchase.

        Args:
            api_key: EasyPost's API key.
            api_base: such as https://api.easypost.com/v2, without a slash at the end.
            timeout_s: for connecting and for each silence in an answer. A purchase makes one to
                four calls.
        """
        self._client = Client(api_key=api_key, api_base=api_base, timeout_s=timeout_s)

    def buy(self, request: LabelRequest) -> Label:
        """See `Carrier.buy`."""
        answer = self._find_or_create(request)
        shipment = read_shipment(answer)
        if shipment.postage_label is not None:
            return read_label(answer)
        rate = _choose_rate(shipment, request)
        try:
            bought = self._client.ask(
                lambda vendor: vendor.shipment.buy(shipment.id, rate={"id": rate.id})
            )
        except AlreadyBought:
            bought = self._client.ask(lambda vendor: vendor.shipment.retrieve(shipment.id))
        return read_label(bought)

    def void(self, label_id: str) -> None:
        """See `Carrier.void`."""
        try:
            answer = self._client.ask(lambda vendor: vendor.shipment.retrieve(label_id))
        except NotThere:
            return
        shipment = read_shipment(answer)
        if shipment.postage_label is None or shipment.refund_status in _GIVEN_BACK:
            return
        refunded = read_shipment(
            self._client.ask(lambda vendor: vendor.shipment.refund(shipment.id))
        )
        if refunded.refund_status not in _GIVEN_BACK:
            # Right after the purchase EasyPost may say so by mistake, and takes it again later.
            raise NotTakenBack(
                f"EasyPost does not refund the label (refund_status {refunded.refund_status})"
            )

    def _find_or_create(self, request: LabelRequest) -> Any:
        try:
            return self._client.ask(lambda vendor: vendor.shipment.retrieve(request.label_id))
        except NotThere:
            wanted = _shipment(request)
            return self._client.ask(lambda vendor: vendor.shipment.create(**wanted))


def _choose_rate(shipment: Shipment, request: LabelRequest) -> Rate:
    suitable = [rate for rate in shipment.rates if _suits(rate, request)]
    if not suitable:
        raise _no_rate(shipment, request)
    return min(suitable, key=lambda rate: (rate.rate, rate.service, rate.id))


def _suits(rate: Rate, request: LabelRequest) -> bool:
    return rate.carrier.casefold() == request.carrier.casefold() and (
        request.service is None or rate.service.casefold() == request.service.casefold()
    )


def _no_rate(shipment: Shipment, request: LabelRequest) -> RefusedByCarrier:
    for note in shipment.messages:
        if note.carrier.casefold() == request.carrier.casefold():
            text = f"{note.carrier}: {note.message}"
            return RefusedByCarrier(text, vendor_code=note.type or "rate_error")
    service = request.service or "any service"
    return RefusedByCarrier(
        f"{request.carrier} quotes nothing for {service}", vendor_code="no_rate"
    )


def _shipment(request: LabelRequest) -> dict[str, Any]:
    return {
        "reference": request.label_id,
        "from_address": _address(request.from_address),
        "to_address": _address(request.to_address),
        "parcel": {"weight": float(weight_oz(request.weight_g)), **_sides(request.dimensions_mm)},
        "options": {"print_custom_1": request.reference},
    }


def _address(address: Address) -> dict[str, str]:
    return {
        "name": address.name,
        "street1": address.street1,
        "street2": address.street2,
        "city": address.city,
        "state": address.state,
        "zip": address.postcode,
        "country": address.country,
        "phone": address.phone,
        "email": address.email,
    }


def _sides(box: Dimensions | None) -> dict[str, float]:
    if box is None:
        return {}
    return {
        "length": float(length_in(box.length_mm)),
        "width": float(length_in(box.width_mm)),
        "height": float(length_in(box.height_mm)),
    }
