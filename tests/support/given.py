"""What tests start from, said in a line each."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from shared.contracts.base import Cause
from shared.contracts.orders import Destination, OrderedLine, OrderSubmitted, ServiceLevel
from shared.contracts.parcels import ParcelPlanned
from shared.contracts.stock import ReceivedUnits, StockReceived
from shared.contracts.work import PlaceOrder
from shared.costing import store as costing
from shared.costing.bands import Cell, zones_of
from shared.costing.book import Bookshelf
from shared.costing.types import NO_LIMIT_M, RateCardDraft
from shared.flows.accept_order import accept_order
from shared.flows.charge_parcel import charge_parcel
from shared.flows.keep_safety import keep_safety
from shared.flows.place_order import place_order
from shared.flows.receive_stock import receive_stock
from shared.flows.rules import Rules
from shared.kit.geo import Point
from shared.kit.ids import new_id
from shared.ops.auditor import audit
from shared.platform.db import Database, Transaction
from shared.platform.sql import text
from shared.shipments import site_days
from shared.stock import store as stock
from shared.stock import warehouses
from shared.stock.kit_components import put_kits
from shared.stock.skus import Unit, put_skus
from shared.stock.types import Change, Key, Movement, MovementKind
from shared.stock.warehouses import Working

Message = TypeVar("Message")

BERLIN = Point(52.52, 13.405)
LISBON = Point(38.722, -9.139)
DEAR = (Cell(NO_LIMIT_M, 30_000, 90_000),)  # nobody sends by this rate card by choice
PLACES = {"BER": BERLIN, "LIS": LISBON, "MUC": Point(48.137, 11.575)}


def cause() -> Cause:
    """A message that nobody has seen before."""
    event_id = new_id("evt")
    return Cause(event_id, event_id)


def apply(
    database: Database, flow: Callable[[Transaction, Message], object], message: Message
) -> None:
    """One flow takes one message, in a transaction and under an event id of its own."""
    database.run(lambda tx: flow(tx, message), cause())


def told(database: Database) -> list[str]:
    """The types of what stands in the outbox, oldest first, without their namespace."""
    found = rows(database, "SELECT attributes->>'ce-type' FROM outbox ORDER BY outbox_id")
    return [kind.removeprefix("dispatch.").removesuffix(".v1") for (kind,) in found]


def silence(database: Database) -> None:
    """Forget what stands in the outbox, so that a test sees only what comes next."""
    database.statement(text("DELETE FROM outbox"))


def rows(database: Database, sql: str) -> list[tuple[Any, ...]]:
    """What a query finds, as plain tuples."""
    return [tuple(row) for row in database.statement(text(sql))]


def catalogue(
    database: Database,
    stocked: Mapping[str, Mapping[str, int]],
    *,
    safety: int = 0,
    weight_g: int = 500,
    cells: Sequence[Cell] = (
        Cell(300_000, 1_000, 400),
        Cell(300_000, 10_000, 700),
        Cell(NO_LIMIT_M, 1_000, 900),
        Cell(NO_LIMIT_M, 10_000, 1_500),
    ),
) -> None:
    """Warehouses with stock ({"BER": {"MUG": 5}}), a rate card, and every SKU at one weight."""
    skus = sorted({sku for units in stocked.values() for sku in units})

    def prepare(tx: Any) -> None:
        put_skus(tx, [Unit(sku, weight_g, 100, 100, 100) for sku in skus])
        for name in stocked:
            warehouses.put(tx, name, ADDRESS, PLACES[name])
        rates(tx, valid_from=tx.now - timedelta(days=1), handling_cents=90, zones=zones_of(cells))

    database.run(prepare, cause())
    for name, units in stocked.items():
        if receipt := {sku: quantity for sku, quantity in units.items() if quantity}:
            receive(database, name, receipt)
        if kept := {sku: safety for sku, quantity in units.items() if safety or not quantity}:
            keep_back(database, name, kept)  # and so what is not there has a balance, too
    database.statement(text("DELETE FROM outbox"))


def rates(tx: Transaction, **fields: Any) -> str:
    """The next version of a rate card, and its id."""
    said = {"carrier": "correios", "currency": "EUR", **fields}
    return costing.publish(tx, RateCardDraft(**said), "test", "because")


def rated(database: Database, carrier: str, service: str) -> None:
    """There is a rate card of this service, by which nothing is sent by choice."""
    card = {"carrier": carrier, "service": service, "zones": zones_of(DEAR)}
    database.run(lambda tx: rates(tx, valid_from=tx.now, **card), cause())


def keep_back(database: Database, warehouse: str, units: Mapping[str, int]) -> None:
    """Units of each SKU that are not to be promised there."""
    database.run(lambda tx: keep_safety(tx, warehouse, units), cause())


ADDRESS = {
    "name": "Dispatch",
    "street": "Lager 1",
    "city": "Berlin",
    "state": "BE",
    "postcode": "10115",
    "country": "DE",
}


def receive(database: Database, warehouse: str, units: Mapping[str, int]) -> None:
    """Goods arrive."""
    event = StockReceived(
        warehouse=warehouse,
        receipt_id=new_id("rcp"),
        received_at=database.now(),
        lines=tuple(ReceivedUnits(sku=sku, quantity=n) for sku, n in units.items()),
    )
    database.run(lambda tx: receive_stock(tx, event), cause())


def appear(
    database: Database, warehouse: str, units: Mapping[str, int], partition: int = 0
) -> None:
    """There are more, and nobody is told of it."""
    keys = {Key(sku, warehouse, partition): n for sku, n in units.items()}

    def put(tx: Transaction) -> None:
        movements = [
            Movement(key, MovementKind.ADJUSTMENT, n, new_id("adj"), tx.now)
            for key, n in keys.items()
        ]
        stock.ensure_levels(tx, warehouse, units)
        tx.write(
            stock.change(Change(key, on_hand=n) for key, n in keys.items()),
            stock.record(tx, movements, actor="test"),
        )

    database.run(put, cause())


def submitted(
    order_id: str,
    wants: Mapping[str, int] | Sequence[tuple[str, int]],
    *,
    at: Point = BERLIN,
    service_level: ServiceLevel = ServiceLevel.STANDARD,
    **fields: Any,
) -> OrderSubmitted:
    """An order as a channel would submit it."""
    pairs = list(wants.items()) if isinstance(wants, Mapping) else list(wants)
    return OrderSubmitted(
        order_id=order_id,
        channel=fields.pop("channel", "web"),
        service_level=service_level,
        ordered_at=datetime(2026, 3, 2, 11, 59, tzinfo=UTC),
        promised_at=datetime(2026, 3, 6, 18, 0, tzinfo=UTC),
        currency="EUR",
        destination=Destination(
            name="Ada Lovelace",
            street="Some Street 1",
            city="Berlin",
            state="BE",
            postcode="10117",
            country="DE",
            lat=at.lat,
            lon=at.lon,
            residential=False,
        ),
        lines=tuple(
            OrderedLine(line_no=n, sku=sku, quantity=quantity, unit_price_cents=1_000)
            for n, (sku, quantity) in enumerate(pairs, start=1)
        ),
        **fields,
    )


def order(
    database: Database,
    order_id: str,
    wants: Mapping[str, int] | Sequence[tuple[str, int]],
    *,
    at: Point = BERLIN,
    **fields: Any,
) -> None:
    """An accepted order that waits; `fields` are further ones of the event."""
    accept(database, submitted(order_id, wants, at=at, **fields))


def accept(database: Database, event: OrderSubmitted) -> None:
    """A channel's order is taken."""
    database.run(lambda tx: accept_order(tx, event), cause())


