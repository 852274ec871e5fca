"""What becomes of an order when it was decided about, and how that is written. Several at once."""

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.contracts.base import Cause, Event, Work
from shared.contracts.orders import OrderBackordered, OrderClosed, OrderNeedsReview, OrderPlaced
from shared.contracts.parcels import ParcelContent, ParcelPlanned
from shared.contracts.stock import StockIncreased
from shared.contracts.work import BuyLabel
from shared.flows.supply import OwnSupply
from shared.holds import store as holds
from shared.holds.types import HoldState
from shared.kit.ids import new_id
from shared.orders import store as orders
from shared.orders.lifecycle import LIFECYCLE, OrderStep
from shared.orders.types import Line, Move, Order
from shared.placement import store as decisions
from shared.placement.store import Kept
from shared.placement.types import Parcel, Placement, Shortage
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.shipments import store as shipments
from shared.shipments.types import Content, PlannedParcel
from shared.stock import store as stock
from shared.stock.types import Change, Key


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is written for one order, and what it tells the world in its own trail."""

    move: Move
    units: str  # what becomes of them, as `orders.move_units` knows it
    kept: Kept
    messages: tuple[Event | Work, ...]
    parcels: tuple[PlannedParcel, ...] = ()
    changes: tuple[Change, ...] = ()
    ended_holds: tuple[str, ...] = ()
    caps: Mapping[str, int] = field(default_factory=dict)  # capped SKU -> units that begin to wait


def placed(
    tx: Transaction,
    order: Order,
    *,
    lines: Sequence[Line],
    supply: OwnSupply,
    decision: Placement,
    receipt: Mapping[str, Any],
) -> Outcome:
    """Every unit has a parcel; what the order's holds kept beyond that is free again."""
    picks = Counter[tuple[str, str]]()
    for parcel in decision.parcels:
        for item in parcel.items:
            picks[item.sku, parcel.warehouse] += item.quantity
    taken = {
        place: list(supply.take(*place, quantity)) for place, quantity in sorted(picks.items())
    }
    reserved = dict(itertools.chain.from_iterable(taken.values()))
    distances_m = {at.warehouse: at.distance_m for at in decision.candidates}
    parcels = _with_lines(order, decision.parcels, lines, taken, distances_m)
    return Outcome(
        move=Move(order, LIFECYCLE.advance(order.state, OrderStep.PLACE)),
        units="allocated",
        kept=Kept(order.order_id, "placed", decision.cost_cents, receipt),
        parcels=parcels,
        changes=tuple(supply.changes(reserved.items())),
        ended_holds=tuple([hold.hold_id for hold in supply.holds]),
        messages=(
            OrderPlaced(
                order_id=order.order_id,
                parcel_ids=tuple([parcel.parcel_id for parcel in parcels]),
                cost_cents=decision.cost_cents,
                currency=decision.currency,
            ),
            *[_planned(tx, parcel) for parcel in parcels],
            *[_label(order, parcel) for parcel in parcels],
            *[
                StockIncreased(warehouse=warehouse, available=units)
                for warehouse, units in supply.left_of_hold(reserved).items()
            ],
        ),
    )


def backordered(
    order: Order, shortage: Shortage, caps: Mapping[str, int], receipt: Mapping[str, Any]
) -> Outcome:
    """It waits for stock, in the room that `caps` of it leaves to others."""
    missing = {item.sku: item.quantity for item in shortage.missing}
    return Outcome(
        move=Move(order, LIFECYCLE.advance(order.state, OrderStep.BACKORDER)),
        units="backordered",
        kept=Kept(order.order_id, "backordered", None, receipt),
        caps=caps,
        messages=(
            OrderBackordered(
                order_id=order.order_id, missing=missing, expected_at=order.expected_at
            ),
        ),
    )


def sold_out(order: Order, full: Collection[str], receipt: Mapping[str, Any]) -> Outcome:
    """No more may wait: the channel is told at once, and can give the money back."""
    state = LIFECYCLE.advance(order.state, OrderStep.CANCEL)
    reason = f"sold out, and no more may wait for {', '.join(sorted(full))}"
    return Outcome(
        move=Move(order, state, reason),
        units="cancelled",
        kept=Kept(order.order_id, "sold_out", None, receipt),
        messages=(OrderClosed(order_id=order.order_id, state=state, reason=reason),),
    )


