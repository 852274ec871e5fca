"""Tell of parcels that have stood for longer than they may, each once for each time they stand."""

from shared.contracts.parcels import ParcelStandsStill
from shared.flows.steps import Run, in_rounds
from shared.ops.standing_still import standing_still
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.tracking import standstills
from shared.tracking.standstill_rules import USUAL

TOLD_AT_ONCE = 1_000
MOST_STEPS = 50  # of one run; those who are left have stood for the shortest time


def watch_parcels(run: Run) -> int:
    """Housekeeping: announce every parcel that stands still and of which nobody was told.

    Returns:
        How many were announced.
    """
    return in_rounds(run, _tell, at_once=TOLD_AT_ONCE, most_steps=MOST_STEPS)


def _tell(tx: Transaction) -> int:
    stuck = standing_still(tx, USUAL.stand_hours, limit=TOLD_AT_ONCE, untold=True)
    if not stuck:
        return 0
    events = [
        ParcelStandsStill(
            parcel_id=parcel.parcel_id,
            order_id=parcel.order_id,
            carrier=parcel.carrier,
            service=parcel.service,
            kind=parcel.kind,
            since=parcel.since,
            status=parcel.status,
            promised_at=parcel.promised_at,
            expected_on=parcel.expected_on,
        )
        for parcel in stuck
    ]
    stands = [(parcel.parcel_id, parcel.kind, parcel.since) for parcel in stuck]
    tx.write(standstills.tell(tx, stands), outbox.put(tx, *events))
    return len(stuck)
