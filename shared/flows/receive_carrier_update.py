"""A carrier's update arrived and is verified: keep it raw, and leave the work to the topic."""

from collections.abc import Mapping, Sequence

from shared.contracts.parcels import CarrierUpdateReceived
from shared.kit.errors import DoneBefore
from shared.kit.ids import derived_id
from shared.platform import outbox
from shared.platform.db import Transaction, Write
from shared.tracking import store as tracking
from shared.tracking.types import RawUpdate


def receive_carrier_update(tx: Transaction, vendor: str, tracking_code: str, body: bytes) -> None:
    """Keep the update and announce it.

    Raises:
        DoneBefore: the same body was kept already; at the latest by the commit.
    """
    update = _update(vendor, tracking_code, body)
    tx.write(*_kept_and_announced(tx, vendor, [update]), otherwise=DoneBefore)


def receive_carrier_updates(tx: Transaction, vendor: str, bodies: Mapping[str, bytes]) -> int:
    """The same for one update of each of several parcels, by tracking code.

    Returns:
        How many of them are new.
    """
    sent = [_update(vendor, code, body) for code, body in bodies.items()]
    known = tracking.known(tx, [update.update_id for update in sent])
    new = [update for update in sent if update.update_id not in known]
    if new:
        tx.write(*_kept_and_announced(tx, vendor, new))
    return len(new)


def _update(vendor: str, tracking_code: str, body: bytes) -> RawUpdate:
    text = body.decode()
    return RawUpdate(derived_id("cup", vendor, text), tracking_code, text)


def _kept_and_announced(
    tx: Transaction, vendor: str, updates: Sequence[RawUpdate]
) -> tuple[Write, Write]:
    events = [
        CarrierUpdateReceived(
            update_id=update.update_id, vendor=vendor, tracking_code=update.tracking_code
        )
        for update in updates
    ]
    return tracking.keep(tx, vendor, updates), outbox.put(tx, *events)
