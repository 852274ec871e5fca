"""The transaction that books an order's units, without what decides about it.

By the product's own stores: lock two balances, reserve, move the order and its lines, make its one
or two parcels, two allocations, one outbox row. It is to `place_order` what the floor is to it, so
it shows what the way to the database costs, and the rest what deciding and telling do.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

from emulators.bench.shop import CAUSE
from shared.contracts.order_facts import OrderPlaced
from shared.kit.geo import Point
from shared.kit.ids import new_id
from shared.orders import order_lines
from shared.orders import store as orders
from shared.orders.types import Move, Order, OrderState, Priority
from shared.platform import outbox
from shared.platform.db import Database, Transaction
from shared.platform.sql import text
from shared.shipments import store as shipments
from shared.shipments.types import Content, PlannedParcel
from shared.stock import store as stock
from shared.stock.types import Change, Key

WEIGHT_G, QUOTED_CENTS = 850, 640

_WANTED = text("""
    SELECT order_id,
           jsonb_agg(jsonb_build_array(line_no, sku, quantity, warehouse) ORDER BY line_no) AS lines
      FROM order_lines JOIN (
           SELECT sku, min(warehouse) AS warehouse FROM stock_levels GROUP BY sku) AS place
           USING (sku)
     WHERE order_id = ANY(CAST(:order_ids AS text[]))
     GROUP BY order_id
""")
_RATE_CARD = text("SELECT rate_card_id, carrier FROM rate_cards ORDER BY rate_card_id LIMIT 1")

Lines = list[tuple[int, str, int, str]]  # number, SKU, units, warehouse


def bookings(database: Database, order_ids: Sequence[str]) -> list[str]:
    """What is to be booked for each of these waiting orders, as JSON."""
    rows = database.statement(_WANTED, order_ids=list(order_ids))
    return [json.dumps([row.order_id, row.lines]) for row in rows]


def booker(database: Database) -> Callable[[str], None]:
    """Books one of `bookings` at a time."""
    (card,) = database.statement(_RATE_CARD)

    def book(item: str) -> None:
        order_id, lines = json.loads(item)
        database.run(partial(_book, order_id=order_id, lines=lines, card=tuple(card)), CAUSE)

    return book


def _book(tx: Transaction, order_id: str, lines: Lines, card: tuple[str, str]) -> None:
    locked = stock.lock(tx, {(sku, warehouse) for _, sku, _, warehouse in lines})
    taken = [(Key(sku, warehouse), units) for _, sku, units, warehouse in lines]
    if any(locked.at(key).available < units for key, units in taken):
        raise AssertionError("the shop has enough of everything")
    parcels = _parcels(order_id, lines, card)
    order = _waiting(tx, order_id)
    tx.write(
        orders.move(tx, Move(order, OrderState.PLACED)),
        *order_lines.move_all(order, "allocated"),
        *shipments.plan(tx, parcels),
        stock.change(Change(key, reserved=units) for key, units in taken),
        outbox.put(
            tx,
            OrderPlaced(
                order_id=order_id,
                parcel_ids=tuple(parcel.parcel_id for parcel in parcels),
                cost_cents=QUOTED_CENTS * len(parcels),
                currency="EUR",
            ),
        ),
    )


def _parcels(order_id: str, lines: Lines, card: tuple[str, str]) -> list[PlannedParcel]:
    contents: dict[str, list[Content]] = defaultdict(list)
    for line_no, sku, units, warehouse in lines:
        contents[warehouse].append(Content(line_no, sku, units))
    rate_card_id, carrier = card
    return [
        PlannedParcel(
            parcel_id=new_id("par"),
            order_id=order_id,
            warehouse=warehouse,
            carrier=carrier,
            rate_card_id=rate_card_id,
            weight_g=WEIGHT_G,
            distance_m=0,
            quoted_cents=QUOTED_CENTS,
            contents=tuple(items),
        )
        for warehouse, items in contents.items()
    ]


def _waiting(tx: Transaction, order_id: str) -> Order:
    """The order as its statements need it: they guard that it waits."""
    return Order(
        order_id=order_id,
        revision=1,
        fingerprint="",
        state=OrderState.WAITING,
        reason="",
        priority=Priority.STANDARD,
        currency="EUR",
        destination=Point(0, 0),
        address={},
        promised_at=tx.now,
        correlation_id="",
        channel="",
        hold_id=None,
        sale=None,
        expected_at=None,
        return_wanted_at=None,
        ship_together=None,
        scope=None,
        excluded=frozenset(),
    )
