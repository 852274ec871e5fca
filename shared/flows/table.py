"""The orders of one transaction, decided about one after the other from the same stock."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from time import perf_counter_ns
from typing import NamedTuple

from shared.costing.types import RateCard
from shared.flows import outcomes
from shared.flows.offers import Capacity, Circumstances, Offers, Wish, is_home, offers
from shared.flows.outcomes import Outcome, Wanting, Why
from shared.flows.rules import Rules
from shared.flows.supply import OwnSupply, SawTooLittle, Shelves, lock_shelves
from shared.holds import store as holds
from shared.holds.types import Hold
from shared.orders import backorder_caps
from shared.orders.parts import Chosen, parts, sendable, value_cents
from shared.orders.types import Line, Order, OrderState
from shared.placement.engine import decide
from shared.placement.policy import Policy, PolicyBook
from shared.placement.receipt import Asked, Receipt, receipt
from shared.placement.types import Demand, Item, Limits, Shortage
from shared.platform import trace
from shared.platform.db import Transaction
from shared.shipments import site_days
from shared.shipments import store as shipments
from shared.stock.warehouses import Working

# What the decisions of one transaction may cost while it holds its locks; what is left when that is
# spent has work of its own.
NODES_TOGETHER = 20_000


class _Short(NamedTuple):
    """There is not enough for an order."""

    shortage: Shortage
    why: Why
    reason: str = ""  # that is told with the order's state


class _Stand(NamedTuple):
    """What an order is decided by."""

    supply: OwnSupply
    at: Circumstances  # with the cards of all carriers, those that are switched off among them
    offered: Offers  # by those that are not


class Followed(NamedTuple):
    """What is followed in one transaction."""

    cards: Sequence[RateCard]
    policies: PolicyBook
    working: Mapping[str, Working]
    switched_off: frozenset[str]  # carriers

    @classmethod
    def of(cls, tx: Transaction, rules: Rules) -> "Followed":
        """What holds at the transaction's moment. Read before anything is locked."""
        return cls(
            rules.cards(tx).valid_at(tx.now),
            rules.policies(tx),
            rules.working(tx),
            rules.switched_off(tx),
        )


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
        self._holds = _own_holds(tx, waiting)
        self._shelves: Shelves = lock_shelves(
            tx,
            [wanting.order for wanting in waiting],
            {sku for one in waiting for sku in one.wants},
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
            return self._in_review(wanting, reason, why)
        own = self._holds.get(order.order_id, ())
        supply = self._shelves.supply(self._tx, order, wanting.wants, own)
        policy = self._policy(order)
        at = Circumstances(
            self._tx.now, cards, policy, self._followed.working, self.capacity, self._wish
        )
        return self._decided(wanting, supply, at)

    def _decided(self, wanting: Wanting, supply: OwnSupply, at: Circumstances) -> list[Outcome]:
        off = sorted({card.carrier for card in at.cards} & self._followed.switched_off)
        on = at._replace(cards=[c for c in at.cards if c.carrier not in off]) if off else at
        units = sum(wanting.wants.values())
        stand = _Stand(supply, at, offers(supply, wanting.order, on, units))
        made = self._tried(wanting, wanting.open_units, stand)
        if isinstance(made, list):
            return made
        if off and made.shortage.not_carried:
            made = self._until_switched_on(wanting, stand, made, off)
        return self._short(wanting, stand, made)

    def _until_switched_on(
        self, wanting: Wanting, stand: _Stand, short: _Short, off: Sequence[str]
    ) -> _Short:
        """What is short, where carriers that are switched off would take what nobody takes now."""
        wants = wanting.wants
        everybody = offers(stand.supply, wanting.order, stand.at, sum(wants.values()))
        demand = _demand(stand.supply, wants)
        found = decide(demand, everybody.sites, self._limits(wanting.order))
        never = Counter(dict(found.not_carried if isinstance(found, Shortage) else ()))
        waits = Counter(dict(short.shortage.not_carried)) - never
        if not waits:
            return short
        shortage = short.shortage._replace(
            not_carried=_items(Counter(dict(short.shortage.not_carried)) - waits),
            not_now=_items(Counter(dict(short.shortage.not_now)) + waits),
        )
        reason = f"no carrier takes {', '.join(sorted(waits))} while {', '.join(off)} is off"
        return short._replace(shortage=shortage, reason=reason)

    def _sold_out(
        self, wanting: Wanting, full: Collection[str], stand: _Stand, why: Why
    ) -> list[Outcome]:
        """What was promised before stays promised; what was added to it and may not wait does not.

        The order is decided about anew without that.
        """
        less = wanting.without_fresh(full)
        if less is None:
            return [outcomes.sold_out(self._tx, wanting, full, stand.supply, why)]
        return self._decided(less, stand.supply, stand.at)

    def _tried(self, wanting: Wanting, chosen: Chosen, stand: _Stand) -> list[Outcome] | _Short:
        """The chosen units have parcels, or it is said why they cannot."""
        supply, offered = stand.supply, stand.offered
        policy, limits = self._policy(wanting.order), self._limits(wanting.order)
        demand = _demand(supply, parts(wanting.lines, chosen))
        begun_ns = perf_counter_ns()
        with trace.span(
            "decide",
            order_id=wanting.order.order_id,
            correlation_id=wanting.order.correlation_id,
        ) as span:
            decision = decide(demand, offered.sites, limits)
            span.note(placed=not isinstance(decision, Shortage), sites=len(offered.sites))
        duration_us = (perf_counter_ns() - begun_ns) // 1_000
        asked = Asked(policy.policy_id, offered.ship_on, is_home(wanting.order))
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
        full = self._full(wanting, made)
        if full:
            return self._sold_out(wanting, full, stand, why)
        self._shelves.book(wanting.order.channel, supply, made.changes, made.left_holds)
        self.capacity.book(parcel.day for parcel in made.parcels)
        return [made]

    def _short(self, wanting: Wanting, stand: _Stand, short: _Short) -> list[Outcome]:
        shortage = short.shortage
        if not stand.supply.saw_all:
            raise SawTooLittle
        if not (shortage.missing or shortage.not_now):
            reason = "no carrier takes " + ", ".join(item.sku for item in shortage.not_carried)
            return self._in_review(wanting, reason, short.why)
        chosen = self._part(wanting, shortage)
        if chosen:
            made = self._tried(wanting, chosen, stand)
            if isinstance(made, list):
                return made
        if wanting.waits_already and self._wish is None:  # a person is told why
            return []
        waits = outcomes.backordered(wanting, shortage, short.why, short.reason)
        full = self._full(wanting, waits)
        return self._sold_out(wanting, full, stand, short.why) if full else [waits]

    def _in_review(self, wanting: Wanting, reason: str, why: Why) -> list[Outcome]:
        """A person has to look. Of an order that is tried again and again that is said once."""
        order = wanting.order
        is_said = order.state is OrderState.PARTLY_PLACED and order.reason == reason
        if is_said and self._wish is None:
            return []
        return [outcomes.in_review(wanting, reason, why)]

    def _part(self, wanting: Wanting, shortage: Shortage) -> Chosen:
        """What is sent of an order of which not all is there; nothing where all waits together."""
        order = wanting.order
        if order.ship_together:
            return {}
        there = Counter(wanting.wants)
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

    def _limits(self, order: Order) -> Limits:
        policy = self._policy(order)
        return Limits(nodes=policy.most_nodes, split_cents=policy.split_cents)

    def _full(self, wanting: Wanting, made: Outcome) -> list[str]:
        """The SKUs of which so many more may not wait; where there are none, these wait.

        What was promised before may wait whatever the cap says.
        """
        waits_more = made.waits_more
        if all(units <= 0 for units in waits_more.values()):
            return []
        if self._room is None:
            skus = {line.sku for wanting in self._waiting for line in wanting.lines}
            self._room = backorder_caps.lock(self._tx, skus)
        fresh = wanting.fresh_waiting(made.splits)
        full = [sku for sku, units in fresh.items() if units > self._room.get(sku, units)]
        if not full:
            for sku, units in waits_more.items():
                if sku in self._room:
                    self._room[sku] -= units
        return full


def _items(units: Counter[str]) -> tuple[Item, ...]:
    return tuple([Item(sku, count) for sku, count in sorted(units.items())])


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


def _own_holds(tx: Transaction, waiting: Sequence[Wanting]) -> Mapping[str, tuple[Hold, ...]]:
    """By order: the holds of what its cart held, what it had, and what was kept while it waited."""
    # Who was promised nothing and names no cart has nothing: they are spared the question.
    asking = [
        one.order.order_id
        for one in waiting
        if one.order.hold_id is not None or any(line.secured for line in one.lines)
    ]
    own: dict[str, tuple[Hold, ...]] = defaultdict(tuple)
    for hold in holds.lock_of_orders(tx, asking) if asking else ():
        assert hold.for_order is not None, "it was asked for by its order"
        own[hold.for_order] += (hold,)
    return own


def wanting(tx: Transaction, order: Order, lines: Sequence[Line]) -> Wanting:
    """A locked order with all that it is decided by."""
    if order.state is not OrderState.PARTLY_PLACED:
        return Wanting(order, lines)
    parcels = shipments.lock_of_order(tx, order.order_id)
    return Wanting(order, lines, [parcel.state for parcel in parcels])
