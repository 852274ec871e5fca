"""The orders of one transaction, decided about one after the other from the same stock."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter_ns

from shared.costing.types import RateCard
from shared.flows import outcomes
from shared.flows.offers import Capacity, Circumstances, Offers, Wish, is_home, offers
from shared.flows.outcomes import Outcome, Wanting, Why
from shared.flows.rules import Rules
from shared.flows.supply import OwnSupply, Shelves, lock_shelves
from shared.holds import store as holds
from shared.holds.types import Hold, Purpose
from shared.orders import backorder_caps
from shared.orders.parts import Chosen, open_units, parts, sendable, value_cents
from shared.orders.types import WAITS_FOR_STOCK, Line, Order, OrderState
from shared.placement.engine import decide
from shared.placement.policy import Policy, PolicyBook
from shared.placement.receipt import Asked, Receipt, receipt
from shared.placement.types import Demand, Limits, Shortage
from shared.platform.db import Transaction
from shared.shipments import site_days
from shared.shipments import store as shipments
from shared.stock.warehouses import Working

# What the decisions of one transaction may cost while it holds its locks; what is left when that is
# spent has work of its own.
NODES_TOGETHER = 20_000


@dataclass(frozen=True, slots=True)
class _Short:
    """There is not enough for an order."""

    shortage: Shortage
    why: Why


@dataclass(frozen=True, slots=True)
class Followed:
    """What is followed in one transaction."""

    cards: Sequence[RateCard]
    policies: PolicyBook
    working: Mapping[str, Working]

    @classmethod
    def of(cls, tx: Transaction, rules: Rules) -> "Followed":
        """What holds at the transaction's moment. Read before anything is locked."""
        return cls(rules.cards(tx).valid_at(tx.now), rules.policies(tx), rules.working(tx))


class Table:
    """The orders of one transaction, decided about one after the other from the same stock.

    The stock is locked last: from here on others wait for these rows.
    """

    def __init__(
        self,
        tx: Transaction,
        waiting: Sequence[Wanting],
        followed: Followed,
        draw: int | None,
        wish: Wish | None = None,
    ) -> None:
        self._tx = tx
        self._waiting = waiting
        self._followed = followed
        self._wish = wish
        self.capacity = _capacity(tx, followed.working)
        self._holds = _own_holds(
            tx, [wanting.order for wanting in waiting], all_ask=wish is not None
        )
        self._wants = {
            wanting.order.order_id: parts(wanting.lines, open_units(wanting.lines))
            for wanting in waiting
        }
        self._shelves: Shelves = lock_shelves(
            tx,
            [wanting.order for wanting in waiting],
            {sku for wants in self._wants.values() for sku in wants},
            draw=draw,
            own_holds=[hold for of_order in self._holds.values() for hold in of_order],
        )
        self._room: dict[str, int] | None = None
        self._nodes = 0

    @property
    def has_time(self) -> bool:
        """Whether the locks may be held for another decision."""
        return self._nodes < NODES_TOGETHER

    def decide(self, wanting: Wanting) -> list[Outcome]:
        """What becomes of the order; nothing where it goes on waiting as it is."""
        order = wanting.order
        cards = [card for card in self._followed.cards if card.currency == order.currency]
        if not cards:
            reason = f"no carrier has a rate card in {order.currency}"
            why = Why(Receipt({}, {"reason": reason}), self._policy(order).policy_id)
            return [outcomes.in_review(wanting, reason, why)]
        wants = self._wants[order.order_id]
        supply = self._shelves.supply(self._tx, order, wants, self._holds.get(order.order_id, ()))
        policy = self._policy(order)
        at = Circumstances(
            self._tx.now, cards, policy, self._followed.working, self.capacity, self._wish
        )
        offered = offers(supply, order, at)
        made = self._tried(wanting, open_units(wanting.lines), supply, offered)
        return made if isinstance(made, list) else self._short(wanting, supply, offered, made)

    def _tried(
        self, wanting: Wanting, chosen: Chosen, supply: OwnSupply, offered: Offers
    ) -> list[Outcome] | _Short:
        """The chosen units have parcels, or it is said why they cannot."""
        policy = self._policy(wanting.order)
        limits = Limits(nodes=policy.most_nodes, split_cents=policy.split_cents)
        demand = _demand(supply, parts(wanting.lines, chosen))
        begun_ns = perf_counter_ns()
        decision = decide(demand, offered.sites, limits)
        duration_us = (perf_counter_ns() - begun_ns) // 1_000
        ship_on = {name: day.isoformat() for name, day in offered.ship_on.items()}
        asked = Asked(policy.policy_id, ship_on, is_home(wanting.order))
        kept = receipt(demand, offered.sites, limits, asked, decision)
        why = Why(kept, policy.policy_id, duration_us, self._wish)
        if isinstance(decision, Shortage):
            return _Short(decision, why)
        self._nodes += decision.nodes
        made = outcomes.placed(
            self._tx,
            wanting,
            chosen,
            supply=supply,
            offered=offered,
            decision=decision,
            why=why,
        )
        full = self._full(made.waits_more)
        if full:
            return [outcomes.sold_out(wanting, full, why)]
        self._shelves.book(wanting.order.channel, supply, made.changes)
        self.capacity.book(parcel.day for parcel in made.parcels)
        return [made]

    def _short(
        self, wanting: Wanting, supply: OwnSupply, offered: Offers, short: _Short
    ) -> list[Outcome]:
        shortage = short.shortage
        if not (shortage.missing or shortage.not_now):
            reason = "no carrier takes " + ", ".join(item.sku for item in shortage.not_carried)
            return [outcomes.in_review(wanting, reason, short.why)]
        chosen = self._part(wanting, shortage)
        if chosen:
            made = self._tried(wanting, chosen, supply, offered)
            if isinstance(made, list):
                return made
        if wanting.waits_already:
            return []
        waits = outcomes.backordered(wanting, shortage, short.why)
        full = self._full(waits.waits_more)
        return [outcomes.sold_out(wanting, full, short.why)] if full else [waits]

    def _part(self, wanting: Wanting, shortage: Shortage) -> Chosen:
        """What is sent of an order of which not all is there; nothing where all waits together."""
        order = wanting.order
        if order.ship_together:
            return {}
        there = self._wants[order.order_id].copy()
        for item in (*shortage.missing, *shortage.not_carried, *shortage.not_now):
            there[item.sku] -= item.quantity
        chosen = sendable(wanting.lines, there)
        if order.ship_together is None:
            threshold_cents = self._policy(order).ship_partial_from_cents
            if threshold_cents is None or value_cents(wanting.lines, chosen) < threshold_cents:
                return {}
            if order.expected_at is not None and order.expected_at <= order.promised_at:
                return {}
        return chosen

    def _policy(self, order: Order) -> Policy:
        return self._followed.policies.valid_at(self._tx.now, order.channel)

    def _full(self, waits_more: Mapping[str, int]) -> list[str]:
        """The SKUs of which so many more may not wait; where there are none, these wait."""
        if all(units <= 0 for units in waits_more.values()):
            return []
        if self._room is None:
            skus = {line.sku for wanting in self._waiting for line in wanting.lines}
            self._room = backorder_caps.lock(self._tx, skus)
        capped = {sku: units for sku, units in waits_more.items() if sku in self._room}
        full = [sku for sku, units in capped.items() if units > self._room[sku]]
        if not full:
            for sku, units in capped.items():
                self._room[sku] -= units
        return full


