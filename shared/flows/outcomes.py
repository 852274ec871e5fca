"""What becomes of an order when it was decided about, and how that is written. Several at once."""

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from shared.contracts.base import Cause, Event, Work
from shared.contracts.order_facts import (
    OrderBackordered,
    OrderNeedsReview,
    OrderPartlyPlaced,
    OrderPlaced,
    OrderRestCancelled,
)
from shared.contracts.parcels import ParcelContent, ParcelPlanned
from shared.contracts.work import BuyLabel
from shared.flows.following import following
from shared.flows.offers import Capacity, Offers, Wish, is_home
from shared.flows.supply import OwnSupply
from shared.flows.without_rest import without_rest
from shared.holds import store as holds
from shared.holds.types import Hold, HoldState
from shared.kit.ids import new_id
from shared.orders import backorder_caps, order_lines
from shared.orders import store as orders
from shared.orders.lifecycle import LIFECYCLE, OrderStep
from shared.orders.parts import Chosen, open_units, parts
from shared.orders.types import WAITS_FOR_STOCK, Line, Move, Order, OrderState, Split
from shared.placement import store as decisions
from shared.placement.receipt import Receipt
from shared.placement.store import Kept
from shared.placement.types import Placement, Shortage
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.shipments import site_days
from shared.shipments import store as shipments
from shared.shipments.types import Content, ParcelState, PlannedParcel
from shared.stock import store as stock
from shared.stock.types import Change, Key


class Why(NamedTuple):
    """What is kept of a decision: its receipt, whose policy it followed, how long it took."""

    receipt: Receipt
    policy_id: str
    duration_us: int = 0
    wish: Wish | None = None  # of a person; None where the engine was free

    def kept(self, order: Order, outcome: str, cost_cents: int | None = None) -> Kept:
        """As it is recorded."""
        return Kept(
            order.order_id,
            outcome,
            cost_cents,
            self.policy_id,
            self.receipt,
            self.duration_us,
            *((self.wish.by, self.wish.reason) if self.wish is not None else ()),
        )


class Outcome(NamedTuple):
    """What is written for one order, and what it tells the world in its own trail."""

    order: Order
    move: Move
    kept: Kept
    messages: tuple[Event | Work, ...]
    splits: tuple[Split, ...] = ()  # of the lines whose units do not stay where they are
    waits_more: Mapping[str, int] = MappingProxyType({})  # SKU -> units, below zero: fewer
    parcels: tuple[PlannedParcel, ...] = ()
    changes: tuple[Change, ...] = ()
    ended_holds: tuple[str, ...] = ()
    left_holds: tuple[Hold, ...] = ()  # of what they kept beyond what was taken


class Wanting(NamedTuple):
    """A locked order that is to be placed, with its lines and its other parcels."""

    order: Order
    lines: Sequence[Line]
    siblings: Sequence[ParcelState] = ()
    given_up: Chosen = MappingProxyType({})  # cancelled units of these lines, not yet written
    why_given_up: str = ""

    @property
    def open_units(self) -> Chosen:
        """Those that are still to be sent."""
        return open_units(self.lines)

    @property
    def wants(self) -> Mapping[str, int]:
        """SKU -> units that are still to be sent."""
        return parts(self.lines, self.open_units)

    @property
    def waits_already(self) -> bool:
        """Whether all that is open waits for stock, and that was said."""
        return (
            self.order.state in WAITS_FOR_STOCK
            and all(line.open == line.backordered for line in self.lines)
            and not self.given_up
        )

    def without_fresh(self, skus: Collection[str]) -> "Wanting | None":
        """The order without the units of these that nobody was promised; None: nothing is left.

        Nor is anything left of an order of which nothing was promised at all: it is sold out.
        """
        given_up = {n.line_no: n.fresh for n in self.lines if n.sku in skus and n.fresh}
        lines = [
            line._replace(cancelled=line.cancelled + given_up.get(line.line_no, 0))
            for line in self.lines
        ]
        if not any(line.secured for line in lines) or not any(line.open for line in lines):
            return None
        reason = f"sold out, and no more may wait for {', '.join(sorted(skus))}"
        return self._replace(
            lines=lines, given_up={**self.given_up, **given_up}, why_given_up=reason
        )

    def fresh_waiting(self, splits: Iterable[Split]) -> Mapping[str, int]:
        """SKU -> units that would wait for stock, and that nobody was promised before."""
        known = {line.line_no: line for line in self.lines}
        fresh = Counter[str]()
        for split in splits:
            line = known[split.line_no]
            promised = max(0, line.secured - split.allocated)
            fresh[line.sku] += max(0, split.backordered - promised)
        return +fresh


