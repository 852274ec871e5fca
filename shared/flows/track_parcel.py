"""Fold a carrier's update into its parcel and the order, in whatever order it comes."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

from shared.contracts.base import Event
from shared.contracts.order_facts import OrderClosed
from shared.contracts.parcels import CarrierUpdateReceived, DeliveryUpdated
from shared.flows.booking import as_of
from shared.flows.following import following
from shared.flows.parcel_with_code import parcel_with_code
from shared.kit.errors import Fault
from shared.orders import store as orders
from shared.orders.lifecycle import FINAL
from shared.orders.types import Move
from shared.platform import live_changes, log, outbox
from shared.platform.db import Transaction, Write
from shared.shipments import store as shipments
from shared.shipments.lifecycle import LIFECYCLE as PARCEL
from shared.shipments.lifecycle import ParcelStep
from shared.shipments.types import Parcel, ParcelNotHereYet, ParcelState
from shared.stock import store as stock
from shared.stock.types import Change, Key, Movement, MovementKind
from shared.tracking import store as tracking
from shared.tracking.fold import Progress, fold
from shared.tracking.types import KeptUpdate, TrackingReason, TrackingReport, TrackingStatus
from shared.tracking.vendors.table import VENDORS
from shared.tracking.vendors.vendor import Vendor

_LONGEST_CODE = 64
# A vendor may know a label before we have written it down; later than this, which is after the last
# attempt to buy one and before an update is given up, a code is somebody else's with whom we share
# the vendor's account. Were it ours after all, nothing would be lost: a vendor tells the whole
# history every time, and is asked about parcels of which nothing is heard.
TO_BE_RECORDED = timedelta(minutes=20)


class LostUpdate(Fault):
    """An update was announced, but its raw text is not there."""

    code = "lost_update"


class NobodyReads(Fault):
    """An update was taken of a vendor that this function has no reader for."""

    code = "nobody_reads"


def track_parcel(
    tx: Transaction, event: CarrierUpdateReceived, vendors: Mapping[str, Vendor] = VENDORS
) -> None:
    """Add the update to the parcel's history, and move the parcel and the order where it says.

    The first sign that the carrier has the parcel takes its units out of the stock.
    Of a parcel that was cancelled only the history is kept: its units are promised to others.
    Of a code that is not ours nothing is but the raw text.
    `vendors` are those that can be read; those that a setting describes are beyond the usual.

    Raises:
        ParcelNotHereYet: no parcel of the carrier has this tracking code (yet).
        LostUpdate: the update's raw text is missing.
        NobodyReads: it is of none of the vendors.
    """
    asked = tracking.raw(tx, event.update_id)
    found = shipments.with_code(tx, event.tracking_code)
    kept = asked()
    report = _report(kept, event, vendors)
    if kept is None or report is None:
        return
    meant = parcel_with_code(tx, found, event.vendor, report.carrier)
    if meant is None:
        if not found and tx.now - kept.received_at >= TO_BE_RECORDED:
            log.line("tracking.not_ours", vendor=event.vendor, update_id=event.update_id)
            return
        raise ParcelNotHereYet(
            "no parcel of this carrier has this tracking code", update_id=event.update_id
        )
    locked = orders.lock_ahead(tx, meant.order_id)
    parcels = shipments.lock_of_order(tx, meant.order_id)
    order = locked()
    assert order is not None, "parcels refer to orders"
    tx.follow(order.correlation_id)  # the carrier knows nothing of it
    parcel = next(p for p in parcels if p.parcel_id == meant.parcel_id)

    _count_undocumented(event.vendor, parcel, report)
    known = _progress(parcel)
    progress = fold(known, report.updates)
    history = tracking.record(tx, parcel.parcel_id, report.updates)
    if parcel.state is ParcelState.CANCELLED:
        _note_cancelled(tx, parcel, progress, history)
        return
    heard = live_changes.note(tx, f"parcel:{parcel.parcel_id}", f"order:{order.order_id}")
    if progress == known:
        tx.write(history, heard)
        return
    state = _parcel_state(parcel.state, progress)
    leaves = parcel.state is ParcelState.LABELLED and state is not ParcelState.LABELLED
    siblings = [p.state for p in parcels if p.parcel_id != parcel.parcel_id]
    order_state = following(order.state, [*siblings, state])
    news: list[Event] = []
    if progress.status != known.status and progress.status_at is not None:
        news.append(
            DeliveryUpdated(
                parcel_id=parcel.parcel_id,
                order_id=order.order_id,
                status=progress.status,
                status_at=progress.status_at,
                reason=_reason(report, progress),
            )
        )
    if order_state is not order.state and order_state in FINAL:
        news.append(OrderClosed(order_id=order.order_id, state=order_state))
    tx.write(
        history,
        _track(tx, parcel, state, progress),
        *(_leave_the_stock(tx, parcel, progress) if leaves else ()),
        *((orders.move(tx, Move(order, order_state)),) if order_state is not order.state else ()),
        outbox.put(tx, *news) if news else heard,
    )


def _note_cancelled(tx: Transaction, parcel: Parcel, progress: Progress, history: Write) -> None:
    (added,) = tx.written(history)
    if added:
        log.line(
            "parcel.moves_though_cancelled" if progress.has_shipped else "parcel.cancelled_update",
            "WARNING" if progress.has_shipped else "INFO",
            parcel_id=parcel.parcel_id,
            order_id=parcel.order_id,
            status=progress.status,
        )


def _report(
    kept: KeptUpdate | None, event: CarrierUpdateReceived, vendors: Mapping[str, Vendor]
) -> TrackingReport | None:
    if kept is None:
        raise LostUpdate("the raw update is missing", update_id=event.update_id)
    vendor = vendors.get(kept.vendor)
    if vendor is None:
        raise NobodyReads("nobody reads this vendor's updates", update_id=event.update_id)
    return vendor.read(kept.body)


def _count_undocumented(vendor: str, parcel: Parcel, report: TrackingReport) -> None:
    """What our table of the vendor lacks is counted from the log; the codes are in the history."""
    codes = {(u.raw_status, u.detail) for u in report.updates if not u.is_documented}
    for raw_status, detail in sorted(codes):
        log.line(
            "tracking.undocumented_code",
            "WARNING",
            vendor=vendor,
            parcel_id=parcel.parcel_id,
            raw_status=raw_status[:_LONGEST_CODE],
            detail=detail[:_LONGEST_CODE],
        )


def _reason(report: TrackingReport, progress: Progress) -> TrackingReason | None:
    """The reason that came with the news of the status; the first of several by its name."""
    reasons = {
        update.reason
        for update in report.updates
        if update.status is progress.status and update.occurred_at == progress.status_at
    }
    return min(filter(None, reasons), default=None)


def _progress(parcel: Parcel) -> Progress:
    return Progress(
        status=TrackingStatus(parcel.tracking_status),
        status_at=parcel.tracking_status_at,
        shipped_at=parcel.shipped_at,
        delivered_at=parcel.delivered_at,
        returned_at=parcel.returned_at,
        last_update_at=parcel.last_update_at,
    )


def _parcel_state(state: ParcelState, progress: Progress) -> ParcelState:
    """Take every step that the progress calls for; carriers skip steps, we do not."""
    if progress.has_shipped and state is ParcelState.LABELLED:
        state = PARCEL.advance(state, ParcelStep.SHIP)
    if progress.status is TrackingStatus.DELIVERED and state is ParcelState.SHIPPED:
        state = PARCEL.advance(state, ParcelStep.DELIVER)
    if progress.status is TrackingStatus.RETURN_TO_SENDER and state is not ParcelState.RETURNED:
        state = PARCEL.advance(state, ParcelStep.RETURN)
    return state


def _leave_the_stock(tx: Transaction, parcel: Parcel, progress: Progress) -> tuple[Write, ...]:
    """What was promised is gone.

    A count taken after the parcel had left did not find its units any more: there only the promise
    ends, and the ledger says both.
    """
    left_at = min(progress.shipped_at or tx.now, tx.now)  # a carrier's clock may be ahead
    units = Counter[Key]()
    for item in shipments.contents(tx, [parcel.parcel_id])[parcel.parcel_id]:
        units[Key(item.sku, parcel.warehouse, item.partition)] += item.quantity
    locked = stock.lock(tx, [key[:2] for key in units])
    movements, gone = as_of(
        locked,
        [
            Movement(key, MovementKind.SHIPMENT, -quantity, parcel.parcel_id, left_at)
            for key, quantity in units.items()
        ],
    )
    kept = [Change(key, reserved=-quantity) for key, quantity in units.items()]
    return (
        stock.change(locked.fitting([*gone, *kept])),
        stock.record(tx, movements, actor="carrier"),
    )


def _track(tx: Transaction, parcel: Parcel, state: ParcelState, progress: Progress) -> Write:
    return shipments.track(
        parcel,
        state=state,
        status=progress.status,
        status_at=progress.status_at,
        shipped_at=progress.shipped_at,
        delivered_at=progress.delivered_at,
        returned_at=progress.returned_at,
        last_update_at=min(progress.last_update_at or tx.now, tx.now),
    )
