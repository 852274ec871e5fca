"""Shipments as EasyPost makes them: checked, rated, found again, and bought once."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from emulators.easypost.errors import Refusal, not_found, parameter_required
from emulators.easypost.ledger import Ledger
from emulators.sellers.rating import SERVICES, price_cents

Document = dict[str, Any]

GRAMS_PER_OUNCE = 28.349523125
MAX_WEIGHT_OZ = 1058.2  # 30 kg, the limit of both carriers

_ADDRESS_FIELDS = ("street1", "city", "zip", "country")


def fresh_id(prefix: str) -> str:
    """An id as EasyPost's: a prefix and 32 hexadecimal digits."""
    return f"{prefix}_{uuid4().hex}"


def timestamp() -> str:
    """Now. In milliseconds, unlike EasyPost's seconds, because days pass in seconds here."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def is_void(shipment: Document) -> bool:
    """Whether the label of a shipment was taken back."""
    return bool(shipment["refund_status"] == "submitted")


class Shipments:
    """All shipments, those of the ledger included, by id and by reference."""

    def __init__(self, public_url: str, ledger: Ledger) -> None:
        self.bought = 0
        self.public_url = public_url
        self._ledger = ledger
        self._by_id: dict[str, Document] = {}
        self._by_reference: dict[str, Document] = {}
        for shipment in ledger.shipments():
            self._index(shipment)
            self.bought += shipment["postage_label"] is not None

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Document]:
        """All of them, in the order in which they were made."""
        return iter(self._by_id.values())

    def create(self, body: Any) -> Document:
        """A new shipment with its rates, from the body of POST /v2/shipments."""
        asked = body.get("shipment") if isinstance(body, dict) else None
        if not isinstance(asked, dict) or not asked:
            parameter_required("shipment")
        _check(asked)
        shipment = _document(asked)
        self._index(shipment)
        self._ledger.keep_shipment(shipment)
        return shipment

    def find(self, key: str) -> Document:
        """The shipment of that id or reference."""
        return self._by_id.get(key) or self._by_reference.get(key) or not_found()

    def rate(self, key: str) -> Document:
        """Have the shipment rated anew: the rates of before can be bought no more."""
        shipment = self.find(key)
        now = timestamp()
        if shipment["rates"]:
            shipment["rates"] = _rates(shipment["id"], shipment, now)
        shipment["updated_at"] = now
        self._ledger.keep_shipment(shipment)
        return {"rates": shipment["rates"]}

    def buy(self, key: str, body: Any) -> Document:
        """Buy the label at the rate that the body names."""
        shipment = self.find(key)
        if shipment["postage_label"] is not None:
            text = "Postage already exists for this shipment."
            raise Refusal(422, "SHIPMENT.POSTAGE.EXISTS", text)
        rate_id = body["rate"].get("id") if _has_rate(body) else None
        if rate_id is None:
            parameter_required("rate")
        rate = next((rate for rate in shipment["rates"] if rate["id"] == rate_id), None)
        if rate is None:
            raise Refusal(404, "RATE.NOT_FOUND", "The rate is not one of this shipment.")
        self._sell(shipment, rate)
        self._ledger.keep_shipment(shipment)
        return shipment

    def carrier_of(self, key: str, body: Any) -> str | None:
        """Whose label it is that the body asks for; None where it names no rate of the shipment."""
        rate_id = body["rate"].get("id") if _has_rate(body) else None
        rates = self.find(key)["rates"]
        return next((rate["carrier"] for rate in rates if rate["id"] == rate_id), None)

    def refund(self, key: str) -> Document:
        """Take the label back, unless the carrier has scanned it; asking again changes nothing."""
        shipment = self.find(key)
        if shipment["postage_label"] is None:
            text = "There is no postage to refund."
            raise Refusal(422, "SHIPMENT.REFUND.UNAVAILABLE", text)
        if not is_void(shipment):
            unscanned = shipment["status"] in ("unknown", "pre_transit")
            shipment["refund_status"] = "submitted" if unscanned else "rejected"
            shipment["updated_at"] = timestamp()
            self._ledger.keep_shipment(shipment)
        return shipment

    def _index(self, shipment: Document) -> None:
        self._by_id[shipment["id"]] = shipment
        if shipment["reference"]:
            # References are not unique there either; which one EasyPost finds is not documented.
            self._by_reference.setdefault(shipment["reference"], shipment)

    def _sell(self, shipment: Document, rate: Document) -> None:
        self.bought += 1
        now = timestamp()
        code = f"{rate['carrier'][:2].upper()}{self.bought:09d}BR"
        label = f"{self.public_url}/labels/{shipment['id']}"
        is_pdf = str(shipment["options"].get("label_format", "")).upper() == "PDF"
        shipment["updated_at"] = now
        shipment["tracking_code"] = code
        shipment["selected_rate"] = rate
        shipment["postage_label"] = {
            "object": "PostageLabel",
            "id": fresh_id("pl"),
            "created_at": now,
            "updated_at": now,
            "label_date": now,
            "label_size": "4x6",
            "label_file_type": "application/pdf" if is_pdf else "image/png",
            "label_url": f"{label}.{'pdf' if is_pdf else 'png'}",
            "label_pdf_url": f"{label}.pdf" if is_pdf else None,
            "label_zpl_url": f"{label}.zpl",
        }
        shipment["fees"] = [
            {
                "object": "Fee",
                "type": "PostageFee",
                "amount": f"{rate['rate']}000",
                "charged": True,
                "refunded": False,
            }
        ]


def _has_rate(body: Any) -> bool:
    return isinstance(body, dict) and isinstance(body.get("rate"), dict)


def _check(asked: Document) -> None:
    parts = ("to_address", "from_address", "parcel")
    absent = [part for part in parts if not isinstance(asked.get(part), dict)]
    if absent:
        parameter_required(*absent)
    blank = [
        (f"{side}.{field}", "cannot be blank")
        for side in ("to_address", "from_address")
        for field in _ADDRESS_FIELDS
        if not str(asked[side].get(field) or "").strip()
    ]
    if blank:
        raise Refusal(422, "SHIPMENT.INVALID_PARAMS", "Unable to create shipment.", blank)
    weight_oz = asked["parcel"].get("weight")
    if not isinstance(weight_oz, int | float) or isinstance(weight_oz, bool) or weight_oz <= 0:
        wrong = [("parcel.weight", "must be greater than 0")]
        raise Refusal(422, "PARCEL.PARAMETERS.INVALID", "Invalid parcel.", wrong)


def _document(asked: Document) -> Document:
    now = timestamp()
    shipment_id = fresh_id("shp")
    too_heavy = asked["parcel"]["weight"] > MAX_WEIGHT_OZ
    return {
        "id": shipment_id,
        "object": "Shipment",
        "mode": "test",
        "created_at": now,
        "updated_at": now,
        "reference": asked.get("reference"),
        "is_return": False,
        "status": "unknown",
        "tracking_code": None,
        "from_address": _part("adr", "Address", asked["from_address"], now),
        "to_address": _part("adr", "Address", asked["to_address"], now),
        "parcel": _part("prcl", "Parcel", asked["parcel"], now),
        "options": asked.get("options") or {},
        "rates": [] if too_heavy else _rates(shipment_id, asked, now),
        "messages": _refusals() if too_heavy else [],
        "selected_rate": None,
        "postage_label": None,
        "tracker": None,
        "fees": [],
        "refund_status": None,
        "scan_form": None,
    }


def _part(prefix: str, kind: str, fields: Document, now: str) -> Document:
    made = {"id": fresh_id(prefix), "object": kind, "created_at": now, "updated_at": now}
    return {**fields, **made, "mode": "test"}


def _rates(shipment_id: str, asked: Document, now: str) -> list[Document]:
    ends = str(asked["from_address"]["zip"]), str(asked["to_address"]["zip"])
    rates = []
    for service in SERVICES:
        reais, cents = divmod(price_cents(service, _weight_g(asked), *ends), 100)
        rates.append(
            {
                "id": fresh_id("rate"),
                "object": "Rate",
                "created_at": now,
                "updated_at": now,
                "mode": "test",
                "carrier": service.carrier,
                "service": service.name,
                "rate": f"{reais}.{cents:02d}",
                "currency": "BRL",
                "delivery_days": service.delivery_days,
                "shipment_id": shipment_id,
            }
        )
    return rates


def _refusals() -> list[Document]:
    carriers = dict.fromkeys(service.carrier for service in SERVICES)
    text = "The parcel weighs more than 30 kg."
    return [{"carrier": name, "type": "rate_error", "message": text} for name in carriers]


def _weight_g(asked: Document) -> float:
    """Tenths of an ounce tell no single grams."""
    return float(round(asked["parcel"]["weight"] * GRAMS_PER_OUNCE, -1))