def placed(
    tx: Transaction,
    wanting: Wanting,
    chosen: Chosen,
    *,
    supply: OwnSupply,
    offered: Offers,
    decision: Placement,
    why: Why,
) -> Outcome:
    """The chosen units have parcels, and the others wait for stock.

    What the order's holds kept beyond that goes to who waits for it, when it is given back.
    """
    order, lines = wanting.order, wanting.lines
    picks = Counter[tuple[str, str]]()
    for parcel in decision.parcels:
        for item in parcel.items:
            picks[item.sku, parcel.warehouse] += item.quantity
    taken = {
        place: list(supply.take(*place, quantity)) for place, quantity in sorted(picks.items())
    }
    reserved = dict(itertools.chain.from_iterable(taken.values()))
    parcels = _with_lines(wanting, chosen, taken, decision=decision, supply=supply, offered=offered)
    splits = _allocated(wanting, chosen)
    is_whole = not any(split.backordered for split in splits)
    rest = {split.line_no: split.backordered for split in splits}
    said: dict[str, Any] = {
        "order_id": order.order_id,
        "parcel_ids": tuple([parcel.parcel_id for parcel in parcels]),
        "cost_cents": decision.cost_cents,
        "currency": decision.currency,
    }
    step = OrderStep.PLACE if is_whole else OrderStep.PLACE_PART
    state = LIFECYCLE.advance(order.state, step)
    return Outcome(
        order=order,
        move=Move(order, following(state, [*wanting.siblings, ParcelState.PLANNED])),
        kept=why.kept(order, "placed" if is_whole else "partly_placed", decision.cost_cents),
        splits=splits,
        waits_more=order_lines.waits_more(lines, splits),
        parcels=parcels,
        changes=tuple(supply.changes(reserved)),
        left_holds=tuple(
            supply.left_of_holds(reserved, order.order_id, tx.now, parts(lines, rest))
        ),
        ended_holds=tuple([hold.hold_id for hold in supply.holds]),
        messages=(
            *_given_up(wanting),
            OrderPlaced(**said) if is_whole else _partly(order, lines, chosen, said),
            *[_planned(tx, order, parcel) for parcel in parcels],
            *[_label(order, parcel) for parcel in parcels],
        ),
    )


def backordered(wanting: Wanting, shortage: Shortage, why: Why, reason: str = "") -> Outcome:
    """All that is open waits for stock, or as the reason says."""
    order = wanting.order
    splits = _allocated(wanting, {})
    return Outcome(
        order=order,
        move=Move(order, LIFECYCLE.advance(order.state, OrderStep.BACKORDER), reason),
        kept=why.kept(order, "backordered"),
        splits=splits,
        waits_more=order_lines.waits_more(wanting.lines, splits),
        messages=(
            *_given_up(wanting),
            OrderBackordered(
                order_id=order.order_id,
                missing=_missing(shortage),
                expected_at=order.expected_at,
            ),
        ),
    )


def sold_out(
    tx: Transaction, wanting: Wanting, full: Collection[str], supply: OwnSupply, why: Why
) -> Outcome:
    """No more may wait: the channel is told at once, and can give the money back.

    What the order's holds kept is given back.
    """
    order = wanting.order
    reason = f"sold out, and no more may wait for {', '.join(sorted(full))}"
    given_up = without_rest(order, wanting.lines, wanting.siblings, reason)
    return Outcome(
        order=order,
        move=given_up.move,
        kept=why.kept(order, "sold_out"),
        splits=given_up.splits,
        waits_more=order_lines.waits_more(wanting.lines, given_up.splits),
        left_holds=tuple(supply.left_of_holds({}, order.order_id, tx.now, {})),
        ended_holds=tuple([hold.hold_id for hold in supply.holds]),
        messages=given_up.news,
    )


def in_review(wanting: Wanting, reason: str, why: Why) -> Outcome:
    """No stock would help: a person has to look. What has parcels goes its way."""
    order = wanting.order
    kept = why.kept(order, "review")
    messages = (OrderNeedsReview(order_id=order.order_id, reason=reason),)
    move = Move(order, LIFECYCLE.advance(order.state, OrderStep.REVIEW), reason)
    if order.state is OrderState.PARTLY_PLACED:
        return Outcome(order, move, kept, messages)
    splits = tuple([Split(order.order_id, n.line_no, 0, 0, n.cancelled) for n in wanting.lines])
    return Outcome(
        order=order,
        move=move,
        kept=kept,
        splits=splits,
        waits_more=order_lines.waits_more(wanting.lines, splits),
        messages=messages,
    )


def write(tx: Transaction, outcomes: Sequence[Outcome], capacity: Capacity) -> None:
    """Write what becomes of the orders, and tell of it, in one statement."""
    moves = [outcome.move for outcome in outcomes]
    splits = [split for outcome in outcomes for split in outcome.splits]
    parcels = [parcel for outcome in outcomes for parcel in outcome.parcels]
    ended = [hold_id for outcome in outcomes for hold_id in outcome.ended_holds]
    left = [hold for outcome in outcomes for hold in outcome.left_holds]
    changes = [change for outcome in outcomes for change in outcome.changes]
    more: dict[str, int] = {}
    for outcome in outcomes:
        for sku, units in outcome.waits_more.items():
            more[sku] = more.get(sku, 0) + units
    waits_more = {sku: units for sku, units in more.items() if units}
    days = capacity.counted(parcel.day for parcel in parcels)
    if capacity.new:
        site_days.begin(tx, capacity.new)
    tx.write(
        orders.move(tx, *moves),
        *([order_lines.split(splits)] if splits else []),
        *(shipments.plan(tx, parcels) if parcels else ()),
        *([holds.close(tx, ended, HoldState.CONSUMED)] if ended else []),
        *(holds.insert(*left) if left else ()),
        *([stock.change(changes)] if changes else []),
        *([backorder_caps.change(waits_more)] if waits_more else []),
        *([site_days.take(days)] if days else []),
        decisions.record(tx, [outcome.kept for outcome in outcomes]),
        outbox.put_for(
            tx,
            [
                (Cause(tx.cause.event_id, outcome.order.correlation_id), message)
                for outcome in outcomes
                for message in outcome.messages
            ],
        ),
    )


