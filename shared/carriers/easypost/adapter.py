"""Buying labels at EasyPost, each one once, giving them back, and closing the day for a carrier.

EasyPost has no idempotency header, so the vendor is asked first: our `label_id` is the shipment's
`reference`, by which EasyPost finds it again.

    nothing under that reference     -> create a shipment, buy it
    a shipment without a label       -> have it rated anew, buy it: an earlier attempt got as far as
                                        that, perhaps days ago, or when no carrier would quote
    a shipment with a label          -> return the label: an earlier answer was lost

EasyPost does not promise that a reference is unique, so two attempts at the same moment could buy
twice; whoever calls holds a lease on the label. A label is given back in the same way: found by its
reference, and refunded unless it is. Source: https://docs.easypost.com/docs/shipments/shipping-refund

A manifest is a scan form there. It has no reference either, but a shipment is on one form at most
and says on which: so the first shipment is asked before a form is made.
Source: https://docs.easypost.com/docs/scan-form

Trackers are asked for many at a time (POST /trackers/batch). How many codes one question may hold
is not documented, nor how many trackers a page of its answer has: what a page leaves out is asked
for again as long as there is more. Sources: https://docs.easypost.com/docs/trackers/tracker-retrieve-batch
and the cassette of easypost-python's own test.
"""

import json
from collections.abc import Collection, Mapping
from typing import Any

from shared.carriers import papers
from shared.carriers.asking import address_fields
from shared.carriers.easypost.answers import (
    Rate,
    ScanForm,
    Shipment,
    read_label,
    read_rates,
    read_scan_form,
    read_shipment,
    read_trackers,
)
from shared.carriers.easypost.client import Client
from shared.carriers.easypost.failures import AlreadyBought, NotThere
from shared.carriers.easypost.units import length_in, weight_oz
from shared.carriers.reading import amount_cents
from shared.carriers.types import (
    BrokenAnswer,
    CarrierUnavailable,
    Dimensions,
    Document,
    Label,
    LabelRequest,
    Manifest,
    ManifestRequest,
    NotTakenBack,
    Quote,
    RefusedByCarrier,
)
from shared.contracts.work import POLLED_TOGETHER

# What EasyPost says of a refund when the label is no longer to be used: it is on its way, it is
# done, or the carrier bills what it scans and so has nothing to give back.
_GIVEN_BACK = frozenset({"submitted", "refunded", "not_applicable"})


