"""Place a waiting order: lock, decide, reserve, make parcels; or find that it must wait."""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shared.contracts.orders import OrderBackordered, OrderClosed, OrderNeedsReview, OrderPlaced
from shared.contracts.parcels import ParcelContent, ParcelPlanned
from shared.contracts.stock import StockIncreased
from shared.contracts.work import BuyLabel, PlaceOrder
from shared.costing import store as costing
from shared.costing.book import Bookshelf
from shared.costing.types import Terms
from shared.flows.offers import is_home, offers
from shared.flows.supply import OwnSupply, lock_supply
from shared.holds import store as holds
from shared.holds.types import HoldState
from shared.kit.ids import new_id
from shared.orders import store as orders
from shared.orders.lifecycle import LIFECYCLE, PLACEABLE, OrderStep
from shared.orders.types import Line, Order, OrderState, UnknownOrder
from shared.placement import store as decisions
from shared.placement.engine import decide
from shared.placement.receipt import receipt
from shared.placement.types import (
    Demand,
    Parcel,
    Placement,
    Shortage,
)
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.shipments import store as shipments
from shared.shipments.types import Content, PlannedParcel
from shared.stock import store as stock
from shared.stock.types import Key


def place_order(
    tx: Transaction, work: PlaceOrder, shelf: Bookshelf, *, all_partitions: bool = True
) -> None:
    """Give every unit of the order a parcel at the least total cost, or none and let it wait.

    Nothing happens when the order no longer waits: the work was done, or is no longer wanted.

    Args:
        tx: the transaction.
        work: which order.
        shelf: the rate cards of this process.
        all_partitions: False to look at one partition only of what is spread over several.

    Raises:
        UnknownOrder: the work names an order that does not exist.
        SawTooLittle: not all partitions were looked at, and that was not enough.
    """
    book = shelf.book(tx.now, lambda: costing.read_book(tx))
    found = orders.lock_with_lines(tx, work.order_id)
    if found is None:
        raise UnknownOrder("no such order", order_id=work.order_id)
    order, lines = found
    if order.state not in PLACEABLE:
        return
    tx.follow(order.correlation_id)  # new stock may have woken it
    cards = [card for card in book.valid_at(tx.now) if card.currency == order.currency]
    if not cards:
        reason = f"no carrier has a rate card in {order.currency}"
        _let_review(tx, order, reason, {"reason": reason})
        return
    # A kit and its component, or two lines of one SKU, count together.
    wanted = Counter[str]()
    for line in lines:
        wanted.update(line.parts)
    # The stock is locked last: from here on others wait for these rows.
    supply = lock_supply(tx, order, wanted, all_partitions=all_partitions)
    demand = [Demand(sku, wanted[sku], supply.skus[sku].weight_g) for sku in sorted(wanted)]
    offered = offers(supply, order, cards)
    sites = offered.sites
    decision = decide(demand, sites)
    if isinstance(decision, Shortage):
        _let_wait(tx, order, lines, decision, receipt(demand, sites, decision))
    else:
        kept = receipt(demand, sites, decision)
        _place(
            tx,
            order,
            lines=lines,
            supply=supply,
            terms=offered.terms,
            decision=decision,
            kept=kept,
        )


def _place(
    tx: Transaction,
    order: Order,
    *,
    lines: Sequence[Line],
    supply: OwnSupply,
    terms: Mapping[tuple[str, str], Terms],
    decision: Placement,
    kept: Mapping[str, Any],
) -> None:
    picks = Counter[tuple[str, str]]()
    for parcel in decision.parcels:
        for item in parcel.items:
            picks[item.sku, parcel.warehouse] += item.quantity
    taken = {
        place: list(supply.take(*place, quantity)) for place, quantity in sorted(picks.items())
    }
    reserved = dict(itertools.chain.from_iterable(taken.values()))
    distances_m = {at.warehouse: at.distance_m for at in decision.candidates}
    parcels = _with_lines(decision.parcels, lines, taken, distances_m, terms)
    ended = [hold.hold_id for hold in supply.holds]
    state = LIFECYCLE.advance(order.state, OrderStep.PLACE)
    tx.write(
        orders.move(tx, order, state),
        *orders.move_units(order, "allocated"),
        *shipments.plan(tx, order.order_id, parcels),
        *([holds.close(tx, ended, HoldState.CONSUMED)] if ended else []),
        stock.change(supply.changes(reserved.items())),
        decisions.record(tx, order.order_id, "placed", decision.cost_cents, kept),
        outbox.put(
            tx,
            OrderPlaced(
                order_id=order.order_id,
                parcel_ids=tuple(parcel.parcel_id for parcel in parcels),
                cost_cents=decision.cost_cents,
                currency=decision.currency,
            ),
            *(_planned(tx, order, parcel) for parcel in parcels),
            *(_label(order, parcel) for parcel in parcels),
            *(
                StockIncreased(warehouse=warehouse, available=units)
                for warehouse, units in supply.left_of_hold(reserved).items()
            ),
        ),
    )


