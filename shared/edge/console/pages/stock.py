"""Stock by SKU: a list that is searched, a page and a ledger for each, and what is done by hand."""

from collections.abc import Callable
from typing import Any

from shared.contracts.http_ops_stock import (
    AdjustmentSaid,
    AllotmentOver,
    AllotmentSaid,
    AtWarehouse,
    CountSaid,
    DriftFilters,
    HoldOver,
    MovementFilters,
    OpsDrifts,
    OpsMovements,
    OpsSku,
    OpsStock,
    ReceiptSaid,
    SafetySaid,
    SpreadSaid,
    StockFilters,
)
from shared.edge.console.routes import Act, View, Visit, place_or, room
from shared.flows.own_hold import find_own
from shared.flows.release_by_hand import release_by_hand
from shared.flows.show_sku import ACTS, show_movements, show_sku
from shared.flows.stock_by_hand import (
    Decision,
    adjust_by_hand,
    allot_by_hand,
    count_by_hand,
    end_allotment_by_hand,
    receive_by_hand,
    reconcile_by_hand,
    set_safety_by_hand,
    spread_by_hand,
)
from shared.holds.types import HoldEnded, UnknownHold
from shared.inbound.types import InboundConflict
from shared.kit.errors import DispatchError
from shared.ops.drift_list import drift_list, fenced_off
from shared.ops.stock_list import stock_list
from shared.people.permissions import Action
from shared.platform.db import Transaction
from shared.stock.types import (
    AdjustmentBelowPromised,
    BalanceFencedOff,
    CountedSince,
    KitHasNoStock,
    NoSuchSpread,
    NotEnoughToAllot,
    NothingAllotted,
    UnknownSku,
    UnknownWarehouse,
)

PATH = "/stock/skus/{sku}"
_UNKNOWN: dict[type[DispatchError], int] = {UnknownSku: 404, KitHasNoStock: 422}
_REFUSED: dict[type[DispatchError], int] = {
    **_UNKNOWN,
    UnknownWarehouse: 422,
    AdjustmentBelowPromised: 409,
    CountedSince: 409,
    NoSuchSpread: 422,
    BalanceFencedOff: 409,
    NotEnoughToAllot: 409,
    NothingAllotted: 422,
    UnknownHold: 422,
    HoldEnded: 409,
    InboundConflict: 409,
}


def _list(visit: Visit, filters: StockFilters) -> OpsStock:
    page = stock_list(visit.tx, filters, visit.who.warehouses)
    return OpsStock(skus=page.skus, next=page.next)


def _show(visit: Visit, _query: None) -> OpsSku:
    return show_sku(visit.tx, visit.parts["sku"], visit.who)


def _movements(visit: Visit, filters: MovementFilters) -> OpsMovements:
    return show_movements(visit.tx, visit.parts["sku"], filters, visit.who)


def _drifts(visit: Visit, filters: DriftFilters) -> OpsDrifts:
    page = drift_list(visit.tx, filters, visit.who.warehouses)
    return OpsDrifts(
        drifts=page.drifts, next=page.next, fenced=fenced_off(visit.tx, visit.who.warehouses)
    )


def _release(visit: Visit, said: HoldOver) -> None:
    sku, hold = visit.parts["sku"], find_own(visit.tx, said.hold_id)
    if sku not in {item.sku for item in hold.items}:
        raise UnknownHold(f"hold_id: no such hold keeps units of {sku}", field="hold_id", sku=sku)
    visit.who.require_at({item.warehouse for item in hold.items})
    release_by_hand(visit.tx, hold.hold_id, visit.person(said.reason))


def _at_warehouse(
    decide: Callable[[Transaction, Any, Decision], None],
) -> Callable[[Visit, AtWarehouse], None]:
    """An act in one warehouse, which has to be theirs."""

    def act(visit: Visit, said: AtWarehouse) -> None:
        visit.who.require_at([said.warehouse])
        by = Decision(visit.parts["sku"], visit.person(said.reason), visit.seen)
        decide(visit.tx, said, by)

    return act


