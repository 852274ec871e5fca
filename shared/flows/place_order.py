"""Place waiting orders: lock, decide, reserve, make parcels; or find that they must wait.

Where many wait in a queue, whoever places one of them places those that wait longest together with
it: the locks, the stock and what is written are each one statement for all of them.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from shared.contracts.work import PlaceOrder
from shared.costing import store as costing
from shared.costing.book import Bookshelf
from shared.costing.types import RateCard
from shared.flows import outcomes
from shared.flows.offers import offers
from shared.flows.outcomes import Outcome
from shared.flows.steps import Run
from shared.flows.supply import OwnSupply, SawTooLittle, Shelves, lock_shelves
from shared.holds import store as holds
from shared.holds.types import Hold, Purpose
from shared.kit.errors import DispatchError
from shared.orders import store as orders
from shared.orders.lifecycle import PLACEABLE
from shared.orders.types import Line, Order, OrderState, Priority, UnknownOrder
from shared.placement.engine import decide
from shared.placement.receipt import receipt
from shared.placement.types import Demand, Placement, Shortage
from shared.platform import log
from shared.platform.db import Transaction

TOGETHER = 50  # orders; more of them make a statement longer, and no order cheaper
# What the decisions of one transaction may cost while it holds its locks; what is left when that is
# spent has work of its own.
NODES_TOGETHER = 20_000


def place_waiting(run: Run, work: PlaceOrder, shelf: Bookshelf, *, alone: bool = False) -> None:
    """Place the order, and others that wait in its queue with it.

    One partition of what is spread over several is looked at first, and all where that was not
    enough.

    Args:
        run: runs each step in a transaction.
        work: which order.
        shelf: the rate cards of this process.
        alone: whether the order is placed by itself: what went wrong before may be another's fault.

    Raises:
        UnknownOrder: the work names an order that does not exist.
    """
    most = 1 if alone else TOGETHER
    try:
        run(lambda tx: place_order(tx, work, shelf, most=most, all_partitions=False))
    except SawTooLittle:
        run(lambda tx: place_order(tx, work, shelf, most=most))


def place_order(
    tx: Transaction,
    work: PlaceOrder,
    shelf: Bookshelf,
    *,
    most: int = 1,
    all_partitions: bool = True,
) -> None:
    """Give every unit of the order a parcel at the least total cost, or none and let it wait.

    Nothing happens to the order when it no longer waits: the work was done, or is no longer wanted.
    Others of its queue are placed all the same.

    Args:
        tx: the transaction.
        work: which order.
        shelf: the rate cards of this process.
        most: how many orders may be placed together, those first that were asked for first.
        all_partitions: False to look at one partition only of what is spread over several.

    Raises:
        UnknownOrder: the work names an order that does not exist.
        SawTooLittle: not all partitions were looked at, and that was not enough.
    """
    book = shelf.book(tx.now, lambda: costing.read_book(tx))
    found = orders.lock_to_place(tx, work.order_id, Priority(work.priority), most)
    if not found:
        raise UnknownOrder("no such order", order_id=work.order_id)
    waiting = [
        _Wanting(order, lines, _parts(lines)) for order, lines in found if order.state in PLACEABLE
    ]
    if not waiting:
        return
    draw = None if all_partitions else crc32(work.order_id.encode())
    table = _Table(tx, waiting, book.valid_at(tx.now), draw)
    made = []
    for wanting in waiting:
        try:
            made += table.decide(wanting)
        except (DispatchError, ValueError) as error:
            if wanting.order.order_id == work.order_id:
                raise
            # Its own work will tell of it; the others are not to suffer for it.
            log.failure("placement.left_alone", error, order_id=wanting.order.order_id)
    made += _let_wait(tx, table.short)
    if made:
        outcomes.write(tx, made)


@dataclass(frozen=True, slots=True)
class _Wanting:
    """An order that is to be placed; `parts` is SKU -> units of all its lines together."""

    order: Order
    lines: Sequence[Line]
    parts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Short:
    """An order for which there is not enough."""

    wanting: _Wanting
    shortage: Shortage
    receipt: Mapping[str, Any]


class _Table:
    """The orders of one transaction, decided about one after the other from the same stock.

    The stock is locked last: from here on others wait for these rows.
    """

    def __init__(
        self,
        tx: Transaction,
        waiting: Sequence[_Wanting],
        cards: Sequence[RateCard],
        draw: int | None,
    ) -> None:
        self.short: list[_Short] = []
        self._tx = tx
        self._cards = cards
        self._holds = _own_holds(tx, [wanting.order for wanting in waiting])
        self._shelves: Shelves = lock_shelves(
            tx,
            [wanting.order for wanting in waiting],
            {sku for wanting in waiting for sku in wanting.parts},
            draw=draw,
            own_holds=[hold for of_order in self._holds.values() for hold in of_order],
        )
        self._nodes = 0

    def decide(self, wanting: _Wanting) -> list[Outcome]:
        """What becomes of the order; nothing where it is `short`, or left to work of its own."""
        order = wanting.order
        cards = [card for card in self._cards if card.currency == order.currency]
        if not cards:
            reason = f"no carrier has a rate card in {order.currency}"
            return [outcomes.in_review(order, reason, {"reason": reason})]
        if self._nodes >= NODES_TOGETHER:
            return []
        supply = self._shelves.supply(
            self._tx, order, wanting.parts, self._holds.get(order.order_id, ())
        )
        demand = [
            Demand(sku, units, supply.skus[sku].weight_g)
            for sku, units in sorted(wanting.parts.items())
        ]
        sites = offers(supply, order, cards)
        decision = decide(demand, sites)
        kept = receipt(demand, sites, decision)
        if isinstance(decision, Shortage):
            return self._short(wanting, decision, kept)
        self._nodes += decision.nodes
        return [self._placed(wanting, supply, decision, kept)]

    def _placed(
        self,
        wanting: _Wanting,
        supply: OwnSupply,
        decision: Placement,
        kept: Mapping[str, Any],
    ) -> Outcome:
        order = wanting.order
        made = outcomes.placed(
            self._tx, order, lines=wanting.lines, supply=supply, decision=decision, receipt=kept
        )
        self._shelves.book(order.channel, supply, made.changes)
        return made

    def _short(
        self, wanting: _Wanting, shortage: Shortage, kept: Mapping[str, Any]
    ) -> list[Outcome]:
        if shortage.missing:
            # Who waits already has said so.
            if wanting.order.state is not OrderState.BACKORDERED:
                self.short.append(_Short(wanting, shortage, kept))
            return []
        reason = "no carrier takes " + ", ".join(item.sku for item in shortage.not_carried)
        return [outcomes.in_review(wanting.order, reason, kept)]


def _parts(lines: Sequence[Line]) -> Mapping[str, int]:
    parts = Counter[str]()
    for line in lines:
        parts.update(line.parts)
    return parts


def _own_holds(tx: Transaction, waiting: Sequence[Order]) -> Mapping[str, tuple[Hold, ...]]:
    """By order: what its cart's hold keeps is its to take, and what was kept while it waited."""
    # Nothing is kept for who does not wait for stock, so they are spared the question.
    asking = {
        order.order_id: order.hold_id
        for order in waiting
        if order.hold_id is not None or order.state is OrderState.BACKORDERED
    }
    if not asking:
        return {}
    by_cart = {hold_id: order_id for order_id, hold_id in asking.items() if hold_id is not None}
    own: dict[str, tuple[Hold, ...]] = defaultdict(tuple)
    for hold in holds.lock_of_orders(tx, asking):
        of_waitlist = hold.purpose is Purpose.WAITLIST
        own[hold.reference if of_waitlist else by_cart[hold.hold_id]] += (hold,)
    return own


def _let_wait(tx: Transaction, short: Sequence[_Short]) -> list[Outcome]:
    """Those for which there is not enough begin to wait, as far as the caps of SKUs have room."""
    if not short:
        return []
    units = [_by_sku(one.wanting.lines) for one in short]
    room = orders.lock_caps(tx, {sku for wanted in units for sku in wanted})
    made = []
    for one, wanted in zip(short, units, strict=True):
        order = one.wanting.order
        capped = {sku: n for sku, n in wanted.items() if sku in room}
        full = [sku for sku, n in capped.items() if n > room[sku]]
        if full:
            made.append(outcomes.sold_out(order, full, one.receipt))
            continue
        for sku, n in capped.items():
            room[sku] -= n
        made.append(outcomes.backordered(order, one.shortage, capped, one.receipt))
    return made


def _by_sku(lines: Sequence[Line]) -> Mapping[str, int]:
    units = Counter[str]()
    for line in lines:
        units[line.sku] += line.quantity
    return units