def _demand(supply: OwnSupply, wanted: Mapping[str, int]) -> list[Demand]:
    demand = []
    for sku in sorted(wanted):
        unit = supply.skus[sku]
        demand.append(
            Demand(sku, wanted[sku], unit.weight_g, unit.volume_mm3, unit.longest_mm, unit.needs)
        )
    return demand


def _capacity(tx: Transaction, working: Mapping[str, Working]) -> Capacity:
    ends = [name for name, place in working.items() if place.daily_parcels is not None]
    return Capacity(working, site_days.used(tx, ends) if ends else {})


def _own_holds(
    tx: Transaction, waiting: Sequence[Order], *, all_ask: bool
) -> Mapping[str, tuple[Hold, ...]]:
    """By order: what its cart's hold keeps is its to take, and what was kept while it waited."""
    # Nothing is kept for who does not wait for stock: they are spared the question. Whom a person
    # places may have waited a moment ago.
    asking = {
        order.order_id: order.hold_id
        for order in waiting
        if all_ask or order.hold_id is not None or order.state in WAITS_FOR_STOCK
    }
    if not asking:
        return {}
    by_cart = {hold_id: order_id for order_id, hold_id in asking.items() if hold_id is not None}
    own: dict[str, tuple[Hold, ...]] = defaultdict(tuple)
    for hold in holds.lock_of_orders(tx, asking):
        of_waitlist = hold.purpose is Purpose.WAITLIST
        own[hold.reference if of_waitlist else by_cart[hold.hold_id]] += (hold,)
    return own


def wanting(tx: Transaction, order: Order, lines: Sequence[Line]) -> Wanting:
    """A locked order with all that it is decided by."""
    if order.state is not OrderState.PARTLY_PLACED:
        return Wanting(order, lines)
    parcels = shipments.lock_of_order(tx, order.order_id)
    return Wanting(order, lines, [parcel.state for parcel in parcels])
