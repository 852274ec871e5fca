"""Manifests: one document for all parcels that a carrier collects at one address on one day.

Source: https://docs.goshippo.com/docs/manifests_and_pickups/manifestandscanforms. That a label is
on one manifest at most, and how it is said, is not documented: here it is an ERROR.
"""

from typing import Any

from emulators.sellers import documents
from emulators.sellers.ledger import Document, Ledger
from emulators.shippo.errors import REQUIRED, not_found, refuse
from emulators.shippo.objects import fresh_id, made, timestamp
from emulators.shippo.transactions import Transactions

MANIFEST = "manifest"


class Manifests:
    """All manifests, those of the ledger included, by id."""

    def __init__(self, transactions: Transactions, ledger: Ledger) -> None:
        self._transactions = transactions
        self._ledger = ledger
        self._by_id: dict[str, Document] = {
            made["object_id"]: made for made in ledger.all(MANIFEST)
        }

    def __len__(self) -> int:
        return sum(made["status"] == "SUCCESS" for made in self._by_id.values())

    def all(self) -> list[Document]:
        """Every manifest, the newest last."""
        return list(self._by_id.values())

    def create(self, body: Any) -> Document:
        """A new manifest, from the body of POST /manifests."""
        asked = body if isinstance(body, dict) else {}
        for field in ("carrier_account", "shipment_date", "address_from", "transactions"):
            if not asked.get(field):
                refuse({field: [REQUIRED]})
        sales = [self._transactions.find(str(one)) for one in asked["transactions"]]
        problem = self._problem(sales, asked["carrier_account"])
        own = made(timestamp())
        url = f"{self._transactions.public_url}/documents/manifests/{own['object_id']}.pdf"
        manifest = {
            **own,
            "status": "ERROR" if problem else "SUCCESS",
            "carrier_account": asked["carrier_account"],
            "shipment_date": asked["shipment_date"],
            "address_from": fresh_id(),
            "transactions": asked["transactions"],
            "documents": [] if problem else [url],
            "errors": [problem] if problem else [],
        }
        self._by_id[own["object_id"]] = manifest
        self._ledger.keep(MANIFEST, own["object_id"], manifest)
        return manifest

    def find(self, manifest_id: str) -> Document:
        """The manifest of that id."""
        return self._by_id.get(manifest_id) or not_found()

    def document(self, manifest_id: str) -> bytes:
        """What is handed to the carrier."""
        sales = [self._transactions.find(one) for one in self.find(manifest_id)["transactions"]]
        codes = [sale["transaction"]["tracking_number"] for sale in sales]
        return documents.sheet_pdf([manifest_id, f"{len(codes)} parcels", "", *codes])

    def _problem(self, sales: list[Document], account: str) -> str:
        closed = {
            one
            for manifest in self._by_id.values()
            if manifest["status"] == "SUCCESS"
            for one in manifest["transactions"]
        }
        for sale in sales:
            transaction = sale["transaction"]
            key = transaction["object_id"]
            if transaction["status"] != "SUCCESS":
                return f"{key} is {transaction['status']}"
            if key in closed:
                return f"{key} is on a manifest already"
            rate = self._transactions.rate_of(transaction)
            if rate is None or rate["carrier_account"] != account:
                return f"{key} is of another carrier account"
        return ""
