"""Orders: a list that is searched, a page for each, and what a person may decide about one."""

from collections import defaultdict
from functools import partial

from shared.contracts.http_ops import Assignment, OpsOrder, OpsOrders, OrderFilters, SplitWanted
from shared.contracts.http_ops_acts import Because
from shared.contracts.http_ops_orders import LinesWanted, NoteWanted, OrdersMeant
from shared.contracts.http_orders import OrderView
from shared.edge.console.routes import Act, Bulk, View, Visit, act_on, place_or, room
from shared.flows.cancel_by_hand import cancel_by_hand
from shared.flows.change_by_hand import change_by_hand
from shared.flows.note_order import note_order
from shared.flows.override_placement import (
    CannotBePlaced,
    Override,
    hold_order,
    override_placement,
    release_order,
)
from shared.flows.rules import Rules
from shared.flows.show_order import concerns, live_warehouses, show_order
from shared.flows.unchanged import locked_unchanged
from shared.kit.errors import Changed, DispatchError, Stale
from shared.kit.lifecycle import IllegalTransition
from shared.ops.order_list import order_list
from shared.orders.types import TooLateToChange, UnknownOrder
from shared.people.permissions import Action
from shared.shipments.types import LabelBeingBought
from shared.stock.types import UnknownSku

PATH = "/orders/{order_id}"
_REFUSED: dict[type[DispatchError], int] = {
    UnknownOrder: 404,
    UnknownSku: 422,
    CannotBePlaced: 422,
    TooLateToChange: 409,
    IllegalTransition: 409,
    LabelBeingBought: 503,
}


def _list(visit: Visit, filters: OrderFilters) -> OpsOrders:
    page = order_list(visit.tx, filters, visit.who.warehouses)
    return OpsOrders(orders=page.orders, next=page.next)


def _rooms_of_list(visit: Visit, asked: OrderFilters | None) -> tuple[str, ...]:
    if asked is not None and asked.priority is not None and not asked.warehouse:
        return (f"queue:{asked.priority}",)
    return place_or("orders")(visit, asked)


def _show(visit: Visit, _query: None) -> OpsOrder:
    return show_order(visit.tx, visit.parts["order_id"], visit.who)


def _locked(visit: Visit) -> OrderView:
    """The order that they decide about: theirs, and as they have seen it."""
    order = locked_unchanged(visit.tx, visit.parts["order_id"], visit.seen)
    if not concerns(order, visit.who):
        raise UnknownOrder(f"there is no order {order.order_id}", order_id=order.order_id)
    visit.who.require_at(live_warehouses(order))
    return order


def _again(visit: Visit, said: Because) -> None:
    order = _locked(visit)
    # Whoever decides for some warehouses decides again among these.
    wanted = Override(
        order.order_id, visit.person(said.reason), visit.who.warehouses or frozenset()
    )
    override_placement(visit.tx, wanted, Rules())


def _assign(visit: Visit, said: Assignment) -> None:
    visit.who.require_at(said.warehouses)
    order = _locked(visit)
    wanted = Override(order.order_id, visit.person(said.reason), frozenset(said.warehouses))
    override_placement(visit.tx, wanted, Rules())


def _split(visit: Visit, said: SplitWanted) -> None:
    units: dict[str, dict[str, int]] = defaultdict(dict)
    for part in said.units:
        of_place = units[part.warehouse]
        of_place[part.sku] = of_place.get(part.sku, 0) + part.quantity
    visit.who.require_at(units.keys())
    order = _locked(visit)
    wanted = Override(order.order_id, visit.person(said.reason), units=units)
    override_placement(visit.tx, wanted, Rules())


def _hold(visit: Visit, said: Because) -> None:
    hold_order(visit.tx, _locked(visit).order_id, visit.person(said.reason))


def _release(visit: Visit, said: Because) -> None:
    release_order(visit.tx, _locked(visit).order_id, visit.person(said.reason))


def _lines(visit: Visit, said: LinesWanted) -> None:
    change_by_hand(visit.tx, _locked(visit).order_id, visit.person(said.reason), said.lines)


def _note(visit: Visit, said: NoteWanted) -> None:
    # Whatever the order has become since: what is noted is about it all the same.
    order = _locked(visit._replace(seen=None))
    note_order(visit.tx, order.order_id, visit.person("a note on the order"), said.note)


