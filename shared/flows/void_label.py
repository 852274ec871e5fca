"""Give back a label: lease it, call the carrier, record the result.

It is that of a cancelled parcel, or what its first carrier may have sold for a rerouted one.
"""

from collections.abc import Mapping

from shared.carriers import abandoned_labels, carrier_breakers
from shared.carriers import store as labels
from shared.carriers.calls import called
from shared.carriers.carrier_breakers import Admission
from shared.carriers.types import Carrier, ToVoid
from shared.contracts.work import VoidAbandonedLabel, VoidLabel
from shared.costing import actual_charges
from shared.flows.steps import Run
from shared.kit.errors import DispatchError
from shared.platform import live_changes
from shared.platform.db import Transaction
from shared.shipments import store as shipments

Void = VoidLabel | VoidAbandonedLabel


def void_label(run: Run, work: Void, vendors: Mapping[str, Carrier]) -> None:
    """Void the label once, with the vendor that sold it, whoever sells the carrier's labels now.

    Nothing happens when it is voided, or nobody asked for it.

    Whether a label was bought at all may not be known, where the carrier's answer was lost: it is
    asked for by the id under which it would have been bought.

    Raises:
        RefusedByCarrier: the carrier does not take it back; asking again gives the same answer.
        CarrierUnavailable, CarrierPaused, NotTakenBack, VoidUnderWay: ask again later.
        UnknownVendor, CarrierAccountRefused, BrokenAnswer, Misconfigured: somebody has to look.
    """
    try:
        label, admission = run(lambda tx: _lease(tx, work))
    except _NothingToVoid:
        return
    try:
        with called("void", work.carrier, label.label_id):
            vendors[label.vendor].void(label.label_id)
    except DispatchError as error:
        why = error
        run(lambda tx: _give_back(tx, work, label, admission, why))
        raise
    run(lambda tx: _record(tx, work, label, admission))


class _NothingToVoid(Exception):
    """Undoes the admission with the step: a probe is not spent on nothing."""


def _lease(tx: Transaction, work: Void) -> tuple[ToVoid, Admission]:
    vendor = _vendor(tx, work)
    if vendor is None:
        raise _NothingToVoid
    # The breaker is locked before the label.
    admission = carrier_breakers.admit(tx, work.carrier, vendor)
    if isinstance(work, VoidAbandonedLabel):
        label = abandoned_labels.lease_void(tx, work.label_id)
    else:
        label = labels.lease_void(tx, work.parcel_id)
    if label is None:
        raise _NothingToVoid
    return label, admission


def _vendor(tx: Transaction, work: Void) -> str | None:
    """Who sold the label, or may have, which never changes; None: there is no such label."""
    if isinstance(work, VoidAbandonedLabel):
        return abandoned_labels.vendor_of(tx, work.label_id)
    known = labels.find(tx, work.parcel_id)
    return None if known is None else known.vendor


def _give_back(
    tx: Transaction, work: Void, label: ToVoid, admission: Admission, error: DispatchError
) -> None:
    learnt = carrier_breakers.learn(tx, admission, error)
    if isinstance(work, VoidAbandonedLabel):
        tx.write(learnt, abandoned_labels.give_back(label.label_id))
    else:
        tx.write(learnt)
        labels.give_back(tx, label.label_id)


def _record(tx: Transaction, work: Void, label: ToVoid, admission: Admission) -> None:
    learnt = carrier_breakers.learn(tx, admission, None)
    parcel = shipments.find(tx, work.parcel_id)
    rooms = [f"parcel:{work.parcel_id}"] + ([f"order:{parcel.order_id}"] if parcel else [])
    heard = live_changes.note(tx, *rooms)
    if isinstance(work, VoidAbandonedLabel):
        tx.write(learnt, abandoned_labels.voided(tx, label.label_id), heard)
    else:
        refunded = actual_charges.refund(tx, work.parcel_id)
        tx.write(learnt, labels.voided(tx, label.label_id), refunded, heard)
