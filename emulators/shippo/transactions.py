"""Transactions: labels that were bought, and what became of them."""

from collections.abc import Iterator
from typing import Any

from emulators.sellers import documents
from emulators.sellers.ledger import Document, Ledger
from emulators.shippo.errors import REQUIRED, not_found, refuse
from emulators.shippo.objects import made, timestamp
from emulators.shippo.shipments import Shipments

SALE = "sale"  # a transaction with its track, its carrier and its shipment's id

FIRST_NUMBER = 900_000_001  # other vendors' numbers of the same carrier begin lower
_ENDINGS = {"PNG": "png", "ZPLII": "zpl"}
_TYPES = {"pdf": "application/pdf", "png": "image/png", "zpl": "text/plain"}


class Transactions:
    """All sales, those of the ledger included, by the transaction's id."""

    def __init__(self, public_url: str, shipments: Shipments, ledger: Ledger) -> None:
        self.public_url = public_url
        self._shipments = shipments
        self._ledger = ledger
        self._sales: dict[str, Document] = {
            sale["transaction"]["object_id"]: sale for sale in ledger.all(SALE)
        }

    def __len__(self) -> int:
        return len(self._sales)

    def __iter__(self) -> Iterator[Document]:
        """All sales, in the order in which they were made."""
        return iter(self._sales.values())

    def buy(self, body: Any) -> Document:
        """Sell a label at the rate that the body of POST /transactions names, whoever did before.

        Returns:
            The sale. Its track has no history yet.
        """
        rate = self.rate_of(body)
        if rate is None:
            refuse({"rate": ["Rate with supplied object_id not found."]})
        shipment = self._shipments.find(rate["shipment"])
        number = FIRST_NUMBER + len(self._sales)
        code = f"{rate['provider'][:2].upper()}{number:09d}BR"
        now = timestamp()
        own = made(now)
        kind = str(body.get("label_file_type") or "PDF")
        transaction = {
            **own,
            "object_state": "VALID",
            "status": "SUCCESS",
            "rate": rate["object_id"],
            "metadata": body.get("metadata") or "",
            "label_file_type": kind,
            "label_url": f"{self.public_url}/documents/labels/{own['object_id']}"
            f".{_ENDINGS.get(kind, 'pdf')}",
            "tracking_number": code,
            "tracking_status": "UNKNOWN",
            "tracking_url_provider": f"https://track.shippo.test/{code}",
            "eta": None,
            "commercial_invoice_url": None,
            "qr_code_url": None,
            "messages": [],
            "parcel": shipment["parcels"][0]["object_id"],
        }
        sale = {
            "transaction": transaction,
            "track": _track(transaction, rate, shipment),
            "shipment": shipment["object_id"],
            "provider": rate["provider"],
        }
        self._sales[own["object_id"]] = sale
        self.keep(sale)
        return sale

    def rate_of(self, body: Any) -> Document | None:
        """The rate that the body asks for; None where there is none of that id."""
        rate_id = body.get("rate") if isinstance(body, dict) else None
        if not rate_id:
            refuse({"rate": [REQUIRED]})
        return self._shipments.rate(str(rate_id))

    def find(self, transaction_id: str) -> Document:
        """The sale with the transaction of that id."""
        return self._sales.get(transaction_id) or not_found()

    def of_number(self, carrier: str, number: str) -> Document | None:
        """The sale of a carrier's parcel; None: nobody knows it."""
        for sale in self._sales.values():
            if (sale["track"]["carrier"], sale["track"]["tracking_number"]) == (carrier, number):
                return sale
        return None

    def refund(self, body: Any) -> tuple[Document, Document]:
        """Take a label back, unless its carrier has scanned the parcel. Returns refund and sale."""
        named = body.get("transaction") if isinstance(body, dict) else None
        if not named:
            refuse({"transaction": [REQUIRED]})
        sale = self.find(str(named))
        transaction = sale["transaction"]
        if is_void(sale):
            refuse({"transaction": ["A refund for this transaction exists."]})
        unscanned = transaction["tracking_status"] in ("UNKNOWN", "PRE_TRANSIT")
        now = timestamp()
        transaction["status"] = "REFUNDPENDING" if unscanned else "REFUNDREJECTED"
        transaction["object_updated"] = now
        self.keep(sale)
        status = "PENDING" if unscanned else "ERROR"
        return {**made(now), "status": status, "transaction": transaction["object_id"]}, sale

    def keep(self, sale: Document) -> None:
        """Remember a sale as it is now."""
        self._ledger.keep(SALE, sale["transaction"]["object_id"], sale)

    def document(self, transaction_id: str, ending: str) -> tuple[bytes, str]:
        """The label, and its media type."""
        sale = self.find(transaction_id)
        shipment = self._shipments.find(sale["shipment"])
        code = str(sale["transaction"]["tracking_number"])
        to = shipment["address_to"]
        lines = [
            f"{sale['track']['carrier']} {sale['track']['servicelevel']['name']}",
            code,
            "",
            *(str(to.get(field) or "") for field in ("name", "street1", "zip", "city")),
            "",
            str(shipment["extra"].get("reference_1") or ""),
        ]
        content = {
            "pdf": documents.label_pdf(lines),
            "png": documents.PNG,
            "zpl": documents.zpl(code).encode(),
        }
        return content[ending], _TYPES[ending]


def is_void(sale: Document) -> bool:
    """Whether the label was taken back."""
    return bool(sale["transaction"]["status"] == "REFUNDPENDING")


def _track(transaction: Document, rate: Document, shipment: Document) -> Document:
    return {
        "carrier": rate["provider"].lower(),
        "tracking_number": transaction["tracking_number"],
        "messages": [],
        "address_from": place_of(shipment["address_from"]),
        "address_to": place_of(shipment["address_to"]),
        "eta": None,
        "original_eta": None,
        "servicelevel": {
            "token": rate["servicelevel"]["token"],
            "name": rate["servicelevel"]["name"],
        },
        "metadata": transaction["metadata"],
        "transaction": transaction["object_id"],
        "test": True,
        "tracking_status": None,
        "tracking_history": [],
    }


def place_of(address: Document) -> Document:
    """What tracks show of an address."""
    return {field: address.get(field) for field in ("city", "state", "zip", "country")}
