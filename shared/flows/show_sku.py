"""The stock of a SKU with all that is known of it, for a person who has to decide about it."""

from collections.abc import Sequence

from shared.contracts.http_ops_stock import (
    AllotmentRow,
    ByHand,
    DriftFilters,
    MovementFilters,
    OpsMovements,
    OpsSku,
    PartitionRow,
    PlaceStock,
)
from shared.flows.audited import STOCK
from shared.flows.stock_by_hand import stock_facts
from shared.flows.stocked import checked_skus
from shared.flows.versions import version
from shared.ops import stock_story
from shared.ops.drift_list import drift_list
from shared.ops.order_surroundings import warehouse_names
from shared.ops.stock_ledger import movements, places_of
from shared.ops.stock_list import sums_of, within
from shared.ops.stock_view import BalanceRow, balance_rows
from shared.people import audit_log
from shared.people.audit_log import Entry, Subject
from shared.people.permissions import Action, Who
from shared.platform.db import Transaction
from shared.stock.types import SHUT

NEWEST = 10  # movements, drifts and acts that a page shows
ACTS = {
    "adjust": Action.CORRECT_STOCK,
    "count": Action.CORRECT_STOCK,
    "receive": Action.CORRECT_STOCK,
    "reconcile": Action.CORRECT_STOCK,
    "safety": Action.SET_ASIDE_STOCK,
    "spread": Action.SET_ASIDE_STOCK,
    "allot": Action.SET_ASIDE_STOCK,
    "end-allotment": Action.SET_ASIDE_STOCK,
    "release-hold": Action.SET_ASIDE_STOCK,
}


def show_sku(tx: Transaction, sku: str, who: Who) -> OpsSku:
    """What lies where, what is promised of it and to whom, and what may be done about it.

    Raises:
        UnknownSku, KitHasNoStock: names the field.
    """
    checked_skus(tx, [sku], field="sku")
    scope = who.warehouses
    sums, unit = sums_of(tx, sku, scope), stock_story.unit(tx, sku)
    assert sums is not None, "it is known, and no kit"
    looked_at = within(scope, "")
    rows = [row for row in balance_rows(tx, sku) if who.may_at([row.warehouse])]
    names = sorted({row.warehouse for row in rows})
    holds = stock_story.open_holds(tx, sku, looked_at) if sums.held else ()
    allotments = _allotments(rows)
    theirs = tuple(name for name in warehouse_names(tx) if who.may_at([name]))
    impossible = set()
    if not allotments:
        impossible.add("end-allotment")
    if not any(hold.is_customers for hold in holds):
        impossible.add("release-hold")
    return OpsSku(
        version=version(stock_facts(tx, sku, scope)),
        sku=sku,
        weight_g=unit.weight_g,
        needs=tuple(sorted(unit.needs)),
        released_at=unit.released_at,
        sums=sums,
        places=tuple(_place(name, rows) for name in names),
        allotments=allotments,
        holds=holds,
        parcels=stock_story.allocations(tx, sku, looked_at) if sums.reserved else (),
        backorders=stock_story.backorders(tx, sku, looked_at) if sums.waiting else (),
        coming=stock_story.coming(tx, sku, looked_at),
        drifts=drift_list(tx, DriftFilters(q=sku), scope, NEWEST).drifts,
        days=stock_story.days(tx, sku, names, sums.on_hand),
        movements=movements(tx, sku, names, MovementFilters(), NEWEST).movements,
        by_hand=tuple(
            by_hand(entry)
            for entry in reversed(audit_log.of_subject(tx, Subject(STOCK, sku)))
            if _concerns(entry, sku, who)
        )[:NEWEST],
        acts=tuple(
            name
            for name, action in ACTS.items()
            if theirs and name not in impossible and who.may(action)
        ),
        warehouses=theirs,
    )


def show_movements(tx: Transaction, sku: str, filters: MovementFilters, who: Who) -> OpsMovements:
    """A page of the ledger of a SKU, in the warehouses that are theirs.

    Raises:
        UnknownSku, KitHasNoStock: names the field.
        Malformed: the cursor is none.
    """
    checked_skus(tx, [sku], field="sku")
    names = [name for name in places_of(tx, sku) if who.may_at([name])]
    chosen = [name for name in names if filters.warehouse in {"", name}]
    page = movements(tx, sku, chosen, filters)
    return OpsMovements(sku=sku, movements=page.movements, next=page.next, warehouses=tuple(names))


def by_hand(entry: Entry) -> ByHand:
    """An entry of the audit trail as it is shown."""
    return ByHand(
        at=entry.at,
        actor=entry.actor,
        action=entry.action,
        reason=entry.reason,
        before=dict(entry.before),
        after=dict(entry.after),
    )


def _concerns(entry: Entry, sku: str, who: Who) -> bool:
    """Whether it was done in one of their warehouses: its rows name it."""
    if who.warehouses is None:
        return True
    names = {
        name.removeprefix(f"{sku} in ").split(" ")[0] for name in (*entry.before, *entry.after)
    }
    return not names.isdisjoint(who.warehouses)


def _place(warehouse: str, of_all: Sequence[BalanceRow]) -> PlaceStock:
    rows = [row for row in of_all if row.warehouse == warehouse]
    return PlaceStock(
        warehouse=warehouse,
        on_hand=sum(row.on_hand for row in rows),
        reserved=sum(row.reserved for row in rows),
        held=sum(row.held for row in rows),
        safety=sum(row.safety for row in rows),
        available=sum(row.available for row in rows if row.allotment is None),
        allotted=sum(row.available for row in rows if row.allotment is not None),
        spread=sum(row.allotment is None and row.fenced_for != SHUT for row in rows),
        is_fenced=any(row.fenced_for not in {None, SHUT} for row in rows),
        counted_at=rows[0].counted_at,
        rows=tuple(
            PartitionRow(
                partition=row.partition,
                on_hand=row.on_hand,
                reserved=row.reserved,
                held=row.held,
                safety=row.safety,
                available=row.available,
                allotment=row.allotment,
                fenced_for=row.fenced_for,
            )
            for row in rows
        ),
    )


def _allotments(rows: Sequence[BalanceRow]) -> tuple[AllotmentRow, ...]:
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for row in rows:
        if row.allotment is not None:
            there, free = found.get((row.allotment, row.warehouse), (0, 0))
            key = (row.allotment, row.warehouse)
            found[key] = (there + row.on_hand, free + row.available)
    return tuple(
        AllotmentRow(sale=sale, warehouse=warehouse, on_hand=there, free=free)
        for (sale, warehouse), (there, free) in sorted(found.items())
    )
