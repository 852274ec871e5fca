"""Parcels that have a label, and their carrier's first scan, which nobody has folded yet."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TypeVar, cast

from emulators.bench.shop import CAUSE
from shared.carriers.types import Carrier, Label, LabelRequest
from shared.carriers.vendors import VENDORS
from shared.contracts.work import BuyLabel
from shared.flows.buy_label import buy_label
from shared.flows.receive_carrier_update import receive_carrier_updates
from shared.flows.rules import Rules
from shared.platform.db import Database, Transaction
from shared.platform.sql import text

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
       AND outbox_id > :after
     ORDER BY outbox_id
""")
_LATEST = text("SELECT coalesce(max(outbox_id), 0) AS outbox_id FROM outbox")


class Seller:
    """A carrier that sells every label at once; the port `Carrier`, as far as it is asked here."""

    asked_together = 50

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

    def track(self, _carrier: str, _tracking_codes: Collection[str]) -> Mapping[str, bytes]:
        """See the port; what is sold here goes nowhere."""
        return {}


def first_scans(database: Database, order_ids: Sequence[str]) -> list[str]:
    """Label every parcel of these placed orders, and keep its first scan raw.

    Returns:
        What was announced of each scan, as JSON.
    """
    now = database.now()
    return announced(database, {code: _scan(code, now) for code in labelled(database, order_ids)})


def labelled(database: Database, order_ids: Sequence[str]) -> list[str]:
    """Label every parcel of these placed orders; returns their tracking codes."""
    ids = list(order_ids)
    sellers = dict.fromkeys(VENDORS, cast("Carrier", Seller()))

    def run(step: Callable[[Transaction], Result]) -> Result:
        return database.run(step, CAUSE)

    rules = Rules()
    for parcel in database.statement(_PARCELS, order_ids=ids):
        work = BuyLabel(parcel_id=parcel.parcel_id, carrier=parcel.carrier)
        buy_label(run, work, sellers, rules)
    return [row.tracking_code for row in database.statement(_PARCELS, order_ids=ids)]


def announced(database: Database, bodies: Mapping[str, bytes]) -> list[str]:
    """Keep a body about each of these parcels raw, by tracking code.

    Returns:
        What was announced of each, as JSON.
    """
    (before,) = database.statement(_LATEST)
    database.run(lambda tx: receive_carrier_updates(tx, VENDOR, bodies), CAUSE)
    rows = database.statement(_ANNOUNCED, codes=list(bodies), after=before.outbox_id)
    return [row.body for row in rows]


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
        "status": "in_transit",
        "tracking_details": [detail],
    }
    return json.dumps({"description": "tracker.updated", "result": result}).encode()
