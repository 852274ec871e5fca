"""Buy a parcel's label: record the intent, call the carrier, record the result.

The network is never touched inside a transaction. Whoever dies between the parts is followed by
the queue's next attempt, which asks the carrier first and so never buys a second label. Where a
carrier does not answer, another one takes the parcel over.
"""

from typing import TYPE_CHECKING, Any

from shared.carriers import abandoned_labels, carrier_breakers
from shared.carriers import store as labels
from shared.carriers.carrier_breakers import Admission
from shared.carriers.types import (
    Address,
    BrokenAnswer,
    Carrier,
    CarrierPaused,
    CarrierUnavailable,
    Label,
    LabelRequest,
    RefusedByCarrier,
)
from shared.contracts.parcels import ParcelLabelled
from shared.contracts.work import BuyLabel, VoidAbandonedLabel
from shared.costing import actual_charges
from shared.costing.types import STANDARD
from shared.flows.steps import Run
from shared.kit.errors import DispatchError, NotYet
from shared.kit.ids import new_id
from shared.orders import store as orders
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.shipments import store as shipments
from shared.shipments.types import ParcelState, RerouteReason, UnknownParcel
from shared.stock import warehouses

if TYPE_CHECKING:
    from shared.flows.rules import Rules

# So many calls for one parcel may go without an answer before another carrier takes it over. Fewer
# than open a breaker: a single parcel's trouble does not wait until the carrier is given up.
CALLS = 3


class PurchaseUnderWay(NotYet):
    """Another attempt is buying this label at this moment, or died while it did."""

    code = "purchase_under_way"


def buy_label(run: Run, work: BuyLabel, carrier: Carrier, rules: "Rules") -> None:
    """Buy the label once. Nothing happens when the parcel was cancelled or has its label.

    While the carrier is paused, or after `CALLS` calls without an answer, the parcel is rerouted
    and its label is other work; where nobody else would take it, it waits for its own carrier.

    Raises:
        RefusedByCarrier: the carrier will not carry it; asking again gives the same answer. The
            parcel is planned again, so that its order can be changed or cancelled.
        CarrierUnavailable, CarrierPaused, PurchaseUnderWay: ask again later.
        UnknownParcel, CarrierAccountRefused, BrokenAnswer: somebody has to look.
    """
    intended = run(lambda tx: _intend(tx, work, rules))
    if intended is None:
        return
    request, admission = intended
    try:
        label = carrier.buy(request)
    except DispatchError as error:
        why = error
        if run(lambda tx: _fail(tx, work, request, admission, why, rules=rules)):
            return
        raise
    run(lambda tx: _record(tx, work, request, admission, label))


def _intend(
    tx: Transaction, work: BuyLabel, rules: "Rules"
) -> tuple[LabelRequest, Admission] | None:
    parcel = shipments.find(tx, work.parcel_id)
    if parcel is None:
        raise UnknownParcel("no such parcel", parcel_id=work.parcel_id)
    if parcel.state not in {ParcelState.PLANNED, ParcelState.LABELLING}:
        return None
    if parcel.carrier != work.carrier:
        return None  # it was rerouted, and its label is other work
    try:
        admission = carrier_breakers.admit(tx, parcel.carrier)
    except CarrierPaused:
        if _reroute(tx, work, rules, RerouteReason.CARRIER_PAUSED):
            return None
        raise
    # Under the lease the parcel is neither cancelled nor rerouted; if it was just now, this step
    # runs anew.
    tx.write(shipments.request_label(parcel.parcel_id, parcel.carrier))
    label_id = labels.request(tx, new_id("lab"), parcel.parcel_id, parcel.carrier)
    if label_id is None:
        raise PurchaseUnderWay("the label is being bought", parcel_id=parcel.parcel_id)
    order = orders.find(tx, parcel.order_id)
    sender = warehouses.find(tx, parcel.warehouse)
    assert order is not None, "parcels refer to orders"
    assert sender is not None, "parcels refer to warehouses"
    request = LabelRequest(
        label_id=label_id,
        carrier=parcel.carrier,
        from_address=_address(sender.address),
        to_address=_address(order.address),
        weight_g=parcel.weight_g,
        reference=parcel.order_id,
        # A carrier that has one service only here sells the cheapest of its own.
        service=None if parcel.service == STANDARD else parcel.service,
    )
    return request, admission


def _fail(
    tx: Transaction,
    work: BuyLabel,
    request: LabelRequest,
    admission: Admission,
    error: DispatchError,
    *,
    rules: "Rules",
) -> bool:
    """Note what went wrong. Returns whether somebody else buys the label now."""
    tx.write(carrier_breakers.learn(tx, admission, error))
    if isinstance(error, CarrierUnavailable | BrokenAnswer):
        if labels.failed(tx, request.label_id) < CALLS:
            return False
        return _reroute(tx, work, rules, RerouteReason.CALLS_FAILED)
    if isinstance(error, RefusedByCarrier):
        tx.write(shipments.refuse_label(work.parcel_id, admission.carrier))
    labels.give_back(tx, request.label_id)
    return False


def _reroute(tx: Transaction, work: BuyLabel, rules: "Rules", reason: RerouteReason) -> bool:
    from shared.flows.reroute_parcel import reroute  # noqa: PLC0415  only a failing carrier needs it

    return reroute(tx, work, rules, reason)


def _record(
    tx: Transaction,
    work: BuyLabel,
    request: LabelRequest,
    admission: Admission,
    label: Label,
) -> None:
    parcel = shipments.find(tx, work.parcel_id)
    assert parcel is not None, "parcels are never deleted"
    if parcel.carrier != admission.carrier:
        # The call outlived its lease, and the parcel was rerouted: this label is one too many.
        late = VoidAbandonedLabel(
            label_id=request.label_id, parcel_id=parcel.parcel_id, carrier=admission.carrier
        )
        tx.write(
            carrier_breakers.learn(tx, admission, None),
            abandoned_labels.sold_after_all(request.label_id),
            outbox.put(tx, late),
        )
        return
    if parcel.state is not ParcelState.LABELLING:
        # An earlier attempt that seemed dead has recorded the same label.
        tx.write(carrier_breakers.learn(tx, admission, None))
        return
    tx.write(
        carrier_breakers.learn(tx, admission, None),
        shipments.label(parcel.parcel_id, label.tracking_code),
        labels.bought(tx, request.label_id, label),
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
        ),
    )


def _address(stored: dict[str, Any]) -> Address:
    return Address(
        name=stored["name"],
        street1=stored["street"],
        city=stored["city"],
        state=stored.get("state", ""),
        postcode=stored["postcode"],
        country=stored["country"],
    )