def _missing(shortage: Shortage) -> dict[str, int]:
    """SKU -> units of which there are not enough, or which nobody can send now."""
    missing = Counter[str]()
    for item in (*shortage.missing, *shortage.not_now):
        missing[item.sku] += item.quantity
    return dict(missing)


def _allocated(wanting: Wanting, chosen: Chosen) -> tuple[Split, ...]:
    """The lines that are open: the chosen units have parcels now, the others wait for stock."""
    splits = []
    for line in wanting.lines:
        if line.open or line.line_no in wanting.given_up:
            units = chosen.get(line.line_no, 0)
            splits.append(
                Split(
                    wanting.order.order_id,
                    line.line_no,
                    line.allocated + units,
                    line.open - units,
                    line.cancelled,
                )
            )
    return tuple(splits)


def _given_up(wanting: Wanting) -> tuple[OrderRestCancelled, ...]:
    """What was added to the order, is not there, and may not wait either."""
    if not wanting.given_up:
        return ()
    cancelled = Counter[str]()
    for line in wanting.lines:
        cancelled[line.sku] += wanting.given_up.get(line.line_no, 0)
    order_id, reason = wanting.order.order_id, wanting.why_given_up
    return (OrderRestCancelled(order_id=order_id, cancelled=+cancelled, reason=reason),)


def _partly(
    order: Order, lines: Sequence[Line], chosen: Chosen, said: Mapping[str, Any]
) -> OrderPartlyPlaced:
    waiting = Counter[str]()
    for line in lines:
        waiting[line.sku] += line.open - chosen.get(line.line_no, 0)
    return OrderPartlyPlaced(waiting=+waiting, expected_at=order.expected_at, **said)


def _label(order: Order, parcel: PlannedParcel) -> BuyLabel:
    return BuyLabel(parcel_id=parcel.parcel_id, carrier=parcel.carrier, priority=order.priority)


def _planned(tx: Transaction, order: Order, parcel: PlannedParcel) -> ParcelPlanned:
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
        service=parcel.service,
        zone=parcel.zone,
        volume_mm3=parcel.volume_mm3,
        longest_mm=parcel.longest_mm,
        residential=is_home(order),
        ship_on=parcel.ship_on,
        arrives_on=parcel.arrives_on,
    )


def _with_lines(
    wanting: Wanting,
    chosen: Chosen,
    taken: Mapping[tuple[str, str], Sequence[tuple[Key, int]]],
    *,
    decision: Placement,
    supply: OwnSupply,
    offered: Offers,
) -> tuple[PlannedParcel, ...]:
    """Name the order line and the partition of each unit: both are filled in their order."""
    wanted = {
        (line.line_no, sku): each * chosen.get(line.line_no, 0)
        for line in wanting.lines
        for sku, each in line.each.items()
    }
    there = {key: units for of_place in taken.values() for key, units in of_place}
    distances_m = {at.warehouse: at.distance_m for at in decision.candidates}
    planned = []
    for parcel in decision.parcels:
        contents: list[Content] = []
        for item in parcel.items:
            units = item.quantity
            partitions = [key for key, _ in taken[item.sku, parcel.warehouse]]
            for line, key in itertools.product(wanting.lines, partitions):
                at = (line.line_no, item.sku)
                packed = min(wanted.get(at, 0), there[key], units)
                if packed:
                    contents.append(Content(line.line_no, item.sku, packed, key.partition))
                    wanted[at] -= packed
                    there[key] -= packed
                    units -= packed
        agreed = offered.terms[parcel.warehouse, parcel.rate_card_id]
        planned.append(
            PlannedParcel(
                parcel_id=new_id("par"),
                order_id=wanting.order.order_id,
                warehouse=parcel.warehouse,
                carrier=parcel.carrier,
                rate_card_id=parcel.rate_card_id,
                weight_g=parcel.weight_g,
                distance_m=distances_m[parcel.warehouse],
                quoted_cents=parcel.cost_cents,
                contents=tuple(contents),
                service=parcel.service,
                zone=agreed.zone,
                volume_mm3=parcel.volume_mm3,
                longest_mm=max(supply.skus[item.sku].longest_mm for item in parcel.items),
                ship_on=offered.leaves_on(parcel),
                arrives_on=offered.arrives_on(parcel),
            )
        )
    return tuple(planned)
