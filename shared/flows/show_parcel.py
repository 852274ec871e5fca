"""A parcel with all that is known of it, for a person who looks for it."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from shared.contracts.http_ops import Happening
from shared.contracts.http_ops_parcels import (
    LabelView,
    OpsParcel,
    RawUpdate,
    RerouteView,
    SiblingParcel,
)
from shared.contracts.http_orders import OrderView, ParcelView
from shared.flows.audited import ORDER, PARCEL
from shared.flows.show_order import (
    may_choose,
    may_relabel,
    of_parcels,
    of_people,
    of_reports,
    of_reroutes,
)
from shared.flows.unchanged import version_of
from shared.ops import order_surroundings, parcel_surroundings, reroutes
from shared.ops.labels import labels_of
from shared.ops.order_view import view_order
from shared.people import audit_log
from shared.people.audit_log import Subject
from shared.people.permissions import Action, Who
from shared.platform.db import Transaction
from shared.shipments.types import NoSuchParcel, ParcelState

_UNDER_WAY = {ParcelState.LABELLED, ParcelState.SHIPPED}


def show_parcel(tx: Transaction, parcel_id: str, who: Who) -> OpsParcel:
    """The parcel as it stands, its story, and what whoever asks may do about it.

    Raises:
        NoSuchParcel: there is none, or it is none of theirs.
    """
    order = view_order(tx, order_of(tx, parcel_id, who))
    assert order is not None, "parcels refer to orders"
    parcel = next(one for one in order.parcels if one.parcel_id == parcel_id)
    labels = [
        LabelView.model_validate({**asdict(one), "is_kept": one.document_key is not None})
        for one in labels_of(tx, parcel_id)
    ]
    moves = [one for one in reroutes.of_order(tx, order.order_id) if one.parcel_id == parcel_id]
    return OpsParcel(
        version=version_of(order),
        order_id=order.order_id,
        promised_at=order.promised_at,
        currency=order.currency,
        parcel=parcel,
        siblings=tuple(
            SiblingParcel.model_validate(one.model_dump())
            for one in order.parcels
            if one.parcel_id != parcel_id
        ),
        timeline=_timeline(tx, order, parcel, [*of_reroutes(moves)]),
        labels=tuple(labels),
        charges=tuple(one for one in order.charges if one.parcel_id == parcel_id),
        reroutes=tuple(RerouteView.model_validate(asdict(one)) for one in moves),
        standing=tuple(parcel_surroundings.standing(tx, parcel_id)),
        poll=parcel_surroundings.poll(tx, parcel_id),
        updates=_updates(tx, parcel, who),
        acts=(*_acts(parcel, who), *_papers(labels, who)),
    )


def order_of(tx: Transaction, parcel_id: str, who: Who) -> str:
    """The order of a parcel that is theirs to see.

    Raises:
        NoSuchParcel: there is none, or it is none of theirs.
    """
    found = parcel_surroundings.whose(tx, parcel_id)
    if found is None or not who.may_at([found.warehouse]):
        raise NoSuchParcel(f"there is no parcel {parcel_id}", parcel_id=parcel_id)
    return found.order_id


def _timeline(
    tx: Transaction, order: OrderView, parcel: ParcelView, moves: list[Happening]
) -> tuple[Happening, ...]:
    reports = order_surroundings.reports(tx, order.order_id)
    entries = audit_log.of_subject(tx, Subject(PARCEL, parcel.parcel_id))
    labelled = [
        entry
        for entry in audit_log.of_subject(tx, Subject(ORDER, order.order_id))
        if f"parcels {parcel.parcel_id}" in entry.before.keys() | entry.after.keys()
    ]
    story = [
        *of_parcels([parcel]),
        *of_reports([one for one in reports if one.parcel_id == parcel.parcel_id]),
        *moves,
        *of_people([*entries, *labelled]),
    ]
    return tuple(sorted(story, key=lambda happening: happening.at))


def _updates(tx: Transaction, parcel: ParcelView, who: Who) -> tuple[RawUpdate, ...] | None:
    if not who.may(Action.SEE_MESSAGES):
        return None
    code = parcel.tracking_code
    return tuple(parcel_surroundings.updates(tx, code)) if code is not None else ()


def _papers(labels: Sequence[LabelView], who: Who) -> Iterator[str]:
    """What of its label can be printed, or fetched to be printed."""
    bought = [one for one in labels if one.state == "bought" and not one.is_left_behind]
    for label in bought if who.may(Action.PRINT_LABELS) else ():
        if label.is_kept:
            yield "print"
        if label.manifest_id is not None:
            yield "manifest"
        yield "fetch"


def _acts(parcel: ParcelView, who: Who) -> tuple[str, ...]:
    state, found = ParcelState(parcel.state), []
    if may_relabel(parcel, who):
        found.append("relabel")
    if may_choose(parcel, who):
        found.append("choose")
    if state in _UNDER_WAY and who.may(Action.ASK_CARRIERS):
        found.append("ask")
    return tuple(found)
