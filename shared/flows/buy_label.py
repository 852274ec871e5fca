"""Buy a parcel's label: record the intent, call the carrier, record the result.

The network is never touched inside a transaction. Whoever dies between the parts is followed by
the queue's next attempt, which asks the carrier first and so never buys a second label. Where a
carrier does not answer, another one takes the parcel over.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from shared.carriers import abandoned_labels, carrier_accounts, carrier_breakers
from shared.carriers import store as labels
from shared.carriers.calls import called
from shared.carriers.carrier_breakers import Admission
from shared.carriers.types import (
    BrokenAnswer,
    Carrier,
    CarrierAccount,
    CarrierPaused,
    CarrierTooFast,
    CarrierUnavailable,
    Intent,
    Label,
    LabelRequest,
    RefusedByCarrier,
    VendorUnavailable,
)
from shared.contracts.parcels import ParcelLabelled
from shared.contracts.work import BuyLabel, KeepLabelDocument, VoidAbandonedLabel, VoidLabel
from shared.costing import actual_charges
from shared.flows.label_request import label_request
from shared.flows.steps import Run
from shared.kit.errors import DispatchError, NotYet
from shared.kit.ids import new_id
from shared.platform import live_changes, outbox
from shared.platform.db import Transaction
from shared.shipments import store as shipments
from shared.shipments.types import Parcel, ParcelState, RerouteReason, UnknownParcel

if TYPE_CHECKING:
    from shared.flows.rules import Rules

# So many calls for one parcel may go without an answer before another carrier takes it over. Fewer
# than open a breaker: a single parcel's trouble does not wait until the carrier is given up.
CALLS = 3


class PurchaseUnderWay(NotYet):
    """Another attempt is buying this label at this moment, or died while it did."""

    code = "purchase_under_way"


class _Purchase(NamedTuple):
    """What to ask, whom, and by whose leave; `service` is the parcel's."""

    request: LabelRequest
    service: str
    vendor: str
    admission: Admission


def buy_label(run: Run, work: BuyLabel, vendors: Mapping[str, Carrier], rules: "Rules") -> None:
    """Buy the label once. Nothing happens when the parcel was cancelled or has its label.

    Who sells the carrier's labels is asked. While the carrier is paused, or after `CALLS` calls
    without an answer, the parcel is rerouted and its label is other work; where nobody else would
    take it, it waits for its own carrier. Where it is the vendor that does not answer, nobody whose
    labels it sells takes the parcel over. Of a carrier that is switched off nothing is bought: what
    was planned with it before is placed anew. A vendor that wants fewer calls is waited for.

    Raises:
        RefusedByCarrier: the carrier will not carry it; asking again gives the same answer. The
            parcel is planned again, so that its order can be changed or cancelled.
        CarrierUnavailable, CarrierPaused, PurchaseUnderWay: ask again later.
        CarrierTooFast: ask again later, and everything in this queue.
        UnknownParcel, UnknownVendor, CarrierAccountRefused, BrokenAnswer, Misconfigured: somebody
            has to look.
    """
    purchase = run(lambda tx: _intend(tx, work, rules))
    if purchase is None:
        return
    try:
        with called("buy", purchase.request.carrier, purchase.request.label_id):
            label = vendors[purchase.vendor].buy(purchase.request)
    except DispatchError as error:
        why = error
        if run(lambda tx: _fail(tx, work, purchase, why, rules)):
            return
        raise
    run(lambda tx: _record(tx, work, purchase, label))


def _intend(tx: Transaction, work: BuyLabel, rules: "Rules") -> _Purchase | None:
    parcel = shipments.find(tx, work.parcel_id)
    if parcel is None:
        raise UnknownParcel("no such parcel", parcel_id=work.parcel_id)
    if parcel.state not in {ParcelState.PLANNED, ParcelState.LABELLING}:
        return None
    if parcel.carrier != work.carrier:
        return None  # it goes by another one, and its label is other work
    account = carrier_accounts.find(tx, parcel.carrier)
    if not account.is_enabled:
        if _leave(tx, work, parcel, rules):
            return None
        raise CarrierPaused(f"{account.carrier} is switched off", carrier=account.carrier)
    try:
        admission = carrier_breakers.admit(tx, account.carrier, account.vendor)
    except CarrierPaused as paused:
        if _reroute(tx, work, rules, RerouteReason.CARRIER_PAUSED, paused.vendor):
            return None
        raise
    # Under the lease the parcel is neither cancelled nor rerouted; if it was just now, this step
    # runs anew.
    tx.write(shipments.request_label(parcel.parcel_id, parcel.carrier, parcel.service))
    intent = _lease(tx, parcel, account)
    if intent.vendor != account.vendor:
        # The carrier is sold by somebody else since: what the first vendor may have sold is given
        # back, as that of a rerouted parcel is.
        tx.write(
            abandoned_labels.abandon(tx, parcel.parcel_id, intent),
            labels.leave(intent),
            outbox.put(tx, _to_give_back(parcel.parcel_id, intent)),
        )
        intent = _lease(tx, parcel, account)
    request = label_request(tx, parcel, intent.label_id, account)
    return _Purchase(request, parcel.service, account.vendor, admission)


