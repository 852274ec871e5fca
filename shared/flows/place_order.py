"""Place a waiting order: lock, decide, reserve, make parcels; or find that it must wait."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from shared.contracts.orders import OrderBackordered, OrderNeedsReview, OrderPlaced
from shared.contracts.parcels import ParcelContent, ParcelPlanned
from shared.contracts.work import BuyLabel, PlaceOrder
from shared.costing import store as costing
from shared.costing.book import Bookshelf
from shared.costing.types import NoRateCard, RateCard
from shared.kit.geo import Point, distance_m
from shared.kit.ids import new_id
from shared.orders import store as orders
from shared.orders.lifecycle import LIFECYCLE, PLACEABLE, OrderStep
from shared.orders.types import Line, Order, OrderState, UnknownOrder
from shared.placement import store as decisions
from shared.placement.engine import decide
from shared.placement.receipt import receipt
from shared.placement.types import Demand, Parcel, Placement, Shortage, Site, Step, Tariff
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.shipments import store as shipments
from shared.shipments.types import Content, PlannedParcel
from shared.stock import store as stock
from shared.stock.types import Pick, Supply


def place_order(tx: Transaction, work: PlaceOrder, shelf: Bookshelf) -> None:
    """Give every unit of the order a parcel at the least total cost, or none and let it wait.

    Nothing happens when the order no longer waits: the work was done, or is no longer wanted.

    Raises:
        UnknownOrder: the work names an order that does not exist.
        NoRateCard: no carrier has a valid rate card in the order's currency.
    """
    book = shelf.book(tx.now, lambda: costing.read_book(tx))
    order = orders.lock(tx, work.order_id)
    if order is None:
        raise UnknownOrder("no such order", order_id=work.order_id)
    if order.state not in PLACEABLE:
        return
    tx.follow(order.correlation_id)  # new stock may have woken it
    cards = [card for card in book.valid_at(tx.now) if card.currency == order.currency]
    if not cards:
        raise NoRateCard(
            "no carrier has a rate card in the order's currency",
            order_id=order.order_id,
            currency=order.currency,
        )
    lines = orders.lines(tx, order.order_id)
    wanted = Counter[str]()
    for line in lines:
        wanted[line.sku] += line.quantity
    # The stock is locked last: from here on others wait for these rows.
    supplies, weights_g = stock.lock_supply(tx, wanted)
    demand = [Demand(sku, wanted[sku], weights_g[sku]) for sku in sorted(wanted)]
    sites = _sites(supplies, order.destination, cards)
    decision = decide(demand, sites)
    if isinstance(decision, Shortage):
        _let_wait(tx, order, demand, sites, decision)
    else:
        _place(tx, order, lines=lines, demand=demand, sites=sites, decision=decision)


def _sites(supplies: Iterable[Supply], destination: Point, cards: Sequence[RateCard]) -> list[Site]:
    by_place: dict[tuple[str, Point], dict[str, int]] = defaultdict(dict)
    for supply in supplies:
        by_place[supply.level.warehouse, supply.location][supply.level.sku] = supply.level.available
    sites = []
    for (warehouse, location), available in sorted(by_place.items(), key=lambda item: item[0][0]):
        away_m = distance_m(location, destination)
        tariffs = tuple(
            Tariff(
                carrier=card.carrier,
                rate_card_id=card.rate_card_id,
                currency=card.currency,
                handling_cents=card.handling_cents,
                steps=tuple(Step(*step) for step in card.steps(away_m)),
            )
            for card in cards
        )
        sites.append(Site(warehouse, away_m, available, tariffs))
    return sites


def _place(
    tx: Transaction,
    order: Order,
    *,
    lines: Sequence[Line],
    demand: Sequence[Demand],
    sites: Sequence[Site],
    decision: Placement,
) -> None:
    distances_m = {site.warehouse: site.distance_m for site in sites}
    parcels = _with_lines(decision.parcels, lines, distances_m)
    picks = Counter[tuple[str, str]]()
    for parcel in parcels:
        for item in parcel.contents:
            picks[item.sku, parcel.warehouse] += item.quantity
    state = LIFECYCLE.advance(order.state, OrderStep.PLACE)
    tx.write(
        orders.move(tx, order, state),
        orders.move_units(order.order_id, "allocated"),
        *shipments.plan(tx, order.order_id, parcels),
        stock.reserve([Pick(place, sku, quantity) for (sku, place), quantity in picks.items()]),
        decisions.record(
            tx, order.order_id, "placed", decision.cost_cents, receipt(demand, sites, decision)
        ),
        outbox.put(
            tx,
            OrderPlaced(
                order_id=order.order_id,
                parcel_ids=tuple(parcel.parcel_id for parcel in parcels),
                cost_cents=decision.cost_cents,
                currency=decision.currency,
            ),
            *(_planned(tx, order, parcel) for parcel in parcels),
            *(BuyLabel(parcel_id=parcel.parcel_id, carrier=parcel.carrier) for parcel in parcels),
        ),
    )


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
    )


def _with_lines(
    parcels: Iterable[Parcel], lines: Sequence[Line], distances_m: dict[str, int]
) -> list[PlannedParcel]:
    """Name the order lines of each unit: lines that share a SKU are filled in their order."""
    open_units = {line.line_no: line.quantity for line in lines}
    planned = []
    for parcel in parcels:
        contents = []
        for item in parcel.items:
            units = item.quantity
            for line in lines:
                taken = min(units, open_units[line.line_no]) if line.sku == item.sku else 0
                if taken:
                    contents.append(Content(line.line_no, item.sku, taken))
                    open_units[line.line_no] -= taken
                    units -= taken
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
            )
        )
    return planned


def _let_wait(
    tx: Transaction,
    order: Order,
    demand: Sequence[Demand],
    sites: Sequence[Site],
    shortage: Shortage,
) -> None:
    if order.state is OrderState.BACKORDERED and shortage.missing:
        return  # it waits already, and has said so
    kept = receipt(demand, sites, shortage)
    if shortage.missing:
        missing = {item.sku: item.quantity for item in shortage.missing}
        tx.write(
            orders.move(tx, order, LIFECYCLE.advance(order.state, OrderStep.BACKORDER)),
            orders.move_units(order.order_id, "backordered"),
            decisions.record(tx, order.order_id, "backordered", None, kept),
            outbox.put(tx, OrderBackordered(order_id=order.order_id, missing=missing)),
        )
    else:
        reason = "no carrier takes " + ", ".join(item.sku for item in shortage.not_carried)
        tx.write(
            orders.move(tx, order, LIFECYCLE.advance(order.state, OrderStep.REVIEW), reason),
            orders.move_units(order.order_id, "waiting"),
            decisions.record(tx, order.order_id, "review", None, kept),
            outbox.put(tx, OrderNeedsReview(order_id=order.order_id, reason=reason)),
        )
