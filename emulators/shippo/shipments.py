"""Shipments as Shippo makes them, with their rates."""

import hashlib
from typing import Any

from emulators.sellers.ledger import Document, Ledger
from emulators.sellers.rating import MAX_WEIGHT_G, SERVICES, Service, price_cents
from emulators.shippo.errors import REQUIRED, not_found, refuse
from emulators.shippo.objects import fresh_id, made, timestamp

SHIPMENT = "shipment"

_ADDRESS_FIELDS = ("name", "street1", "city", "zip", "country")
_SIDES = ("length", "width", "height")
_GRAMS = {"g": 1.0, "kg": 1000.0, "oz": 28.349523125, "lb": 453.59237}


def account_of(carrier: str) -> str:
    """The id of the account that this simulator has with a carrier."""
    return hashlib.sha256(carrier.encode()).hexdigest()[:32]


class Shipments:
    """All shipments, those of the ledger included, and every rate of theirs by its id."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._by_id: dict[str, Document] = {}
        self._by_rate: dict[str, Document] = {}
        for shipment in ledger.all(SHIPMENT):
            self._index(shipment)

    def __len__(self) -> int:
        return len(self._by_id)

    def create(self, body: Any) -> Document:
        """A new shipment with its rates, from the body of POST /shipments."""
        if not isinstance(body, dict):
            refuse({"non_field_errors": ["Invalid data."]})
        _check(body)
        shipment = _document(body)
        self._index(shipment)
        self._ledger.keep(SHIPMENT, shipment["object_id"], shipment)
        return shipment

    def find(self, shipment_id: str) -> Document:
        """The shipment of that id."""
        return self._by_id.get(shipment_id) or not_found()

    def rate(self, rate_id: str) -> Document | None:
        """The rate of that id; None: there is none."""
        shipment = self._by_rate.get(rate_id)
        rates: list[Document] = shipment["rates"] if shipment else []
        return next((rate for rate in rates if rate["object_id"] == rate_id), None)

    def _index(self, shipment: Document) -> None:
        self._by_id[shipment["object_id"]] = shipment
        self._by_rate |= {rate["object_id"]: shipment for rate in shipment["rates"]}


def _check(asked: Document) -> None:
    for side in ("address_from", "address_to"):
        address = asked.get(side)
        if not isinstance(address, dict):
            refuse({side: [REQUIRED]})
        for field in _ADDRESS_FIELDS:
            if not str(address.get(field) or "").strip():
                refuse({side: {field: [REQUIRED]}})
    parcels = asked.get("parcels")
    if not isinstance(parcels, list) or len(parcels) != 1 or not isinstance(parcels[0], dict):
        refuse({"parcels": ["This simulator takes one parcel."]})
    for field in (*_SIDES, "weight"):
        try:
            is_right = float(str(parcels[0].get(field))) > 0
        except ValueError:
            is_right = False
        if not is_right:
            refuse({"parcels": [{field: ["A valid number is required."]}]})
    if parcels[0].get("mass_unit") not in _GRAMS:
        refuse({"parcels": [{"mass_unit": ["is not a valid choice."]}]})


def _document(asked: Document) -> Document:
    now = timestamp()
    own = made(now)
    parcel = asked["parcels"][0]
    weight_g = float(parcel["weight"]) * _GRAMS[parcel["mass_unit"]]
    wanted = asked.get("carrier_accounts") or []
    services = [one for one in SERVICES if not wanted or account_of(one.carrier) in wanted]
    too_heavy = weight_g > MAX_WEIGHT_G
    return {
        **own,
        "status": "SUCCESS",
        "address_from": {**asked["address_from"], **made(now)},
        "address_to": {**asked["address_to"], **made(now)},
        "parcels": [{**parcel, **made(now)}],
        "shipment_date": asked.get("shipment_date") or now,
        "extra": asked.get("extra") or {},
        "customs_declaration": None,
        "metadata": asked.get("metadata") or "",
        "carrier_accounts": wanted,
        "messages": _refusals(services) if too_heavy else [],
        "rates": []
        if too_heavy
        else [_rate(service, own["object_id"], asked, weight_g, now) for service in services],
    }


def _rate(
    service: Service, shipment_id: str, asked: Document, weight_g: float, now: str
) -> Document:
    ends = str(asked["address_from"]["zip"]), str(asked["address_to"]["zip"])
    reais, cents = divmod(price_cents(service, weight_g, *ends), 100)
    amount = f"{reais}.{cents:02d}"
    return {
        "object_id": fresh_id(),
        "object_created": now,
        "object_owner": "shop@simulated.test",
        "shipment": shipment_id,
        "attributes": [],
        "amount": amount,
        "currency": "BRL",
        "amount_local": amount,
        "currency_local": "BRL",
        "provider": service.carrier,
        "carrier_account": account_of(service.carrier),
        "servicelevel": {
            "name": service.name,
            "token": f"{service.carrier}_{service.name}".lower(),
            "terms": "",
            "extended_token": f"{service.carrier}_{service.name}".lower(),
            "parent_servicelevel": None,
        },
        "estimated_days": service.delivery_days,
        "duration_terms": "",
        "arrives_by": None,
        "messages": [],
        "test": True,
        "zone": None,
    }


def _refusals(services: list[Service]) -> list[Document]:
    carriers = dict.fromkeys(service.carrier for service in services)
    text = "The parcel weighs more than 30 kg."
    return [{"source": name, "code": "rate_error", "text": text} for name in carriers]