class EasyPost:
    """The port `Carrier` over EasyPost. One instance serves all threads."""

    asked_together = POLLED_TOGETHER

    def __init__(self, *, api_key: str, api_base: str, timeout_s: int = 10) -> None:
        """Nothing is called, and the vendor's client is not imported, before the first purchase.

        Args:
            api_key: EasyPost's API key.
            api_base: such as https://api.easypost.com/v2, without a slash at the end.
            timeout_s: for connecting and for each silence in an answer. A purchase makes one to
                four calls.
        """
        self._client = Client(api_key=api_key, api_base=api_base, timeout_s=timeout_s)
        # Documents lie elsewhere, and are as safe there as the API itself.
        self._may_be_plain = api_base.startswith("http://")

    def buy(self, request: LabelRequest) -> Label:
        """See `Carrier.buy`."""
        answer, is_new = self._find_or_create(request)
        shipment = read_shipment(answer)
        if shipment.postage_label is not None:
            return read_label(answer)
        if not is_new:
            shipment = self._rated_anew(shipment)
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

    def quote(self, request: LabelRequest) -> tuple[Quote, ...]:
        """See `Carrier.quote`. What it costs to ask is a shipment that is never bought."""
        answer, _ = self._find_or_create(request)
        shipment = read_shipment(answer)
        return tuple(
            Quote(
                carrier=rate.carrier,
                service=rate.service,
                amount_cents=amount_cents(rate.rate, rate.currency),
                currency=rate.currency,
                transit_days=rate.delivery_days,
            )
            for rate in sorted(shipment.rates, key=lambda rate: (rate.rate, rate.service))
            if rate.carrier.casefold() == request.carrier.casefold()
        )

    def reprint(self, label_id: str) -> Document:
        """See `Carrier.reprint`."""
        shipment = read_shipment(
            self._client.ask(lambda vendor: vendor.shipment.retrieve(label_id))
        )
        if shipment.postage_label is None:
            raise RefusedByCarrier("EasyPost has sold no such label", vendor_code="no_postage")
        return self._fetch(shipment.postage_label.label_url)

    def manifest(self, request: ManifestRequest) -> Manifest:
        """See `Carrier.manifest`."""
        form = self._form_of_before(request)
        if form is None:
            shipments = [{"id": shipment_id} for shipment_id in request.vendor_shipment_ids]
            form = read_scan_form(
                self._client.ask(lambda vendor: vendor.scan_form.create(shipments=shipments))
            )
        if form.status == "failed":
            raise _no_form(form)
        if form.status != "created":
            raise CarrierUnavailable(f"EasyPost is still at it (scan form {form.status})")
        if form.form_url is None:
            raise BrokenAnswer("EasyPost: form_url: a scan form has none", field="form_url")
        return Manifest(form.id, self._fetch(form.form_url))

    def _form_of_before(self, request: ManifestRequest) -> ScanForm | None:
        """What an earlier attempt has made; None where there is nothing, or it failed."""
        first = request.vendor_shipment_ids[0]
        shipment = read_shipment(self._client.ask(lambda vendor: vendor.shipment.retrieve(first)))
        if shipment.scan_form is None:
            return None
        form_id = shipment.scan_form.id
        form = read_scan_form(self._client.ask(lambda vendor: vendor.scan_form.retrieve(form_id)))
        if form.status == "failed":
            return None
        # Labels may have been given back since then, but none can have come to it.
        if len(form.tracking_codes) < len(request.vendor_shipment_ids):
            raise RefusedByCarrier(
                f"EasyPost has {first} on another scan form, {form.id}",
                vendor_code="on_another_scan_form",
            )
        return form

    def _fetch(self, url: str) -> Document:
        return papers.fetch(url, "EasyPost", may_be_plain=self._may_be_plain)

    def track(self, carrier: str, tracking_codes: Collection[str]) -> Mapping[str, bytes]:
        """See `Carrier.track`."""
        wanted, found = set(tracking_codes), dict[str, bytes]()
        while wanted:
            trackers, has_more = self._ask_for_trackers(wanted)
            news = {
                # Another carrier's parcel may have the same code.
                tracker["tracking_code"]: _event(tracker)
                for tracker in trackers
                if (tracker.get("carrier") or "").casefold() == carrier.casefold()
            }
            found |= {code: body for code, body in news.items() if code in wanted}
            if not has_more or wanted.isdisjoint(news):
                break
            wanted -= news.keys()
        return found

    def _ask_for_trackers(self, codes: set[str]) -> tuple[list[dict[str, Any]], bool]:
        """The trackers of a page, and whether there are more of them."""
        try:
            answer = self._client.ask(
                lambda vendor: vendor.tracker.retrieve_batch(tracking_codes=sorted(codes))
            )
        except NotThere:
            return [], False
        return read_trackers(answer)

    def _find_or_create(self, request: LabelRequest) -> tuple[Any, bool]:
        """The shipment, and whether it was made just now."""
        try:
            found = self._client.ask(lambda vendor: vendor.shipment.retrieve(request.label_id))
        except NotThere:
            wanted = _shipment(request)
            return self._client.ask(lambda vendor: vendor.shipment.create(**wanted)), True
        return found, False

    def _rated_anew(self, shipment: Shipment) -> Shipment:
        """The shipment with what carriers want now: it keeps the rates of when it was made."""
        answer = self._client.ask(lambda vendor: vendor.shipment.regenerate_rates(shipment.id))
        return shipment.model_copy(update={"rates": read_rates(answer)})


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


def _no_form(form: ScanForm) -> RefusedByCarrier:
    text = form.message or "it does not say why"
    return RefusedByCarrier(f"EasyPost makes no scan form: {text}", vendor_code="scan_form_failed")


def _event(tracker: dict[str, Any]) -> bytes:
    """What a webhook would carry, without what says when and how often it was sent."""
    event = {"object": "Event", "description": "tracker.updated", "result": tracker}
    return json.dumps(event, sort_keys=True, separators=(",", ":")).encode()


def _shipment(request: LabelRequest) -> dict[str, Any]:
    return {
        "reference": request.label_id,
        "from_address": address_fields(request.from_address),
        "to_address": address_fields(request.to_address),
        "parcel": {"weight": float(weight_oz(request.weight_g)), **_sides(request.dimensions_mm)},
        "options": {
            "print_custom_1": request.reference,
            "label_format": request.label_format.upper(),
        },
        **({"carrier_accounts": [request.vendor_account]} if request.vendor_account else {}),
    }


def _sides(box: Dimensions | None) -> dict[str, float]:
    if box is None:
        return {}
    return {
        "length": float(length_in(box.length_mm)),
        "width": float(length_in(box.width_mm)),
        "height": float(length_in(box.height_mm)),
    }
