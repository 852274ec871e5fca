"""An order with all that is known of it, for a person who has to decide about it."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from shared.contracts.http_ops import DecisionView, Happening, NoteView, OpsOrder, UnitsToSend
from shared.contracts.http_orders import ChargeView, OrderView, ParcelView
from shared.flows.audited import ORDER
from shared.flows.explain_order import explain_order
from shared.flows.note_order import NOTED
from shared.flows.unchanged import version_of
from shared.kit.money import in_digits
from shared.ops import order_surroundings
from shared.ops.decisions import Decision
from shared.ops.order_surroundings import Report
from shared.ops.reroutes import RerouteRow
from shared.orders import order_lines, order_notes
from shared.orders.lifecycle import FINAL, PLACEABLE
from shared.orders.parts import parts
from shared.orders.types import OrderState, UnknownOrder
from shared.people import audit_log
from shared.people.audit_log import Entry, Subject
from shared.people.permissions import Action, Who
from shared.platform.db import Transaction
from shared.shipments.lifecycle import OPEN
from shared.shipments.types import ParcelState, RerouteReason

_SENT = {ParcelState.SHIPPED, ParcelState.DELIVERED, ParcelState.RETURNED}
_UNDECIDED = {OrderState.SHIPPED, *FINAL}  # nothing can be decided about it any more
_OPEN = {OrderState.REVIEW, *PLACEABLE}  # something of it has no parcel yet
_PARCEL_STEPS = (
    ("planned_at", "planned"),
    ("picked_at", "picked"),
    ("shipped_at", "with its carrier"),
    ("delivered_at", "delivered"),
    ("returned_at", "came back"),
    ("cancelled_at", "cancelled"),
)
ACTS = {
    "again": Action.PLACE_ORDERS,
    "assign": Action.PLACE_ORDERS,
    "split": Action.PLACE_ORDERS,
    "hold": Action.HOLD_ORDERS,
    "release": Action.HOLD_ORDERS,
    "lines": Action.CHANGE_ORDERS,
    "cancel": Action.CANCEL_ORDERS,
    "note": Action.NOTE_ORDERS,
}


def show_order(tx: Transaction, order_id: str, who: Who) -> OpsOrder:
    """The order as it stands, its story, and what whoever asks may do about it.

    Raises:
        UnknownOrder: there is none, or it is none of theirs.
    """
    found = explain_order(tx, order_id)
    order = found.order
    if not concerns(order, who):
        raise UnknownOrder(f"there is no order {order_id}", order_id=order_id)
    reports = order_surroundings.reports(tx, order_id)
    entries = audit_log.of_subject(tx, Subject(ORDER, order_id))
    letters = order_surroundings.letters(tx, order_id)
    story = [
        *_of_order(order),
        *_of_decisions(found.decisions),
        *of_parcels(order.parcels),
        *of_reports(reports),
        *of_reroutes(found.reroutes),
        *of_people(entries),
    ]
    open_to_them = [name for name, action in ACTS.items() if who.may(action)]
    is_theirs = who.may_at(live_warehouses(order))
    places = [name for name in order_surroundings.warehouse_names(tx) if who.may_at([name])]
    return OpsOrder(
        version=version_of(order),
        order=order,
        is_late=order.promised_at < tx.now and OrderState(order.state) not in FINAL,
        timeline=tuple(sorted(story, key=lambda happening: happening.at)),
        decisions=tuple(_shown(decision) for decision in found.decisions),
        to_send=_to_send(tx, order_id),
        reserved=tuple(order_surroundings.reserved(tx, order_id)),
        letters=tuple(letters),
        notes=tuple(
            NoteView(at=note.at, by=note.author, note=note.body)
            for note in order_notes.of_order(tx, order_id)
        ),
        acts=tuple(name for name in open_to_them if is_theirs and name in possible(order)),
        warehouses=tuple(places),
        relabel=tuple(one.parcel_id for one in order.parcels if may_relabel(one, who)),
        print=tuple(one.parcel_id for one in order.parcels if may_print(one, who)),
        choose=tuple(one.parcel_id for one in order.parcels if may_choose(one, who)),
    )


def _to_send(tx: Transaction, order_id: str) -> tuple[UnitsToSend, ...]:
    lines = order_lines.of_order(tx, order_id)
    wanted = parts(lines, {line.line_no: line.quantity - line.cancelled for line in lines})
    return tuple(UnitsToSend(sku=sku, units=units) for sku, units in sorted(wanted.items()))


def live_warehouses(order: OrderView) -> frozenset[str]:
    """From where the order is sent, as it stands."""
    return frozenset(
        parcel.warehouse for parcel in order.parcels if parcel.state != ParcelState.CANCELLED
    )


def concerns(order: OrderView, who: Who) -> bool:
    """Whether the order is theirs to see: of one of their warehouses, or of none yet."""
    live = live_warehouses(order)
    return not live or who.warehouses is None or not live.isdisjoint(who.warehouses)


def may_relabel(parcel: ParcelView, who: Who) -> bool:
    """Whether they may give the parcel another label: it has one, and nobody has picked it yet."""
    is_open = ParcelState(parcel.state) is ParcelState.LABELLED and not parcel.picked_at
    return is_open and who.may(Action.RELABEL_PARCELS) and who.may_at([parcel.warehouse])


def may_print(parcel: ParcelView, who: Who) -> bool:
    """Whether they may print the parcel's label: it has one, and is not cancelled."""
    is_labelled = parcel.tracking_code and ParcelState(parcel.state) is not ParcelState.CANCELLED
    return bool(is_labelled) and who.may(Action.PRINT_LABELS) and who.may_at([parcel.warehouse])


