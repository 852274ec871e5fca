"""Parcels that have a label, and their carrier's first scan, which nobody has folded yet."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import text

from emulators.bench.shop import CAUSE
from shared.carriers.types import Label, LabelRequest
from shared.contracts.work import BuyLabel
from shared.flows.buy_label import buy_label
from shared.flows.receive_carrier_update import receive_carrier_update
from shared.flows.rules import Rules
from shared.platform.db import Database, Transaction

VENDOR = "easypost"

Result = TypeVar("Result")

_PARCELS = text("""
    SELECT parcel_id, carrier, tracking_code
      FROM parcels
     WHERE order_id = ANY(CAST(:order_ids AS text[]))
     ORDER BY parcel_id
""")
_ANNOUNCED = text("""
    SELECT body FROM outbox
     WHERE destination = 'carrier-updates' AND ordering_key = ANY(CAST(:codes AS text[]))
     ORDER BY outbox_id
""")


class Seller:
    """A carrier that sells every label at once; it implements the port `Carrier`."""

    def buy(self, request: LabelRequest) -> Label:
        """See the port."""
        return Label(
            vendor_shipment_id=f"shp-{request.label_id}",
            vendor_tracker_id=f"trk-{request.label_id}",
            tracking_code=f"BENCH-{request.label_id}",
            label_url="https://bench.invalid/label",
            amount_cents=500,
            currency="EUR",
            carrier=request.carrier,
            service="cheapest",
        )

    def void(self, label_id: str) -> None:
        """See the port; nothing is bought, so nothing is given back."""


def first_scans(database: Database, order_ids: Sequence[str]) -> list[str]:
    """Label every parcel of these placed orders, and keep its first scan raw.

    Returns:
        What was announced of each scan, as JSON.
    """
    ids = list(order_ids)
    seller = Seller()

    def run(step: Callable[[Transaction], Result]) -> Result:
        return database.run(step, CAUSE)

    rules = Rules()
    for parcel in database.statement(_PARCELS, order_ids=ids):
        work = BuyLabel(parcel_id=parcel.parcel_id, carrier=parcel.carrier)
        buy_label(run, work, seller, rules)
    codes = [row.tracking_code for row in database.statement(_PARCELS, order_ids=ids)]
    database.run(lambda tx: _receive(tx, codes), CAUSE)
    return [row.body for row in database.statement(_ANNOUNCED, codes=codes)]


def _receive(tx: Transaction, codes: Sequence[str]) -> None:
    for code in codes:
        receive_carrier_update(tx, VENDOR, code, _scan(code, tx.now))


def _scan(code: str, now: datetime) -> bytes:
    """What EasyPost sends when the carrier has taken the parcel over."""
    detail = {
        "status": "in_transit",
        "status_detail": "",
        "datetime": now.isoformat(),
        "message": "taken over",
    }
    result = {
        "tracking_code": code,
        "carrier": "Correios",
        "status": "in_transit",
        "tracking_details": [detail],
    }
    return json.dumps({"description": "tracker.updated", "result": result}).encode()