def _label(order: Order, parcel: PlannedParcel) -> BuyLabel:
    return BuyLabel(parcel_id=parcel.parcel_id, carrier=parcel.carrier, priority=order.priority)


def _planned(tx: Transaction, order: Order, parcel: PlannedParcel) -> ParcelPlanned:
    return ParcelPlanned(
        parcel_id=parcel.parcel_id,
        order_id=order.order_id,
        warehouse=parcel.warehouse,
        carrier=parcel.carrier,
        weight_g=parcel.weight_g,
        distance_m=parcel.distance_m,
        planned_at=tx.now,
        items=tuple(
            ParcelContent(line_no=item.line_no, sku=item.sku, quantity=item.quantity)
            for item in parcel.contents
        ),
        service=parcel.service,
        zone=parcel.zone,
        volume_mm3=parcel.volume_mm3,
        longest_mm=parcel.longest_mm,
        residential=is_home(order),
    )


def _with_lines(
    parcels: Iterable[Parcel],
    lines: Sequence[Line],
    taken: Mapping[tuple[str, str], Sequence[tuple[Key, int]]],
    distances_m: Mapping[str, int],
    terms: Mapping[tuple[str, str], Terms],
) -> list[PlannedParcel]:
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
        agreed = terms[parcel.warehouse, parcel.rate_card_id]
        planned.append(
            PlannedParcel(
                parcel_id=new_id("par"),
                warehouse=parcel.warehouse,
                carrier=parcel.carrier,
                rate_card_id=parcel.rate_card_id,
                weight_g=parcel.weight_g,
                distance_m=distances_m[parcel.warehouse],
                quoted_cents=parcel.cost_cents,
                contents=tuple(contents),
                service=agreed.service,
                zone=agreed.zone,
            )
        )
    return planned


def _let_wait(
    tx: Transaction,
    order: Order,
    lines: Sequence[Line],
    shortage: Shortage,
    kept: Mapping[str, Any],
) -> None:
    if order.state is OrderState.BACKORDERED and shortage.missing:
        return  # it waits already, and has said so
    if not shortage.missing:
        reason = "no carrier takes " + ", ".join(item.sku for item in shortage.not_carried)
        _let_review(tx, order, reason, kept)
        return
    waiting = Counter[str]()
    for line in lines:
        waiting[line.sku] += line.quantity
    room = orders.lock_caps(tx, waiting)
    full = sorted(sku for sku, units in room.items() if waiting[sku] > units)
    if full:
        _sold_out(tx, order, full, kept)
        return
    missing = {item.sku: item.quantity for item in shortage.missing}
    tx.write(
        orders.move(tx, order, LIFECYCLE.advance(order.state, OrderStep.BACKORDER)),
        *orders.move_units(order, "backordered"),
        orders.take_cap({sku: waiting[sku] for sku in room}),
        decisions.record(tx, order.order_id, "backordered", None, kept),
        outbox.put(
            tx,
            OrderBackordered(
                order_id=order.order_id, missing=missing, expected_at=order.expected_at
            ),
        ),
    )


def _let_review(tx: Transaction, order: Order, reason: str, kept: Mapping[str, Any]) -> None:
    """No stock would help: a person has to look."""
    tx.write(
        orders.move(tx, order, LIFECYCLE.advance(order.state, OrderStep.REVIEW), reason),
        *orders.move_units(order, "waiting"),
        decisions.record(tx, order.order_id, "review", None, kept),
        outbox.put(tx, OrderNeedsReview(order_id=order.order_id, reason=reason)),
    )


def _sold_out(tx: Transaction, order: Order, full: Sequence[str], kept: Mapping[str, Any]) -> None:
    """No more may wait: the channel is told at once, and can give the money back."""
    state = LIFECYCLE.advance(order.state, OrderStep.CANCEL)
    reason = f"sold out, and no more may wait for {', '.join(full)}"
    tx.write(
        orders.move(tx, order, state, reason),
        *orders.move_units(order, "cancelled"),
        decisions.record(tx, order.order_id, "sold_out", None, kept),
        outbox.put(tx, OrderClosed(order_id=order.order_id, state=state, reason=reason)),
    )
