"""A person decides about an order, under the same constraints as the engine, with who and why."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.contracts.orders import OrderChanged, OrderNeedsReview
from shared.flows import outcomes
from shared.flows.offers import Wish
from shared.flows.rules import Rules
from shared.flows.table import Followed, Table, wanting
from shared.flows.unplace import unplace
from shared.kit.errors import Rejected
from shared.orders import order_lines
from shared.orders import store as orders
from shared.orders.lifecycle import LIFECYCLE, OrderStep
from shared.orders.parts import open_units, parts
from shared.orders.types import Move, Order, OrderState, UnknownOrder
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.shipments import store as shipments
from shared.stock import store as stock

LONGEST_REASON = 200  # characters, and of a name


class CannotBePlaced(Rejected):
    """What a person wants cannot be; the message says why, and nothing has changed."""

    code = "cannot_be_placed"


@dataclass(frozen=True, slots=True)
class Person:
    """Whose word it is, and why."""

    by: str
    reason: str

    def __post_init__(self) -> None:
        for name, word in (("by", self.by), ("reason", self.reason)):
            if not 0 < len(word.strip()) <= LONGEST_REASON:
                raise CannotBePlaced(
                    f"{name}: 1 to {LONGEST_REASON} characters are wanted", field=name
                )


@dataclass(frozen=True, slots=True)
class Override:
    """From where an order is to be sent; from anywhere where nothing is said.

    Attributes:
        order_id: which order.
        person: whose word it is.
        warehouses: only from these.
        units: warehouse -> SKU -> units: exactly so; it has all that is still to be sent.
    """

    order_id: str
    person: Person
    warehouses: frozenset[str] = frozenset()
    units: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def override_placement(tx: Transaction, wanted: Override, rules: Rules) -> None:
    """Place the order anew as the person wants it: all of it, at once, or nothing changes.

    What holds for the engine holds for people: stock, channels, capacity, closures, and that a
    picked parcel goes its way. The decision is kept with who and why.

    Raises:
        UnknownOrder: there is no such order.
        CannotBePlaced: names what is in the way.
        TooLateToChange: a parcel of it is picked.
        LabelBeingBought: whether there is a label to void shows in a moment.
        IllegalTransition: it is shipped or closed.
    """
    followed = Followed.of(tx, rules)
    order = _locked(tx, wanted.order_id)
    unknown = sorted({*wanted.warehouses, *wanted.units} - followed.working.keys())
    if unknown:
        raise CannotBePlaced(f"warehouse: there is no {unknown[0]}", field="warehouse")
    shipments.lock_of_order(tx, order.order_id)
    lines = order_lines.of_order(tx, order.order_id)
    skus = {sku for line in lines for sku in line.each}
    # All that may be given back or taken is locked at once, in order.
    stock.lock(tx, [(sku, warehouse) for sku in skus for warehouse in followed.working])
    _to_waiting(tx, order)
    ((order, fresh),) = orders.lock_to_place(tx, order.order_id, order.priority, most=1)
    wants = parts(fresh, open_units(fresh))
    if wanted.units:
        _check_units(wanted.units, wants)
    wish = Wish(wanted.person.by, wanted.person.reason, wanted.warehouses, wanted.units)
    table = Table(tx, [wanting(tx, order, fresh)], followed, draw=None, wish=wish)
    (made,) = table.decide(wanting(tx, order, fresh)) or (None,)
    if made is None or made.kept.outcome != "placed":
        raise CannotBePlaced(_why_not(made), order_id=order.order_id)
    outcomes.write(tx, [made], table.capacity)


def hold_order(tx: Transaction, order_id: str, person: Person) -> None:
    """Nothing is sent of the order until somebody releases it; its parcels are taken back.

    Raises:
        UnknownOrder, TooLateToChange, LabelBeingBought, IllegalTransition: as for an override.
    """
    order = _locked(tx, order_id)
    if order.state is OrderState.REVIEW:
        return
    _to_waiting(tx, order)
    held = orders.lock(tx, order_id)
    assert held is not None, "it is locked"
    reason = f"held by {person.by}: {person.reason}"
    tx.write(
        orders.move(tx, Move(held, LIFECYCLE.advance(held.state, OrderStep.REVIEW), reason)),
        outbox.put(tx, OrderNeedsReview(order_id=order_id, reason=reason)),
    )


def release_order(tx: Transaction, order_id: str, person: Person) -> None:
    """An order that waits for a person is to be placed again.

    Raises:
        UnknownOrder: there is no such order.
        CannotBePlaced: it does not wait for a person.
    """
    order = _locked(tx, order_id)
    if order.state is not OrderState.REVIEW:
        raise CannotBePlaced(
            f"order_id: {order_id} is {order.state}, not in review; nothing is to be released",
            order_id=order_id,
        )
    state = LIFECYCLE.advance(order.state, OrderStep.UNPLACE)
    tx.write(
        orders.move(tx, Move(order, state, f"released by {person.by}: {person.reason}")),
        outbox.put(
            tx, OrderChanged(order_id=order_id, priority=order.priority, revision=order.revision)
        ),
    )


def _locked(tx: Transaction, order_id: str) -> Order:
    order = orders.lock(tx, order_id)
    if order is None:
        raise UnknownOrder(f"there is no order {order_id}", order_id=order_id)
    tx.follow(order.correlation_id)
    return order


def _to_waiting(tx: Transaction, order: Order) -> None:
    """Take back what was decided, if it can be."""
    state = LIFECYCLE.advance(order.state, OrderStep.UNPLACE)
    unplace(tx, order)
    tx.write(orders.move(tx, Move(order, state)), *order_lines.move_all(order, "waiting"))


def _check_units(units: Mapping[str, Mapping[str, int]], wants: Mapping[str, int]) -> None:
    given = Counter[str]()
    for of_place in units.values():
        given.update(of_place)
    for sku in sorted(given.keys() | wants.keys()):
        if given[sku] != wants.get(sku, 0):
            raise CannotBePlaced(
                f"units: {given[sku]} of {sku} are given, and {wants.get(sku, 0)} are to be sent",
                field="units",
                sku=sku,
            )


def _why_not(made: outcomes.Outcome | None) -> str:
    if made is None:
        return "it is to wait as it is"
    result = made.kept.receipt.result
    if "reason" in result:
        return str(result["reason"])
    reasons = [f"{c['warehouse']}: {c['reason']}" for c in result["candidates"] if "reason" in c]
    return "not from there: " + "; ".join(reasons or ["not all of it is there"])