STOCK = View(
    name="listStock",
    path="/stock",
    purpose="List SKUs with their stock, a page at a time.",
    action=Action.SEE_STOCK,
    show=_list,
    answer=OpsStock,
    template="stock.html",
    query=StockFilters,
    tab="Stock",
    key="s",
    rows="skus",
    rooms=place_or("stock"),
)
DRIFTS = View(
    name="listDrifts",
    path="/stock/drifts",
    purpose="List what reconciliation found and what was done about it, a page at a time.",
    action=Action.SEE_STOCK,
    show=_drifts,
    answer=OpsDrifts,
    template="drifts.html",
    query=DriftFilters,
    rows="drifts",
    rooms=place_or("stock"),
)
MOVEMENTS = View(
    name="listMovements",
    path=f"{PATH}/movements",
    purpose="List the ledger of a SKU, a page at a time.",
    action=Action.SEE_STOCK,
    show=_movements,
    answer=OpsMovements,
    template="movements.html",
    query=MovementFilters,
    refusals=_UNKNOWN,
    rows="movements",
    rooms=room("sku:{sku}"),
)
SKU = View(
    name="showSku",
    path=PATH,
    purpose="Show the stock of a SKU with all that is known of it.",
    action=Action.SEE_STOCK,
    show=_show,
    answer=OpsSku,
    template="sku.html",
    refusals=_UNKNOWN,
    rooms=room("sku:{sku}"),
)


def _act(
    name: str,
    word: str,
    purpose: str,
    act: Callable[[Visit, Any], None],
    *,
    body: type[Any],
    done: str,
) -> Act:
    return Act(
        name=name,
        path=f"{PATH}/{word}",
        purpose=purpose,
        action=ACTS[word],
        act=act,
        body=body,
        view=SKU,
        done=done,
        form=word,
        refusals=_REFUSED,
    )


ROUTES = (
    STOCK,
    DRIFTS,
    MOVEMENTS,  # before the page of a SKU, whose name may have slashes
    SKU,
    _act(
        "adjustStock",
        "adjust",
        "Book units that were found or are gone.",
        _at_warehouse(adjust_by_hand),
        body=AdjustmentSaid,
        done="The stock is adjusted.",
    ),
    _act(
        "countStock",
        "count",
        "Make the balance what was counted.",
        _at_warehouse(count_by_hand),
        body=CountSaid,
        done="Your count is taken: the stock is as counted, or fenced off where more is promised.",
    ),
    _act(
        "receiveStock",
        "receive",
        "Book units that have arrived.",
        _at_warehouse(receive_by_hand),
        body=ReceiptSaid,
        done="The units are on hand; whoever waits for them comes first.",
    ),
    _act(
        "reconcileStock",
        "reconcile",
        "Compare the balance with ledger, parcels and holds now, and set it right.",
        _at_warehouse(reconcile_by_hand),
        body=AtWarehouse,
        done="The books were compared; whatever was wrong stands below among the drifts.",
    ),
    _act(
        "setSafety",
        "safety",
        "Say how many units are not to be promised.",
        _at_warehouse(set_safety_by_hand),
        body=SafetySaid,
        done="The safety is set.",
    ),
    _act(
        "spreadStock",
        "spread",
        "Spread the balance over rows, or merge it into one.",
        _at_warehouse(spread_by_hand),
        body=SpreadSaid,
        done="The balance lies as you said.",
    ),
    _act(
        "allotStock",
        "allot",
        "Give a sale units of its own.",
        _at_warehouse(allot_by_hand),
        body=AllotmentSaid,
        done="The units are the sale's alone.",
    ),
    _act(
        "endAllotment",
        "end-allotment",
        "Give what a sale has left back to everybody.",
        _at_warehouse(end_allotment_by_hand),
        body=AllotmentOver,
        done="The allotment has ended.",
    ),
    _act(
        "releaseHold",
        "release-hold",
        "End the hold of a cart or of an unpaid order.",
        _release,
        body=HoldOver,
        done="The hold is released; its units go to who waits for them first.",
    ),
)
