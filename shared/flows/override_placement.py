"""A person decides about an order, under the same constraints as the engine, with who and why."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from shared.contracts.order_facts import OrderChanged, OrderNeedsReview
from shared.flows import outcomes
from shared.flows.audited import audited_order
from shared.flows.offers import Wish
from shared.flows.rules import Rules
from shared.flows.table import Followed, Table, wanting
from shared.flows.unplace import unplace
from shared.holds import store as holds
from shared.kit.errors import Rejected
from shared.orders import order_lines
from shared.orders import store as orders
from shared.orders.lifecycle import LIFECYCLE, OrderStep
from shared.orders.parts import open_units, parts
from shared.orders.types import Move, Order, OrderState, UnknownOrder
from shared.people.types import Person
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.shipments import store as shipments
from shared.stock import store as stock


class CannotBePlaced(Rejected):
    """What a person wants cannot be; the message says why, and nothing has changed."""

    code = "cannot_be_placed"


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
    picked parcel goes its way. Of an order that is partly placed the rest is placed then. A
    warehouse that is named is asked again for what it could not pick for the order. The decision
    and the audit trail keep who and why.

    Raises:
        UnknownOrder: there is no such order.
        CannotBePlaced: names what is in the way.
        TooLateToChange: a parcel of it is picked.
        LabelBeingBought: whether there is a label to void shows in a moment.
        IllegalTransition: it is shipped or closed.
    """
    followed = Followed.of(tx, rules)
    order = _locked(tx, wanted.order_id)
    with audited_order(tx, wanted.person, "override_placement", order.order_id):
        _place(tx, order, wanted, followed)


def _place(tx: Transaction, order: Order, wanted: Override, followed: Followed) -> None:
    unknown = sorted({*wanted.warehouses, *wanted.units} - followed.working.keys())
    if unknown:
        raise CannotBePlaced(f"warehouse: there is no {unknown[0]}", field="warehouse")
    parcels = shipments.lock_of_order(tx, order.order_id)
    lines = order_lines.of_order(tx, order.order_id)
    skus = {sku for line in lines for sku in line.each}
    # All that may be given back or taken is locked at once, in order.
    holds.lock_of_orders(tx, [order.order_id])
    stock.lock(tx, [(sku, warehouse) for sku in skus for warehouse in followed.working])
    # Where something is picked that goes its way, and what waits beside it is placed.
    if order.state is not OrderState.PARTLY_PLACED or not any(p.is_picked for p in parcels):
        _to_waiting(tx, order)
    found = orders.lock_to_place(tx, order.order_id, order.priority, most=1)
    assert found is not None
    ((order, fresh),) = found
    named = wanted.warehouses or wanted.units.keys()
    refused = frozenset([(sku, place) for sku, place in order.excluded if place not in named])
    order = order._replace(excluded=refused)
    wants = parts(fresh, open_units(fresh))
    if wanted.units:
        _check_units(wanted.units, wants)
    wish = Wish(wanted.person.by, wanted.person.reason, wanted.warehouses, wanted.units)
    one = wanting(tx, order, fresh)
    table = Table(tx, [one], followed, draw=None, wish=wish)
    (made,) = table.decide(one)
    if made.kept.outcome != "placed":
        why = [_why_not(made), *_not_asked(order, wants)]
        raise CannotBePlaced("; ".join(why), order_id=order.order_id)
    outcomes.write(tx, [made], table.capacity)
    tx.write(orders.ask_again(tx, order.order_id, named))


def hold_order(tx: Transaction, order_id: str, person: Person) -> None:
    """Nothing is sent of the order until somebody releases it; its parcels are taken back.

    Of one that is in review for another reason it is known then who keeps it there, and why.

    Raises:
        UnknownOrder, TooLateToChange, LabelBeingBought, IllegalTransition: as for an override.
    """
    order = _locked(tx, order_id)
    reason = f"held by {person.by}: {person.reason}"
    if order.state is OrderState.REVIEW and order.reason == reason:
        return
    with audited_order(tx, person, "hold_order", order_id):
        _to_waiting(tx, order)
        held = orders.lock(tx, order_id)
        assert held is not None, "it is locked"
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
    announced = OrderChanged(order_id=order_id, priority=order.priority, revision=order.revision)
    with audited_order(tx, person, "release_order", order_id):
        tx.write(
            orders.move(tx, Move(order, state, f"released by {person.by}: {person.reason}")),
            outbox.put(tx, announced),
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


def _not_asked(order: Order, wants: Mapping[str, int]) -> Iterator[str]:
    """What looks like a shortage and is none."""
    for sku, warehouse in sorted(order.excluded):
        if sku in wants:
            yield (
                f"{warehouse} could not pick {sku} for it before; name {warehouse} to have it asked"
                " again"
            )


def _why_not(made: outcomes.Outcome) -> str:
    result = made.kept.receipt.result
    if "reason" in result:
        return str(result["reason"])
    reasons = [f"{c['warehouse']}: {c['reason']}" for c in result["candidates"] if "reason" in c]
    return "not from there: " + "; ".join(reasons or ["not all of it is there"])
