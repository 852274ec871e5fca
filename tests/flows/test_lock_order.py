"""Locks are taken in the order of shared/README.md, whatever flow takes them.

What each transaction sends is read on its way to the database: by its statements it shows which
rows it may wait for, and when it does so for the first time.
"""

import re
from collections.abc import Callable, Sequence

import pytest

from emulators.laptop.stack import ROOT
from shared.contracts.orders import OrderAmended, OrderCancelled, OrderedLine
from shared.contracts.stock import (
    CountedUnits,
    Disposition,
    MissingUnits,
    ParcelShortPicked,
    ReturnedUnits,
    StockCounted,
    StockReturned,
)
from shared.flows.cancel_order import cancel_order
from shared.flows.change_order import change_order
from shared.flows.count_stock import count_stock
from shared.flows.override_placement import Override, hold_order, override_placement
from shared.flows.return_stock import return_stock
from shared.flows.rules import Rules
from shared.flows.short_pick import short_pick
from shared.flows.track_parcel import track_parcel
from shared.orders import backorder_caps
from shared.people.types import Person
from shared.platform.db import Database
from shared.platform.driver import Asked, Row, Session
from shared.platform.sql import text
from tests.flows import doubles, partitioned, transfers, updates
from tests.flows.test_expire_holds import expire
from tests.flows.test_hold_stock import hold, release
from tests.support import given
from tests.support.clock import TestClock

ADA = Person("ada", "because")
WRITES = re.compile(
    r"(?<!FOR )(?<!KEY )(?<!DO )UPDATE (\w+)|DELETE FROM (\w+)"
    r"|INSERT INTO (\w+)(?=(?:(?! AS \(INSERT).)*?ON CONFLICT[^)]*\)? DO UPDATE)"
    r"|LOCK TABLE (\w+)|(FOR (?:NO KEY )?UPDATE)",
    re.DOTALL,
)
READ = re.compile(r"\b(?:FROM|JOIN) (\w+)")


def documented() -> list[str]:
    """The order as the README of the house has it."""
    said = (ROOT / "shared/README.md").read_text().split("## Lock order\n")[1].split(";")[0]
    return re.findall(r"\w+", said)


def locked_by(statement: str) -> list[str]:
    """The tables of which a statement may wait for rows, in its order."""
    found = []
    for match in WRITES.finditer(statement):
        *names, reads = match.groups()
        found += [name for name in names if name]
        if reads:
            found += READ.findall(_own_select(statement[: match.start()]))
    return found


def _own_select(before: str) -> str:
    """What of the text belongs to the select that ends with it, without what stands in brackets."""
    kept, depth = [], 0
    for character in reversed(before):
        depth += {")": 1, "(": -1}.get(character, 0)
        if depth < 0:
            break
        if not depth:
            kept.append(character)
    return "".join(reversed(kept))


def out_of_order(tables: Sequence[str], order: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of which the second was locked first after the first, and should have been before."""
    first = list(dict.fromkeys(table for table in tables if table in order))
    return [
        (earlier, later)
        for number, earlier in enumerate(first)
        for later in first[number + 1 :]
        if order.index(later) < order.index(earlier)
    ]


@pytest.fixture
def transactions(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The tables that each transaction has locked, as they come."""
    seen: list[list[str]] = []
    run = Session.run

    def watched(session: Session, asked: Sequence[Asked], **how: bool) -> list[list[Row]]:
        if how.get("alone") or not session.is_open:
            seen.append([])
        for one in asked:
            seen[-1].extend(locked_by(one.statement))
        return run(session, asked, **how)

    monkeypatch.setattr(Session, "run", watched)
    return seen


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        ("SELECT * FROM orders WHERE order_id = %s FOR UPDATE", ["orders"]),
        ("SELECT (SELECT max(n) FROM parcels) FROM orders FOR NO KEY UPDATE", ["orders"]),
        ("WITH a AS (SELECT * FROM labels) SELECT 1 FROM a JOIN b FOR UPDATE OF b", ["a", "b"]),
        ("WITH w0 AS (UPDATE orders SET n = 1), w1 AS (DELETE FROM labels)", ["orders", "labels"]),
        ("INSERT INTO labels SELECT 1 ON CONFLICT DO NOTHING", []),
        ("INSERT INTO labels SELECT 1 ON CONFLICT (label_id) DO UPDATE SET n = 1", ["labels"]),
        ("w0 AS (INSERT INTO a SELECT 1), w1 AS (INSERT INTO b ON CONFLICT (n) DO UPDATE", ["b"]),
        ("LOCK TABLE orders IN EXCLUSIVE MODE", ["orders"]),
        ("SELECT * FROM orders", []),
    ],
)  # fmt: skip
def test_a_statement_shows_what_it_locks(statement: str, tables: list[str]) -> None:
    assert locked_by(statement) == tables


def test_what_is_out_of_order_is_found() -> None:
    order = ["orders", "stock_holds", "stock_levels", "backorder_caps"]
    good = ["orders", "skus", "stock_levels", "orders", "backorder_caps", "stock_levels"]
    bad = ["orders", "backorder_caps", "stock_levels", "stock_holds"]

    assert out_of_order(good, order) == []
    assert out_of_order(bad, order) == [
        ("backorder_caps", "stock_levels"),
        ("backorder_caps", "stock_holds"),
        ("stock_levels", "stock_holds"),
    ]