def _lease(tx: Transaction, parcel: Parcel, account: CarrierAccount) -> Intent:
    intent = labels.request(
        tx, new_id("lab"), parcel.parcel_id, carrier=parcel.carrier, vendor=account.vendor
    )
    if intent is None:
        raise PurchaseUnderWay("the label is being bought", parcel_id=parcel.parcel_id)
    return intent


def _to_give_back(parcel_id: str, intent: Intent) -> VoidAbandonedLabel:
    return VoidAbandonedLabel(label_id=intent.label_id, parcel_id=parcel_id, carrier=intent.carrier)


def _fail(
    tx: Transaction, work: BuyLabel, purchase: _Purchase, error: DispatchError, rules: "Rules"
) -> bool:
    """Note what went wrong. Returns whether somebody else buys the label now."""
    label_id, admission = purchase.request.label_id, purchase.admission
    tx.write(
        carrier_breakers.learn(tx, admission, error),
        live_changes.note(tx, f"carrier:{admission.carrier}"),
    )
    if isinstance(error, CarrierTooFast):
        labels.give_back(tx, label_id)
        return False
    if isinstance(error, CarrierUnavailable | BrokenAnswer):
        shipments.lock_route(tx, work.parcel_id)  # a parcel is locked before its label
        if labels.failed(tx, label_id) < CALLS:
            return False
        down = purchase.vendor if isinstance(error, VendorUnavailable) else None
        return _reroute(tx, work, rules, RerouteReason.CALLS_FAILED, down)
    if isinstance(error, RefusedByCarrier):
        tx.write(shipments.refuse_label(work.parcel_id, admission.carrier, purchase.service))
    labels.give_back(tx, label_id)
    return False


def _reroute(
    tx: Transaction, work: BuyLabel, rules: "Rules", reason: RerouteReason, down: str | None
) -> bool:
    from shared.flows.reroute_parcel import reroute  # noqa: PLC0415  only a failing carrier needs it

    return reroute(tx, work, rules, reason, down)


def _leave(tx: Transaction, work: BuyLabel, parcel: Parcel, rules: "Rules") -> bool:
    from shared.flows.leave_carrier import leave_carrier  # noqa: PLC0415  seldom needed

    return leave_carrier(tx, work, parcel, rules)


def _record(tx: Transaction, work: BuyLabel, purchase: _Purchase, label: Label) -> None:
    """Note what was bought. Where the call outlived its lease, it may be one label too many."""
    label_id, admission = purchase.request.label_id, purchase.admission
    parcel = shipments.find(tx, work.parcel_id)
    assert parcel is not None, "parcels are never deleted"
    known = labels.find(tx, work.parcel_id)
    if known is None or known.label_id != label_id:
        # Meanwhile the parcel was rerouted, or the carrier's account moved to another vendor.
        late = VoidAbandonedLabel(
            label_id=label_id, parcel_id=parcel.parcel_id, carrier=admission.carrier
        )
        tx.write(
            carrier_breakers.learn(tx, admission, None),
            abandoned_labels.sold_after_all(label_id),
            outbox.put(tx, late),
        )
        return
    if parcel.state is ParcelState.CANCELLED:
        # The label may have been asked back already, when there seemed to be nothing.
        tx.write(
            carrier_breakers.learn(tx, admission, None),
            labels.sold_after_all(label_id),
            outbox.put(tx, VoidLabel(parcel_id=parcel.parcel_id, carrier=parcel.carrier)),
        )
        return
    if parcel.state is not ParcelState.LABELLING:
        # An earlier attempt that seemed dead has recorded the same label.
        tx.write(carrier_breakers.learn(tx, admission, None))
        return
    tx.write(
        carrier_breakers.learn(tx, admission, None),
        shipments.label(parcel.parcel_id, label.tracking_code),
        labels.bought(tx, label_id, label),
        actual_charges.book(
            tx, parcel.parcel_id, parcel.order_id, label.amount_cents, label.currency
        ),
        outbox.put(
            tx,
            ParcelLabelled(
                parcel_id=parcel.parcel_id,
                order_id=parcel.order_id,
                carrier=parcel.carrier,
                tracking_code=label.tracking_code,
            ),
            # Its document is fetched by work of its own: whoever prints may wait, the record not.
            KeepLabelDocument(
                label_id=label_id, parcel_id=parcel.parcel_id, carrier=parcel.carrier
            ),
        ),
    )
