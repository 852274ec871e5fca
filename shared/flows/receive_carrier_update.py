"""A carrier's update arrived and is verified: keep it raw, and leave the work to the topic."""

from shared.contracts.parcels import CarrierUpdateReceived
from shared.kit.ids import derived_id
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.tracking import store as tracking


def receive_carrier_update(tx: Transaction, vendor: str, tracking_code: str, body: bytes) -> None:
    """Keep the update and announce it; the same body again changes nothing."""
    text = body.decode()
    update_id = derived_id("cup", vendor, text)
    (kept,) = tx.written(tracking.keep(tx, update_id, vendor, text))
    if kept:
        tx.write(
            outbox.put(
                tx,
                CarrierUpdateReceived(
                    update_id=update_id, vendor=vendor, tracking_code=tracking_code
                ),
            )
        )
