"""Buying labels at Shippo, each one once, and what else is to be done with them.

Shippo has no key that makes a purchase unique, and no list that could be searched for our
`label_id`: lists know pages, of shipments also dates, and only fifty may be asked for in a minute.
A purchase (a transaction) can be looked for by its rate, though. So the rate's id is noted before
the money is spent, and that note is what a later attempt asks by:

    no note                             -> nothing was ever bought: make a shipment, note its
                                           cheapest rate, buy it
    a rate, nothing bought at it        -> buy at the same rate: whatever else is still under way
                                           is found under it
    a rate, its purchase was refused    -> as without a note
    a rate with a purchase, or the note
    of a purchase                       -> return its label: an earlier answer was lost

`label_id` stands in the `metadata` of the shipment and the transaction, for people, and so that a
purchase by hand at the same rate is not taken for ours. Two attempts at the same moment could buy
twice; whoever calls holds a lease on the label. A manifest is noted in the same way. Shippo lets
them be listed only, so all pages are looked through where an answer was lost, and then alone.
Sources: https://docs.goshippo.com/docs/api_concepts/filtering, /docs/api_concepts/ratelimits and
shippo-python-sdk, `ListTransactionsRequest`.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

from shared.carriers import papers
from shared.carriers.asking import address_fields
from shared.carriers.reading import amount_cents
from shared.carriers.shippo import answers
from shared.carriers.shippo.answers import (
    BoughtTransaction,
    Rate,
    Refund,
    Shipment,
    Track,
    Transaction,
    Transactions,
    read_as,
)
from shared.carriers.shippo.client import Client
from shared.carriers.shippo.failures import NotThere, sort_refusal
from shared.carriers.types import (
    BrokenAnswer,
    CarrierUnavailable,
    Dimensions,
    Document,
    Label,
    LabelFormat,
    LabelRequest,
    Manifest,
    ManifestRequest,
    Notes,
    NotTakenBack,
    Quote,
    RefusedByCarrier,
)
from shared.kit.clock import Clock

PAGE = 100  # the most that a list gives at a time
# Seven days by Shippo's documents; a purchase that is under way is not under way for six.
RATE_LIFE = timedelta(days=6)

_FORMATS = {LabelFormat.PDF: "PDF_4x6", LabelFormat.PNG: "PNG", LabelFormat.ZPL: "ZPLII"}
_RATES, _TRANSACTIONS, _MANIFESTS = "rates", "transactions", "manifests"  # as notes begin
_UNDER_WAY = frozenset({"WAITING", "QUEUED"})
_GIVEN_BACK = frozenset({"REFUNDED", "REFUNDPENDING"})


class Shippo:
    """The port `Carrier` over Shippo. One instance serves all threads."""

    # Each is a call of its own. A function runs for a minute, and a call may take ten seconds.
    asked_together = 5

    def __init__(
        self, *, api_key: str, api_base: str, notes: Notes, clock: Clock, timeout_s: int = 10
    ) -> None:
        """Nothing is called, and the vendor's client is not imported, before the first purchase.

        Args:
            api_key: Shippo's API token.
            api_base: such as https://api.goshippo.com, without a slash at the end.
            notes: where it is written down what is about to be bought.
            clock: tells how old a rate is.
            timeout_s: for connecting and for each silence in an answer. A purchase makes two to
                four calls.
        """
        self._client = Client(api_key=api_key, api_base=api_base, timeout_s=timeout_s)
        self._notes = notes
        self._clock = clock
        # Documents lie elsewhere, and are as safe there as the API itself.
        self._may_be_plain = api_base.startswith("http://")

    def buy(self, request: LabelRequest) -> Label:
        """See `Carrier.buy`."""
        sold, rate = self._earlier(request.label_id)
        if sold is not None:
            return self._label(sold, rate or self._rate(sold.rate))
        if rate is None:
            rate = _choose(self._quoted(request), request)
            self._notes.keep(request.label_id, f"{_RATES}/{rate.object_id}")
        wanted = {
            "rate": rate.object_id,
            "metadata": request.label_id,
            "async_": False,
            "label_file_type": _FORMATS[request.label_format],
        }
        made = self._client.ask(
            lambda vendor, parts: vendor.transactions.create(
                parts.TransactionCreateRequest(**wanted)
            )
        )
        sold = _settled(read_as(Transaction, made))
        if sold.status == "ERROR":
            raise _not_sold(sold)
        self._notes.keep(request.label_id, f"{_TRANSACTIONS}/{sold.object_id}")
        return self._label(sold, rate)

    def void(self, label_id: str) -> None:
        """See `Carrier.void`."""
        for sold in self._sold(label_id):
            if sold.status in _GIVEN_BACK:
                continue
            refund = read_as(Refund, self._refund(sold))
            if refund.status == "ERROR":
                raise NotTakenBack("Shippo does not refund the label (refund ERROR)")

    def quote(self, request: LabelRequest) -> tuple[Quote, ...]:
        """See `Carrier.quote`. What it costs to ask is a shipment that is never bought."""
        shipment = self._quoted(request)
        return tuple(
            Quote(
                carrier=rate.provider,
                service=rate.service,
                amount_cents=amount_cents(rate.amount, rate.currency),
                currency=rate.currency,
                transit_days=rate.estimated_days,
            )
            for rate in sorted(shipment.rates, key=_rank)
            if _is_by(rate, request)
        )

    def reprint(self, label_id: str) -> Document:
        """See `Carrier.reprint`. Addresses of labels end after a while, so a fresh one is asked."""
        sold = next(iter(self._sold(label_id)), None)
        if sold is None:
            raise RefusedByCarrier("Shippo has sold no such label", vendor_code="no_transaction")
        return self._fetch(_bought(sold).label_url)

    def manifest(self, request: ManifestRequest) -> Manifest:
        """See `Carrier.manifest`."""
        made = self._manifest_of_before(request) or self._close(request)
        if made.status == "ERROR":
            text = "; ".join(made.errors) or "it does not say why"
            raise RefusedByCarrier(
                f"Shippo makes no manifest: {text}", vendor_code="manifest_error"
            )
        self._notes.keep(request.manifest_id, f"{_MANIFESTS}/{made.object_id}")
        if made.status != "SUCCESS":
            raise CarrierUnavailable(f"Shippo is still at it (manifest {made.status})")
        if len(made.documents) != 1:
            raise BrokenAnswer(
                f"Shippo: documents: a manifest has {len(made.documents)}, and we keep one",
                field="documents",
            )
        return Manifest(made.object_id, self._fetch(made.documents[0]))

    def track(self, carrier: str, tracking_codes: Collection[str]) -> Mapping[str, bytes]:
        """See `Carrier.track`. One call a parcel: Shippo has no question about many."""
        answered = ((code, self._track(carrier.lower(), code)) for code in tracking_codes)
        return {code: body for code, body in answered if body is not None}

    def _earlier(self, label_id: str) -> tuple[Transaction | None, Rate | None]:
        """What was bought before, and the rate at which it was, or is to be; None: a new one."""
        note = self._notes.find(label_id)
        if note is None:
            return None, None
        kind, _, vendor_id = note.partition("/")
        if kind == _TRANSACTIONS:
            return self._transaction(vendor_id), None
        rate = self._rate(vendor_id)
        found = [_settled(one) for one in self._bought_at(rate.object_id, label_id)]
        sold = [one for one in found if one.status != "ERROR"]
        if sold:
            self._notes.keep(label_id, f"{_TRANSACTIONS}/{sold[0].object_id}")
            return sold[0], rate
        is_usable = not found and not rate.is_older_than(self._clock() - RATE_LIFE)
        return None, rate if is_usable else None

    def _sold(self, label_id: str) -> list[Transaction]:
        """Everything that was bought under the id, given back or not."""
        note = self._notes.find(label_id)
        if note is None:
            return []
        kind, _, vendor_id = note.partition("/")
        found = (
            [self._transaction(vendor_id)]
            if kind == _TRANSACTIONS
            else self._bought_at(vendor_id, label_id)
        )
        return [one for one in map(_settled, found) if one.status != "ERROR"]

    def _bought_at(self, rate_id: str, label_id: str) -> Iterator[Transaction]:
        """Every purchase at the rate that is ours, on as many pages as there are."""
        for page in self._pages(
            lambda vendor, parts, number: vendor.transactions.list(
                parts.ListTransactionsRequest(rate=rate_id, page=number, results=PAGE)
            )
        ):
            for one in read_as(Transactions, page).results:
                if one.metadata == label_id:
                    yield one

    def _pages(self, call: Callable[..., object]) -> Iterator[Any]:
        for number in count(1):
            page = self._client.ask(partial(call, number=number))
            yield page
            if not page.get("next"):
                return

    def _quoted(self, request: LabelRequest) -> Shipment:
        """A new shipment with what its services would cost."""
        wanted = _shipment(request)
        return read_as(
            Shipment,
            self._client.ask(lambda vendor, parts: vendor.shipments.create(_built(parts, wanted))),
        )

    def _rate(self, rate_id: str) -> Rate:
        return read_as(Rate, self._client.ask(lambda vendor, _: vendor.rates.get(rate_id)))

    def _transaction(self, transaction_id: str) -> Transaction:
        return read_as(
            Transaction,
            self._client.ask(lambda vendor, _: vendor.transactions.get(transaction_id)),
        )

    def _refund(self, sold: Transaction) -> Any:
        return self._client.ask(
            lambda vendor, _: vendor.refunds.create(transaction=sold.object_id, async_=False)
        )

    def _label(self, sold: Transaction, rate: Rate) -> Label:
        bought = _bought(sold)
        return Label(
            vendor_shipment_id=bought.object_id,
            vendor_tracker_id=f"{rate.provider.lower()}/{bought.tracking_number}",
            tracking_code=bought.tracking_number,
            label_url=bought.label_url,
            amount_cents=amount_cents(rate.amount, rate.currency),
            currency=rate.currency,
            carrier=rate.provider,
            service=rate.service,
        )

    def _manifest_of_before(self, request: ManifestRequest) -> answers.Manifest | None:
        """What an earlier attempt has made; None where there is nothing, or it failed."""
        note = self._notes.find(request.manifest_id)
        if note is None:
            return None
        manifest_id = note.partition("/")[2]
        made = self._manifest(manifest_id) if manifest_id else self._manifest_with(request)
        return None if made is None or made.status == "ERROR" else made

    def _manifest(self, manifest_id: str) -> answers.Manifest:
        return read_as(
            answers.Manifest,
            self._client.ask(lambda vendor, _: vendor.manifests.get(manifest_id)),
        )

    def _manifest_with(self, request: ManifestRequest) -> answers.Manifest | None:
        """The one that has these labels: they are on one at most."""
        wanted = set(request.vendor_shipment_ids)
        for page in self._pages(
            lambda vendor, _, number: vendor.manifests.list(page=number, results=PAGE)
        ):
            for made in read_as(answers.Manifests, page).results:
                # Labels may have been given back since then, but none can have come to it.
                if wanted <= set(made.transactions) and made.status != "ERROR":
                    return made
        return None

    def _close(self, request: ManifestRequest) -> answers.Manifest:
        first = self._transaction(request.vendor_shipment_ids[0])
        account = self._rate(first.rate).carrier_account
        self._notes.keep(request.manifest_id, f"{_MANIFESTS}/")
        wanted = {
            "carrier_account": account,
            "shipment_date": f"{request.ship_on.isoformat()}T23:59:59Z",
            "transactions": list(request.vendor_shipment_ids),
            "async_": False,
        }
        origin = address_fields(request.from_address)
        made = self._client.ask(
            lambda vendor, parts: vendor.manifests.create(
                parts.ManifestCreateRequest(
                    address_from=parts.AddressCreateRequest(**origin), **wanted
                )
            )
        )
        return read_as(answers.Manifest, made)

    def _track(self, carrier: str, code: str) -> bytes | None:
        try:
            answer = self._client.ask(
                lambda vendor, _: vendor.tracking_status.get(code, carrier=carrier)
            )
        except NotThere:
            return None
        if read_as(Track, answer).tracking_status is None:
            return None
        event = {"event": "track_updated", "carrier": carrier, "data": answer}
        return json.dumps(event, sort_keys=True, separators=(",", ":")).encode()

    def _fetch(self, url: str) -> Document:
        return papers.fetch(url, "Shippo", may_be_plain=self._may_be_plain)


def _choose(shipment: Shipment, request: LabelRequest) -> Rate:
    suitable = [
        rate
        for rate in shipment.rates
        if _is_by(rate, request) and (request.service is None or rate.is_called(request.service))
    ]
    if not suitable:
        raise _no_rate(shipment, request)
    return min(suitable, key=_rank)


def _rank(rate: Rate) -> Any:
    return rate.amount, rate.service, rate.object_id


def _is_by(rate: Rate, request: LabelRequest) -> bool:
    return rate.provider.casefold() == request.carrier.casefold()


def _no_rate(shipment: Shipment, request: LabelRequest) -> Exception:
    for note in shipment.messages:
        if note.source.casefold() == request.carrier.casefold():
            return sort_refusal(note.code or "rate_error", f"{note.source}: {note.text}")
    service = request.service or "any service"
    return RefusedByCarrier(
        f"{request.carrier} quotes nothing for {service}", vendor_code="no_rate"
    )


def _settled(sold: Transaction) -> Transaction:
    if sold.status in _UNDER_WAY:
        raise CarrierUnavailable(f"Shippo is still at it (transaction {sold.status})")
    return sold


def _bought(sold: Transaction) -> BoughtTransaction:
    return read_as(BoughtTransaction, sold.model_dump())


def _not_sold(sold: Transaction) -> Exception:
    for note in sold.messages:
        return sort_refusal(note.code or "transaction_error", f"{note.source}: {note.text}")
    return RefusedByCarrier("Shippo sells no label, and does not say why", vendor_code="no_message")


def _shipment(request: LabelRequest) -> dict[str, Any]:
    if request.dimensions_mm is None:
        raise RefusedByCarrier(
            "Shippo sells no label for a parcel whose measures nobody knows; its SKUs have none",
            vendor_code="no_dimensions",
            field="parcels.length",
        )
    return {
        "address_from": address_fields(request.from_address),
        "address_to": address_fields(request.to_address),
        "parcel": {"mass_unit": "g", "weight": str(request.weight_g)}
        | _sides(request.dimensions_mm),
        "metadata": request.label_id,
        "reference": request.reference,
        "carrier_accounts": [request.vendor_account] if request.vendor_account else None,
    }


def _built(parts: Any, wanted: Mapping[str, Any]) -> Any:
    """The shipment in the classes of Shippo's client."""
    return parts.ShipmentCreateRequest(
        address_from=parts.AddressCreateRequest(**wanted["address_from"]),
        address_to=parts.AddressCreateRequest(**wanted["address_to"]),
        parcels=[parts.ParcelCreateRequest(**wanted["parcel"])],
        extra=parts.ShipmentExtra(reference_1=wanted["reference"]),
        metadata=wanted["metadata"],
        carrier_accounts=wanted["carrier_accounts"],
        async_=False,
    )


def _sides(box: Dimensions) -> dict[str, str]:
    return {
        "distance_unit": "mm",
        "length": str(box.length_mm),
        "width": str(box.width_mm),
        "height": str(box.height_mm),
    }
