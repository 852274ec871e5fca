"""Give back a label: lease it, call the carrier, record the result.

It is that of a cancelled parcel, or what its first carrier may have sold for a rerouted one.
"""

from shared.carriers import abandoned_labels, carrier_breakers
from shared.carriers import store as labels
from shared.carriers.carrier_breakers import Admission
from shared.carriers.types import Carrier
from shared.contracts.work import VoidAbandonedLabel, VoidLabel
from shared.costing import actual_charges
from shared.flows.steps import Run
from shared.kit.errors import DispatchError
from shared.platform.db import Transaction

Void = VoidLabel | VoidAbandonedLabel


def void_label(run: Run, work: Void, carrier: Carrier) -> None:
    """Void the label once. Nothing happens when it is voided, or nobody asked for it.

    Whether a label was bought at all may not be known, where the carrier's answer was lost: it is
    asked for by the id under which it would have been bought.

    Raises:
        RefusedByCarrier: the carrier does not take it back; asking again gives the same answer.
        CarrierUnavailable, CarrierPaused, NotTakenBack, VoidUnderWay: ask again later.
        CarrierAccountRefused, BrokenAnswer: somebody has to look.
    """
    try:
        label_id, admission = run(lambda tx: _lease(tx, work))
    except _NothingToVoid:
        return
    try:
        carrier.void(label_id)
    except DispatchError as error:
        why = error
        run(lambda tx: _give_back(tx, work, label_id, admission, why))
        raise
    run(lambda tx: _record(tx, work, label_id, admission))


class _NothingToVoid(Exception):
    """Undoes the admission with the step: a probe is not spent on nothing."""


def _lease(tx: Transaction, work: Void) -> tuple[str, Admission]:
    admission = carrier_breakers.admit(tx, work.carrier)  # the breaker is locked before the label
    if isinstance(work, VoidAbandonedLabel):
        label_id = abandoned_labels.lease_void(tx, work.label_id)
    else:
        label_id = labels.lease_void(tx, work.parcel_id)
    if label_id is None:
        raise _NothingToVoid
    return label_id, admission


def _give_back(
    tx: Transaction, work: Void, label_id: str, admission: Admission, error: DispatchError
) -> None:
    learnt = carrier_breakers.learn(tx, admission, error)
    if isinstance(work, VoidAbandonedLabel):
        tx.write(learnt, abandoned_labels.give_back(label_id))
    else:
        labels.give_back(tx, label_id)
        tx.write(learnt)


def _record(tx: Transaction, work: Void, label_id: str, admission: Admission) -> None:
    learnt = carrier_breakers.learn(tx, admission, None)
    if isinstance(work, VoidAbandonedLabel):
        tx.write(learnt, abandoned_labels.voided(tx, label_id))
    else:
        tx.write(learnt, labels.voided(tx, label_id), actual_charges.refund(tx, work.parcel_id))
