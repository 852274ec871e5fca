"""Warehouses, and what is on its way between them."""

from collections.abc import Callable
from typing import Any

from shared.contracts.http_ops_acts import Because
from shared.contracts.http_ops_warehouses import (
    OpsTransfer,
    OpsTransfers,
    OpsWarehouse,
    OpsWarehouses,
    TransferArrived,
    TransferFilters,
    TransferSent,
    TransferWanted,
)
from shared.edge.console.routes import Act, View, Visit, room
from shared.flows.show_transfers import show_transfer, show_transfers
from shared.flows.show_warehouses import show_warehouse, show_warehouses
from shared.flows.transfer_by_hand import (
    cancel_by_hand,
    receive_by_hand,
    request_by_hand,
    ship_by_hand,
)
from shared.inbound.types import (
    InboundConflict,
    InboundEnded,
    NotEnoughFree,
    TransferToItself,
    UnitsContradict,
    UnknownInbound,
)
from shared.kit.errors import DispatchError
from shared.people.permissions import Action
from shared.stock.types import KitHasNoStock, UnknownSku, UnknownWarehouse

TRANSFER_PATH = "/stock/transfers/{inbound_id}"
_REFUSED: dict[type[DispatchError], int] = {
    UnknownInbound: 404,
    UnknownSku: 422,
    UnknownWarehouse: 422,
    KitHasNoStock: 422,
    TransferToItself: 422,
    NotEnoughFree: 409,
    InboundConflict: 409,
    InboundEnded: 409,
    UnitsContradict: 422,
}


def _warehouses(visit: Visit, _query: None) -> OpsWarehouses:
    return show_warehouses(visit.tx, visit.who)


def _warehouse(visit: Visit, _query: None) -> OpsWarehouse:
    return show_warehouse(visit.tx, visit.parts["warehouse"], visit.who)


def _transfers(visit: Visit, filters: TransferFilters | None) -> OpsTransfers:
    return show_transfers(visit.tx, filters or TransferFilters(), visit.who)


def _transfer(visit: Visit, _query: None) -> OpsTransfer:
    return show_transfer(visit.tx, visit.parts["inbound_id"], visit.who)


def _request(visit: Visit, said: TransferWanted) -> None:
    visit.who.require_at([said.origin])
    request_by_hand(visit.tx, said, visit.person(said.reason))


def _theirs(visit: Visit, end: str) -> str:
    """The transfer's id, where its origin or its destination is theirs to decide about."""
    row = _transfer(visit, None).inbound
    place = getattr(row, end)
    visit.who.require_at([] if place is None else [place])
    return row.inbound_id


def _ship(visit: Visit, said: TransferSent) -> None:
    inbound_id = _theirs(visit, "origin")
    ship_by_hand(visit.tx, inbound_id, said, visit.person(said.reason), visit.seen)


def _receive(visit: Visit, said: TransferArrived) -> None:
    inbound_id = _theirs(visit, "warehouse")
    receive_by_hand(visit.tx, inbound_id, said, visit.person(said.reason), visit.seen)


def _cancel(visit: Visit, said: Because) -> None:
    inbound_id = _theirs(visit, "origin")
    cancel_by_hand(visit.tx, inbound_id, visit.person(said.reason), visit.seen)


WAREHOUSES = View(
    name="listWarehouses",
    path="/stock/warehouses",
    purpose="List warehouses with what lies there and what they send today.",
    action=Action.SEE_STOCK,
    show=_warehouses,
    answer=OpsWarehouses,
    template="warehouses.html",
    rows="warehouses",
    rooms=room("stock"),
)
WAREHOUSE = View(
    name="showWarehouse",
    path="/stock/warehouses/{warehouse}",
    purpose="Show a warehouse: stock, days, and what is on its way to it and from it.",
    action=Action.SEE_STOCK,
    show=_warehouse,
    answer=OpsWarehouse,
    template="warehouse.html",
    refusals={UnknownWarehouse: 404},
    rooms=room("warehouse:{warehouse}"),
)
TRANSFERS = View(
    name="listTransfers",
    path="/stock/transfers",
    purpose="List transfers and suppliers' deliveries, a page at a time.",
    action=Action.SEE_STOCK,
    show=_transfers,
    answer=OpsTransfers,
    template="transfers.html",
    query=TransferFilters,
    rows="inbounds",
    rooms=room("transfers"),
)
TRANSFER = View(
    name="showTransfer",
    path=TRANSFER_PATH,
    purpose="Show a transfer or a supplier's delivery with its units.",
    action=Action.SEE_STOCK,
    show=_transfer,
    answer=OpsTransfer,
    template="transfer.html",
    refusals={UnknownInbound: 404},
    rooms=room("inbound:{inbound_id}"),
)


def _act(
    name: str,
    word: str,
    purpose: str,
    act: Callable[[Visit, Any], None],
    *,
    body: type[Because],
    done: str,
) -> Act:
    return Act(
        name=name,
        path=f"{TRANSFER_PATH}/{word}",
        purpose=purpose,
        action=Action.TRANSFER_STOCK,
        act=act,
        body=body,
        view=TRANSFER,
        done=done,
        form=word,
        refusals=_REFUSED,
    )


ROUTES = (
    WAREHOUSES,
    WAREHOUSE,
    TRANSFERS,
    TRANSFER,
    Act(
        name="requestTransfer",
        path="/stock/transfers/request",
        purpose="Ask for units to go from one warehouse to another.",
        action=Action.TRANSFER_STOCK,
        act=_request,
        body=TransferWanted,
        view=TRANSFERS,
        done="The transfer is asked for; its units are kept at the origin.",
        form="request",
        refusals=_REFUSED,
    ),
    _act(
        "shipTransfer",
        "ship",
        "Report that its units have left the origin.",
        _ship,
        body=TransferSent,
        done="The units have left the origin.",
    ),
    _act(
        "receiveTransfer",
        "receive",
        "Report what has arrived. Of a transfer nothing more will come, of a delivery it may.",
        _receive,
        body=TransferArrived,
        done="The units are on hand; what did not arrive stands below.",
    ),
    _act(
        "cancelTransfer",
        "cancel",
        "Give its units back to the origin.",
        _cancel,
        body=Because,
        done="The transfer is cancelled; its units are free again at the origin.",
    ),
)