def may_choose(parcel: ParcelView, who: Who) -> bool:
    """Whether they may say by which service the parcel goes: nobody has picked it yet."""
    is_open = ParcelState(parcel.state) in OPEN and not parcel.picked_at
    return is_open and who.may(Action.CHOOSE_SERVICES) and who.may_at([parcel.warehouse])


def possible(order: OrderView) -> frozenset[str]:
    """The acts that its state allows; whether one succeeds shows when it is done."""
    state = OrderState(order.state)
    found = {"note"}
    if state not in FINAL and order.return_wanted_at is None:
        found.add("cancel")
    live = [parcel for parcel in order.parcels if parcel.state != ParcelState.CANCELLED]
    loose = [parcel for parcel in live if parcel.state not in _SENT and not parcel.picked_at]
    if state not in _UNDECIDED and loose == live:
        found |= {"again", "assign", "split"}
        found.add("release" if state is OrderState.REVIEW else "hold")
    if "cancel" in found and (loose or state in _OPEN):
        found.add("lines")
    return frozenset(found)


def _of_order(order: OrderView) -> Iterator[Happening]:
    yield Happening(at=order.ordered_at, kind="order", title=f"Ordered on {order.channel}")
    yield Happening(at=order.accepted_at, kind="order", title="Accepted")
    if order.return_wanted_at is not None:
        yield Happening(at=order.return_wanted_at, kind="problem", title="Wanted back")
    if order.closed_at is not None:
        yield Happening(
            at=order.closed_at,
            kind="order",
            title=f"Closed: {order.state}",
            detail=order.state_reason,
        )
    together: dict[tuple[datetime, str, str], list[ChargeView]] = defaultdict(list)
    for charge in order.charges:
        together[charge.charged_at, charge.parcel_id, charge.entry].append(charge)
    for (at, parcel_id, entry), charges in together.items():
        cents = sum(charge.amount_cents for charge in charges)
        kinds = ", ".join(charge.kind.replace("_", " ") for charge in charges)
        yield Happening(
            at=at,
            kind="charge",
            title="Charges taken back" if entry == "reversal" else "Charged",
            detail=f"{in_digits(cents, order.currency)} {order.currency} for {kinds}",
            parcel_id=parcel_id,
        )


def _of_decisions(decisions: Sequence[Decision]) -> Iterator[Happening]:
    for decision in decisions:
        yield Happening(
            at=decision.decided_at,
            kind="decision",
            title=f"Decided: {decision.outcome.replace('_', ' ')}",
            detail=decision.reason or str(decision.receipt["result"].get("reason", "")),
            by=decision.decided_by,
        )


def of_parcels(parcels: Sequence[ParcelView]) -> Iterator[Happening]:
    """What we did with parcels."""
    for parcel in parcels:
        for moment, words in _PARCEL_STEPS:
            at = getattr(parcel, moment)
            if at is not None:
                yield Happening(
                    at=at,
                    kind="parcel",
                    title=f"Parcel {words}",
                    detail=f"from {parcel.warehouse} by {parcel.carrier} {parcel.service}",
                    parcel_id=parcel.parcel_id,
                )


def of_reports(reports: Sequence[Report]) -> Iterator[Happening]:
    """What carriers reported."""
    for report in reports:
        place = ", ".join(str(part) for part in report.location.values() if part)
        said = [report.message or report.raw_status, place, (report.reason or "").replace("_", " ")]
        yield Happening(
            at=report.occurred_at,
            kind="problem" if report.reason else "tracking",
            title=report.status.replace("_", " ").capitalize(),
            detail=" · ".join(filter(None, said)),
            parcel_id=report.parcel_id,
        )


def of_reroutes(reroutes: Sequence[RerouteRow]) -> Iterator[Happening]:
    """Parcels that were given to another carrier, or another service of theirs."""
    for reroute in reroutes:
        is_chosen = reroute.reason == RerouteReason.CHOSEN_BY_HAND
        to = f"{reroute.to_carrier} {reroute.to_service}"
        yield Happening(
            at=reroute.rerouted_at,
            kind="parcel" if is_chosen else "problem",
            title=f"Rerouted from {reroute.from_carrier} {reroute.from_service} to {to}",
            detail=f"{reroute.reason.replace('_', ' ')};"
            f" {in_digits(abs(reroute.difference_cents), reroute.currency)}"
            f" {reroute.currency} {'less' if reroute.difference_cents < 0 else 'more'}",
            parcel_id=reroute.parcel_id,
        )


def of_people(entries: Sequence[Entry]) -> Iterator[Happening]:
    """What people did by hand."""
    for entry in entries:
        if entry.action == NOTED:  # it is shown as what it is
            continue
        yield Happening(
            at=entry.at,
            kind="person",
            title=entry.action.replace("_", " ").capitalize(),
            detail=entry.reason,
            by=entry.actor,
        )


def _shown(decision: Decision) -> DecisionView:
    return DecisionView(
        decided_at=decision.decided_at,
        outcome=decision.outcome,
        cost_cents=decision.cost_cents,
        policy_id=decision.policy_id,
        duration_us=decision.duration_us,
        decided_by=decision.decided_by,
        reason=decision.reason,
        receipt=decision.receipt,
    )