def in_review(order: Order, reason: str, receipt: Mapping[str, Any]) -> Outcome:
    """No stock would help: a person has to look."""
    return Outcome(
        move=Move(order, LIFECYCLE.advance(order.state, OrderStep.REVIEW), reason),
        units="waiting",
        kept=Kept(order.order_id, "review", None, receipt),
        messages=(OrderNeedsReview(order_id=order.order_id, reason=reason),),
    )


def write(tx: Transaction, outcomes: Sequence[Outcome]) -> None:
    """Write what becomes of the orders, and tell of it, in one statement."""
    parcels = [parcel for outcome in outcomes for parcel in outcome.parcels]
    ended = [hold_id for outcome in outcomes for hold_id in outcome.ended_holds]
    changes = [change for outcome in outcomes for change in outcome.changes]
    caps = Counter[str]()
    for outcome in outcomes:
        caps.update(outcome.caps)
    tx.write(
        orders.move(tx, *[outcome.move for outcome in outcomes]),
        *orders.move_units(*[(outcome.move.order, outcome.units) for outcome in outcomes]),
        *(shipments.plan(tx, parcels) if parcels else ()),
        *([holds.close(tx, ended, HoldState.CONSUMED)] if ended else []),
        *([stock.change(changes)] if changes else []),
        *([orders.take_cap(caps)] if caps else []),
        decisions.record(tx, [outcome.kept for outcome in outcomes]),
        outbox.put_for(
            tx,
            [
                (Cause(tx.cause.event_id, outcome.move.order.correlation_id), message)
                for outcome in outcomes
                for message in outcome.messages
            ],
        ),
    )


def _label(order: Order, parcel: PlannedParcel) -> BuyLabel:
    return BuyLabel(parcel_id=parcel.parcel_id, carrier=parcel.carrier, priority=order.priority)


def _planned(tx: Transaction, parcel: PlannedParcel) -> ParcelPlanned:
    return ParcelPlanned(
        parcel_id=parcel.parcel_id,
        order_id=parcel.order_id,
        warehouse=parcel.warehouse,
        carrier=parcel.carrier,
        weight_g=parcel.weight_g,
        distance_m=parcel.distance_m,
        planned_at=tx.now,
        items=tuple(
            [
                ParcelContent(line_no=item.line_no, sku=item.sku, quantity=item.quantity)
                for item in parcel.contents
            ]
        ),
    )


def _with_lines(
    order: Order,
    parcels: Iterable[Parcel],
    lines: Sequence[Line],
    taken: Mapping[tuple[str, str], Sequence[tuple[Key, int]]],
    distances_m: Mapping[str, int],
) -> tuple[PlannedParcel, ...]:
    """Name the order line and the partition of each unit: both are filled in their order."""
    wanted = {(line.line_no, sku): units for line in lines for sku, units in line.parts.items()}
    there = {key: units for of_place in taken.values() for key, units in of_place}
    planned = []
    for parcel in parcels:
        contents: list[Content] = []
        for item in parcel.items:
            units = item.quantity
            partitions = [key for key, _ in taken[item.sku, parcel.warehouse]]
            for line, key in itertools.product(lines, partitions):
                at = (line.line_no, item.sku)
                packed = min(wanted.get(at, 0), there[key], units)
                if packed:
                    contents.append(Content(line.line_no, item.sku, packed, key.partition))
                    wanted[at] -= packed
                    there[key] -= packed
                    units -= packed
        planned.append(
            PlannedParcel(
                parcel_id=new_id("par"),
                order_id=order.order_id,
                warehouse=parcel.warehouse,
                carrier=parcel.carrier,
                rate_card_id=parcel.rate_card_id,
                weight_g=parcel.weight_g,
                distance_m=distances_m[parcel.warehouse],
                quoted_cents=parcel.cost_cents,
                contents=tuple(contents),
            )
        )
    return tuple(planned)
