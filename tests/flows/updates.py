"""Carriers' updates as EasyPost sends them."""

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from shared.contracts.parcels import CarrierUpdateReceived
from shared.flows.receive_carrier_update import receive_carrier_update
from shared.kit.errors import DoneBefore
from shared.kit.ids import derived_id
from shared.platform.db import Database
from tests.support import given

News = tuple[str, datetime]  # EasyPost's status and its moment


def body(tracking_code: str, history: Sequence[News], carrier: str = "Correios") -> bytes:
    """A tracker event with this history, the newest last."""
    details = [
        {"status": status, "status_detail": "", "datetime": at.isoformat(), "message": status}
        for status, at in history
    ]
    result = {
        "tracking_code": tracking_code,
        "carrier": carrier,
        "status": history[-1][0],
        "tracking_details": details,
    }
    return json.dumps({"description": "tracker.updated", "result": result}).encode()


def received(database: Database, sent: bytes) -> CarrierUpdateReceived:
    """The update is kept raw; this is what is announced about it."""
    code = json.loads(sent)["result"]["tracking_code"]
    with suppress(DoneBefore):
        database.run(lambda tx: receive_carrier_update(tx, "easypost", code, sent), given.cause())
    update_id = derived_id("cup", "easypost", sent.decode())
    return CarrierUpdateReceived(update_id=update_id, vendor="easypost", tracking_code=code)
