"""Give back the label of a cancelled parcel: lease it, call the carrier, record the result."""

from shared.carriers import store as labels
from shared.carriers.types import Carrier
from shared.contracts.work import VoidLabel
from shared.costing import actual_charges
from shared.flows.steps import Run
from shared.kit.errors import DispatchError


def void_label(run: Run, work: VoidLabel, carrier: Carrier) -> None:
    """Void the label once. Nothing happens when it is voided, or nobody asked for it.

    Whether a label was bought at all may not be known, where the carrier's answer was lost: it is
    asked for by the id under which it would have been bought.

    Raises:
        RefusedByCarrier: the carrier does not take it back; asking again gives the same answer.
        CarrierUnavailable, VoidUnderWay: ask again later.
        CarrierAccountRefused, BrokenAnswer: somebody has to look.
    """
    label_id = run(lambda tx: labels.lease_void(tx, work.parcel_id))
    if label_id is None:
        return
    try:
        carrier.void(label_id)
    except DispatchError:
        run(lambda tx: labels.give_back(tx, label_id))
        raise
    run(lambda tx: tx.write(labels.voided(tx, label_id), actual_charges.refund(tx, work.parcel_id)))