def _cancel(visit: Visit, said: Because) -> None:
    cancel_by_hand(visit.tx, _locked(visit).order_id, visit.person(said.reason))


ORDERS = View(
    name="listOrders",
    path="/orders",
    purpose="List orders, a page at a time.",
    action=Action.SEE_ORDERS,
    show=_list,
    answer=OpsOrders,
    template="orders.html",
    query=OrderFilters,
    tab="Orders",
    key="o",
    rows="orders",
    rooms=_rooms_of_list,
)
ORDER = View(
    name="showOrderStory",
    path=PATH,
    purpose="Show an order with all that is known of it, and what may be done about it.",
    action=Action.SEE_ORDERS,
    show=_show,
    answer=OpsOrder,
    template="order.html",
    refusals={UnknownOrder: 404},
    rooms=room("order:{order_id}"),
)


_act = partial(act_on, ORDER, refusals=_REFUSED)


def _bulk(name: str, word: str, purpose: str, single: Act, done: str) -> Bulk:
    """What `single` does to one order, to many."""

    def act(visit: Visit, order_id: str, said: OrdersMeant) -> None:
        of_one = visit._replace(parts={"order_id": order_id}, seen=None)
        seen = dict(row.split("=") for row in said.as_seen)
        order = _locked(of_one)
        was = seen.get(order_id, order.state)
        if was != order.state:
            raise Stale(
                f"it was {was} when you looked, and is {order.state}",
                changed=[Changed("state", was, order.state)],
                order_id=order_id,
            )
        single.act(of_one, Because(reason=said.reason))

    return Bulk(
        name=name,
        path=f"/orders/many/{word}",
        purpose=purpose,
        action=single.action,
        choose=lambda _visit, said: said.order_ids,
        act=act,
        body=OrdersMeant,
        view=ORDERS,
        done=done,
        form="many",
        refusals=_REFUSED,
    )


_AGAIN = _act(
    "placeOrderAgain",
    "again",
    "Take back what was decided, and decide once more.",
    _again,
    action=Action.PLACE_ORDERS,
    done="The order was placed anew.",
)
_HOLD = _act(
    "holdOrder",
    "hold",
    "Send nothing of it until somebody releases it.",
    _hold,
    action=Action.HOLD_ORDERS,
    done="The order is held; nothing of it is sent.",
)
_RELEASE = _act(
    "releaseOrder",
    "release",
    "Let an order that waits for a person be placed again.",
    _release,
    action=Action.HOLD_ORDERS,
    done="The order is released and waits to be placed.",
)
_CANCEL = _act(
    "cancelOrderByHand",
    "cancel",
    "Cancel it; once it is picked, have it sent back.",
    _cancel,
    action=Action.CANCEL_ORDERS,
    done="The order is cancelled, or wanted back if it was picked already.",
)
ROUTES = (
    ORDERS,
    _bulk("placeOrdersAgain", "again", "Decide many once more, each by itself.", _AGAIN, "placed"),
    _bulk("holdOrders", "hold", "Send nothing of many until they are released.", _HOLD, "held"),
    _bulk("releaseOrders", "release", "Let many be placed again.", _RELEASE, "released"),
    _bulk("cancelOrders", "cancel", "Cancel many, each by itself.", _CANCEL, "cancelled"),
    ORDER,
    _AGAIN,
    _act(
        "assignOrder",
        "assign",
        "Send it from these warehouses only.",
        _assign,
        action=Action.PLACE_ORDERS,
        done="The order goes from where you said.",
        body=Assignment,
    ),
    _act(
        "splitOrder",
        "split",
        "Send exactly these units from these warehouses.",
        _split,
        action=Action.PLACE_ORDERS,
        done="The order is split as you said.",
        body=SplitWanted,
    ),
    _HOLD,
    _RELEASE,
    _CANCEL,
    _act(
        "changeOrderLines",
        "lines",
        "Replace what is in it; it is placed anew. What its channel says next replaces that.",
        _lines,
        action=Action.CHANGE_ORDERS,
        done="The order has the lines that you gave, and waits to be placed.",
        body=LinesWanted,
    ),
    _act(
        "noteOrder",
        "note",
        "Leave a note for whoever looks at it next.",
        _note,
        action=Action.NOTE_ORDERS,
        done="The note is kept.",
        body=NoteWanted,
    ),
)