def waits(database: Database) -> None:
    """`part` is sent in part, `all` waits as a whole, and for both something is kept."""
    given.catalogue(database, {"BER": {"MUG": 6, "PEN": 0}, "LIS": {"MUG": 0, "PEN": 0}})
    database.run(lambda tx: backorder_caps.put(tx, {"MUG": 50, "PEN": 50}), given.cause())
    given.order(database, "part", {"MUG": 6, "PEN": 1})
    given.place(database, "part")
    given.order(database, "all", {"PEN": 2})
    given.place(database, "all")
    given.receive(database, "BER", {"PEN": 5})
    assert given.rows(
        database, "SELECT count(*) FROM stock_holds WHERE purpose = 'waitlist' AND state = 'open'"
    ) == [(2,)]
    doubles.labelled(database, "part")


def _parcel(database: Database, order_id: str) -> str:
    return doubles.parcels_of(database, order_id)[0]


def place(database: Database, _clock: TestClock) -> None:
    hold(database, "cart", {"PEN": 1})
    given.order(database, "cart", {"PEN": 1, "MUG": 1}, hold_id="cart")
    given.place(database, "part")
    given.place(database, "all")
    given.place(database, "cart")


def cancel(database: Database, _clock: TestClock) -> None:
    for order_id in ("all", "part"):
        given.apply(database, cancel_order, OrderCancelled(order_id=order_id, reason="no"))


def cancel_the_rest(database: Database, _clock: TestClock) -> None:
    event = OrderCancelled(order_id="part", reason="no", rest_only=True)
    given.apply(database, cancel_order, event)


def change(database: Database, _clock: TestClock) -> None:
    for order_id in ("all", "part"):
        line = OrderedLine(line_no=1, sku="PEN", quantity=1, unit_price_cents=100)
        event = OrderAmended(order_id=order_id, revision=2, lines=(line,))
        given.apply(database, change_order, event)


def overrule(database: Database, _clock: TestClock) -> None:
    wanted = Override("part", ADA, frozenset({"BER"}))
    database.run(lambda tx: override_placement(tx, wanted, Rules()), given.cause())
    database.run(lambda tx: hold_order(tx, "all", ADA), given.cause())


def miss(database: Database, clock: TestClock) -> None:
    event = ParcelShortPicked(
        warehouse="BER",
        parcel_id=_parcel(database, "part"),
        short_picked_at=clock.now,
        lines=(MissingUnits(sku="MUG", missing=1),),
    )
    given.apply(database, short_pick, event)


def ship_and_return(database: Database, clock: TestClock) -> None:
    ((code,),) = given.rows(database, "SELECT tracking_code FROM parcels")
    news = updates.received(database, updates.body(code, [("in_transit", clock.now)]))
    given.apply(database, track_parcel, news)
    line = ReturnedUnits(sku="MUG", quantity=2, disposition=Disposition.QUARANTINE)
    event = StockReturned(
        warehouse="BER",
        return_id="rma_1",
        returned_at=clock.now,
        parcel_id=_parcel(database, "part"),
        lines=(line,),
    )
    given.apply(database, return_stock, event)


def move_stock(database: Database, clock: TestClock) -> None:
    given.receive(database, "BER", {"MUG": 9, "PEN": 9})
    transfers.request(database, {"MUG": 2})
    transfers.ship(database, {"MUG": 1})
    transfers.receive(database, {"MUG": 1})
    clock.advance(minutes=1)
    for counted in (1, 20):
        event = StockCounted(
            warehouse="BER",
            count_id=f"cnt_{counted}",
            counted_at=clock.now,
            lines=(CountedUnits(sku="PEN", on_hand=9), CountedUnits(sku="MUG", on_hand=counted)),
        )
        given.apply(database, count_stock, event)


def keep_house(database: Database, clock: TestClock) -> None:
    hold(database, "cart_1", {"PEN": 1})
    release(database, "cart_1")
    clock.advance(days=1)
    expire(database)
    database.statement(text("UPDATE backorder_caps SET taken = 40"))
    partitioned.reconcile(database)
    partitioned.spread(database, 3)
    partitioned.allot(database, 1, sku="PEN")
    partitioned.end(database)
    partitioned.empty(database)
    database.run(lambda tx: backorder_caps.put(tx, {"MUG": 60, "PEN": None}), given.cause())


@pytest.mark.parametrize(
    "act",
    [
        place,
        cancel,
        cancel_the_rest,
        change,
        overrule,
        miss,
        ship_and_return,
        move_stock,
        keep_house,
    ],
    ids=lambda act: act.__name__,
)
def test_a_flow_locks_in_the_documented_order(
    database: Database,
    clock: TestClock,
    transactions: list[list[str]],
    act: Callable[[Database, TestClock], None],
) -> None:
    # Goal: two that want the same rows wait for one another once, and never in a circle.
    waits(database)
    transactions[:] = [[]]

    act(database, clock)

    order = documented()
    assert {"stock_levels", "orders"} & {name for tables in transactions for name in tables}
    assert [wrong for tables in transactions if (wrong := out_of_order(tables, order))] == []
    assert given.violations(database) == []