def kit(database: Database, name: str, components: Mapping[str, int]) -> None:
    """A SKU that is sent as its components."""

    def make(tx: Transaction) -> None:
        put_skus(tx, [Unit(name, 1)])
        put_kits(tx, {name: components})

    database.run(make, cause())


def spread(database: Database, sku: str, warehouse: str, units: Sequence[int]) -> None:
    """A balance over as many partitions, with these units on hand and not one promised."""
    of, places = len(units), list(range(len(units)))
    where = f"sku = '{sku}' AND warehouse = '{warehouse}'"
    for number in places[1:]:
        database.statement(
            text(
                "INSERT INTO stock_levels (sku, warehouse, partition, spread)"
                f" VALUES ('{sku}', '{warehouse}', {number}, {of})"
            )
        )
    database.statement(text(f"UPDATE stock_levels SET spread = {of} WHERE {where}"))
    moved = [n - (sum(units) if number == 0 else 0) for number, n in enumerate(units)]

    def move(tx: Transaction) -> None:
        keys = [Key(sku, warehouse, number) for number in places]
        pairs = list(zip(keys, moved, strict=True))
        tx.write(
            stock.change(Change(key, on_hand=n) for key, n in pairs),
            stock.record(
                tx,
                [Movement(key, MovementKind.REPARTITION, n, "test", tx.now) for key, n in pairs],
                "test",
            ),
        )

    database.run(move, cause())


def place(database: Database, order_id: str, rules: Rules | None = None) -> None:
    """The placement worker does its work for one order."""
    work = PlaceOrder(order_id=order_id, priority="standard")
    database.run(lambda tx: place_order(tx, work, rules or Rules()), cause())


def charge_all(database: Database) -> None:
    """The costing function hears of every parcel that was planned, whoever else has heard of it."""
    for (body,) in rows(
        database,
        "SELECT body FROM outbox WHERE attributes->>'ce-type' = 'dispatch.parcel.planned.v1'",
    ):
        apply(
            database,
            lambda tx, event: charge_parcel(tx, event, Bookshelf()),
            ParcelPlanned.decode(body.encode()),
        )


def violations(database: Database) -> list[Any]:
    """What the auditor finds; there should be nothing."""
    return list(database.run(audit, cause()))


def works(database: Database, warehouse: str, **how: Any) -> None:
    """When a warehouse works and what it can do; what is not said is as with every other."""

    def put(tx: Transaction) -> None:
        warehouses.put(tx, warehouse, ADDRESS, PLACES[warehouse], Working(**how))
        site_days.forget(tx, warehouse)

    database.run(put, cause())
