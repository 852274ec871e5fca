"""A person corrects the stock of a SKU in a warehouse, or says what of it may be promised.

What holds for warehouses' reports holds for people. The audit trail keeps who, why, and the balance
before and after; the ledger names them as the actor.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from shared.contracts.http_ops_stock import (
    AdjustmentSaid,
    AllotmentOver,
    AllotmentSaid,
    AtWarehouse,
    CountSaid,
    ReceiptSaid,
    SafetySaid,
    SpreadSaid,
)
from shared.contracts.stock import StockAdjusted, StockCounted, StockReceived
from shared.flows.adjust_stock import adjust_stock
from shared.flows.allot_stock import AllotStock, allot_stock
from shared.flows.audited import audited_stock
from shared.flows.count_stock import count_stock
from shared.flows.end_allotment import EndAllotment, end_allotment_at
from shared.flows.keep_safety import keep_safety
from shared.flows.lay_anew import Word
from shared.flows.receive_stock import receive_stock
from shared.flows.reconcile_stock import reconcile_places
from shared.flows.spread_stock import SpreadStock, spread_stock
from shared.flows.stocked import checked_warehouse
from shared.flows.versions import Facts, refuse_changed
from shared.kit.errors import Rejected
from shared.kit.ids import new_id
from shared.ops.stock_story import corrected_at
from shared.ops.stock_view import balance_rows
from shared.people.types import Person
from shared.platform.db import Transaction
from shared.stock import open_counts
from shared.stock import store as stock
from shared.stock.types import SHUT, CountedSince, Locked


@dataclass(frozen=True, slots=True)
class Decision:
    """Somebody decides about the stock of a SKU; `seen` is the version they had before them."""

    sku: str
    person: Person
    seen: str | None = None


def adjust_by_hand(tx: Transaction, said: AdjustmentSaid, by: Decision) -> None:
    """Book units that were found or are gone.

    Raises:
        UnknownWarehouse, UnknownSku, KitHasNoStock, Stale: as for every act on stock.
        AdjustmentBelowPromised: more is gone than is free.
    """
    with _decided(tx, "adjust_stock", said, by), _one_line("quantity"):
        line = {"sku": by.sku, "kind": said.kind, "quantity": said.quantity, "reason": said.code}
        event = StockAdjusted.model_validate(
            {
                "warehouse": said.warehouse,
                "adjustment_id": new_id("adj"),
                "adjusted_at": tx.now,
                "lines": [line],
            }
        )
        adjust_stock(tx, event, actor=by.person.by)


def count_by_hand(tx: Transaction, said: CountSaid, by: Decision) -> None:
    """Make the balance what was on the shelf; what has moved since it was counted stays moved.

    Raises:
        UnknownWarehouse, UnknownSku, KitHasNoStock, Stale: as for every act on stock.
        CountedSince: a later count was taken already.
    """
    counted_at = tx.now - timedelta(minutes=said.minutes_ago)
    with _decided(tx, "count_stock", said, by) as locked:
        place = by.sku, said.warehouse
        waiting = open_counts.at(tx, [place]).get(place)
        if locked.already_counted(*place, counted_at) or (
            waiting is not None and counted_at < waiting.counted_at
        ):
            raise CountedSince(
                f"minutes_ago: {by.sku} was counted in {said.warehouse} at that time or later, and"
                " that count stands; count the shelf anew",
                field="minutes_ago",
                sku=by.sku,
                warehouse=said.warehouse,
            )
        event = StockCounted.model_validate(
            {
                "warehouse": said.warehouse,
                "count_id": new_id("cnt"),
                "counted_at": counted_at,
                "lines": [{"sku": by.sku, "on_hand": said.on_hand}],
            }
        )
        count_stock(tx, event, actor=by.person.by)


def receive_by_hand(tx: Transaction, said: ReceiptSaid, by: Decision) -> None:
    """Book units that have arrived, with a supplier's delivery where they name one.

    Raises:
        UnknownWarehouse, UnknownSku, KitHasNoStock, Stale: as for every act on stock.
        InboundConflict: the delivery goes elsewhere, or is a transfer.
    """
    with _decided(tx, "receive_stock", said, by), _one_line("quantity"):
        event = StockReceived.model_validate(
            {
                "warehouse": said.warehouse,
                "receipt_id": new_id("rcp"),
                "received_at": tx.now,
                "lines": [{"sku": by.sku, "quantity": said.quantity}],
                "inbound_id": said.inbound_id,
            }
        )
        receive_stock(tx, event, actor=by.person.by)


def reconcile_by_hand(tx: Transaction, said: AtWarehouse, by: Decision) -> None:
    """Compare the balance with ledger, parcels and holds now, and set it right or fence it off.

    Raises:
        UnknownWarehouse, UnknownSku, KitHasNoStock: names the field.
    """
    # What has changed since they looked is what they want to have looked at.
    with _decided(tx, "reconcile_stock", said, replace(by, seen=None)):
        reconcile_places(tx, [(by.sku, said.warehouse)], by.person.by)


def set_safety_by_hand(tx: Transaction, said: SafetySaid, by: Decision) -> None:
    """Say how many units are not to be promised; what is free then goes to who waits for it.

    Raises:
        UnknownWarehouse, UnknownSku, KitHasNoStock, Stale: as for every act on stock.
    """
    with _decided(tx, "set_safety", said, by):
        keep_safety(tx, said.warehouse, {by.sku: said.units})


def spread_by_hand(tx: Transaction, said: SpreadSaid, by: Decision) -> None:
    """Lay the balance over so many rows; over one: merge it.

    Raises:
        UnknownWarehouse, UnknownSku, KitHasNoStock, Stale: as for every act on stock.
        NoSuchSpread, BalanceFencedOff: as for `spread_stock`.
    """
    with _decided(tx, "spread_stock", said, by):
        spread_stock(tx, SpreadStock(by.sku, said.warehouse, said.into, _word(by.person, "spread")))


def allot_by_hand(tx: Transaction, said: AllotmentSaid, by: Decision) -> None:
    """Give a sale units of its own.

    Raises:
        UnknownWarehouse, UnknownSku, KitHasNoStock, Stale: as for every act on stock.
        NoSuchSpread, BalanceFencedOff, NotEnoughToAllot: as for `allot_stock`.
    """
    with _decided(tx, "allot_stock", said, by):
        wanted = AllotStock(
            said.sale, by.sku, said.warehouse, said.units, _word(by.person, "allot"), said.into
        )
        allot_stock(tx, wanted)


def end_allotment_by_hand(tx: Transaction, said: AllotmentOver, by: Decision) -> None:
    """Give what a sale has left there back to everybody.

    Raises:
        UnknownWarehouse, UnknownSku, KitHasNoStock, Stale: as for every act on stock.
        NothingAllotted: the sale has nothing there.
    """
    with _decided(tx, "end_allotment", said, by):
        over = EndAllotment(said.sale, by.person.by, by.person.reason)
        end_allotment_at(tx, over, by.sku, said.warehouse)


def stock_facts(tx: Transaction, sku: str, scope: frozenset[str] | None) -> Facts:
    """What two people could decide about at once; orders may come and go meanwhile."""
    facts: dict[str, str] = {}
    corrected = corrected_at(tx, sku)
    rows = [row for row in balance_rows(tx, sku) if scope is None or row.warehouse in scope]
    for place in sorted({row.warehouse for row in rows}):
        own = [row for row in rows if row.warehouse == place]
        pool = [row for row in own if row.allotment is None]
        at = corrected.get(place)
        facts |= {
            f"{place}: safety": str(sum(row.safety for row in pool)),
            f"{place}: rows": str(sum(row.fenced_for != SHUT for row in pool)),
            f"{place}: sales": ", ".join(sorted({row.allotment for row in own if row.allotment})),
            f"{place}: fenced off": ", ".join(
                sorted({row.fenced_for for row in own if row.fenced_for not in {None, SHUT}})
            ),
            f"{place}: last corrected": "never" if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC",
        }
    return facts


@contextmanager
def _decided(tx: Transaction, action: str, said: AtWarehouse, by: Decision) -> Iterator[Locked]:
    """The balance, locked and as they have seen it; what the block does to it is kept."""
    sku, warehouse = by.sku, said.warehouse
    checked_warehouse(tx, warehouse, [sku], field="sku")
    locked = stock.lock(tx, [(sku, warehouse)])
    if by.seen is not None:
        facts = stock_facts(tx, sku, frozenset({warehouse}))
        refuse_changed(
            f"the stock of {sku}",
            by.seen,
            facts,
            about=f"{warehouse}: ",
            sku=sku,
            warehouse=warehouse,
        )
    if not locked.levels:  # it never lay there before
        stock.ensure_levels(tx, warehouse, [sku])
        locked = stock.lock(tx, [(sku, warehouse)])
    with audited_stock(tx, by.person, action, sku, warehouse):
        yield locked


@contextmanager
def _one_line(field: str) -> Iterator[None]:
    """What is refused of the only line of a report is refused of the field that they filled in."""
    try:
        yield
    except Rejected as error:
        named = f"lines.0.{field}"
        if error.facts.get("field") != named:
            raise
        facts = {**error.facts, "field": field}
        raise type(error)(str(error).replace(named, field, 1), wrong=(), **facts) from None


def _word(person: Person, verb: str) -> Word:
    return Word(person.by, person.reason, new_id(verb))
