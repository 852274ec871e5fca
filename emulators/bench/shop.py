"""What a measured run starts from: stock, a catalogue and orders that wait.

Catalogue and stock come in through the product's own stores. Orders are copies of one that the
product accepted, made by the database itself: accepting thousands one by one would take longer
than all the measuring, and a copy needs no second knowledge of the tables.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from itertools import combinations, count, islice
from random import Random

from sqlalchemy import text

from shared.contracts.base import Cause
from shared.contracts.orders import Destination, OrderedLine, OrderSubmitted
from shared.costing import store as costing
from shared.costing.types import NO_LIMIT_M, Cell
from shared.flows.accept_order import accept_order
from shared.kit.geo import Point
from shared.platform.db import Database, Transaction
from shared.stock import store as stock
from shared.stock.skus import put_skus
from shared.stock.types import Change, Key, Movement, MovementKind

CAUSE = Cause("bench", "bench")
UNITS_EACH = 1_000  # on hand in every balance: more than the orders of any run will take
FIRST_SKU = 100_000  # so that every SKU's name has the same length
TEMPLATE = "bench-template"

PLACES = {
    "BER": Point(52.52, 13.405),
    "HAM": Point(53.551, 9.994),
    "MUC": Point(48.137, 11.575),
    "VIE": Point(48.208, 16.373),
}
ADDRESS = {
    "name": "Dispatch",
    "street": "Lager 1",
    "city": "Berlin",
    "state": "BE",
    "postcode": "10115",
    "country": "DE",
}
WEIGHTS_G = (250, 600, 1_400, 3_200)
MAX_WEIGHTS_G = (500, 1_000, 2_000, 5_000, 10_000, 30_000)
MAX_DISTANCES_M = (100_000, 400_000, NO_LIMIT_M)
# Carrier -> handling, cheapest freight and what every further band costs, in cents.
TARIFFS = {"correios": (90, 390, 140), "jadlog": (60, 590, 60)}

_COPY_ORDERS = text("""
    INSERT INTO orders
    SELECT copied.*
      FROM orders AS template,
           unnest(CAST(:order_ids AS text[]), CAST(:lats AS float[]), CAST(:lons AS float[]))
               AS wanted (order_id, lat, lon),
           jsonb_populate_record(template, to_jsonb(wanted)) AS copied
     WHERE template.order_id = :template
""")
_COPY_LINES = text("""
    INSERT INTO order_lines
    SELECT copied.*
      FROM order_lines AS template,
           unnest(CAST(:order_ids AS text[]), CAST(:skus AS text[]),
                  CAST(:line_nos AS integer[]), CAST(:quantities AS integer[]))
               AS wanted (order_id, sku, line_no, quantity),
           jsonb_populate_record(template, to_jsonb(wanted)) AS copied
     WHERE template.order_id = :template
""")


class Shop:
    """A catalogue with `stock_rows` balances: every SKU lies in two of the four warehouses.

    So a two-line order fits into one parcel five times out of six.
    """

    def __init__(self, database: Database, stock_rows: int, seed: int = 1) -> None:
        self._database = database
        self._skus = [_sku(number) for number in range(stock_rows // 2)]
        self._random = Random(seed)  # noqa: S311  a script, not a secret
        self._numbers = count(1)

    def fill(self) -> None:
        """Load the catalogue and the stock, and have one order accepted as the template."""
        self._database.run(self._load_catalogue, CAUSE)
        pairs = list(combinations(PLACES, 2))
        for place in PLACES:
            here = [
                sku for number, sku in enumerate(self._skus) if place in pairs[number % len(pairs)]
            ]
            self._database.run(partial(_receive, place=place, skus=here), CAUSE)
        self._database.run(lambda tx: accept_order(tx, self._template(tx)), CAUSE)

    def orders(self, wanted: int) -> list[str]:
        """Have `wanted` two-line orders wait for their placement, and return their ids."""
        order_ids = [f"bench-{number:07}" for number in islice(self._numbers, wanted)]
        points = [self._random.choice(list(PLACES.values())) for _ in order_ids]
        skus = [sku for _ in order_ids for sku in self._random.sample(self._skus, 2)]

        def copy(tx: Transaction) -> None:
            tx.connection.execute(
                _COPY_ORDERS,
                {
                    "order_ids": order_ids,
                    "lats": [self._near(point.lat) for point in points],
                    "lons": [self._near(point.lon) for point in points],
                    "template": TEMPLATE,
                },
            )
            tx.connection.execute(
                _COPY_LINES,
                {
                    "order_ids": [order_id for order_id in order_ids for _ in range(2)],
                    "skus": skus,
                    "line_nos": [1, 2] * wanted,
                    "quantities": [self._random.choice((1, 1, 2)) for _ in skus],
                    "template": TEMPLATE,
                },
            )

        self._database.run(copy, CAUSE)
        return order_ids

    def _near(self, degrees: float) -> float:
        return degrees + self._random.uniform(-1, 1)

    def _load_catalogue(self, tx: Transaction) -> None:
        put_skus(
            tx,
            [
                (sku, WEIGHTS_G[number % len(WEIGHTS_G)], None, None, None, None)
                for number, sku in enumerate(self._skus)
            ],
        )
        for place, location in PLACES.items():
            stock.put_warehouse(tx, place, ADDRESS, location)
        for carrier, (handling_cents, base_cents, band_cents) in TARIFFS.items():
            costing.publish(
                tx,
                carrier=carrier,
                currency="EUR",
                handling_cents=handling_cents,
                valid_from=tx.now - timedelta(days=1),
                cells=list(_cells(base_cents, band_cents)),
            )

    def _template(self, tx: Transaction) -> OrderSubmitted:
        berlin = PLACES["BER"]
        return OrderSubmitted(
            order_id=TEMPLATE,
            channel="bench",
            ordered_at=tx.now,
            promised_at=tx.now + timedelta(days=4),
            currency="EUR",
            destination=Destination(
                name="Ada Lovelace",
                street="Some Street 1",
                city="Berlin",
                state="BE",
                postcode="10117",
                country="DE",
                lat=berlin.lat,
                lon=berlin.lon,
            ),
            lines=(OrderedLine(line_no=1, sku=self._skus[0], quantity=1, unit_price_cents=1_990),),
        )


def _sku(number: int) -> str:
    return f"SKU-{FIRST_SKU + number}"


def _cells(base_cents: int, band_cents: int) -> Iterator[Cell]:
    for far, max_distance_m in enumerate(MAX_DISTANCES_M):
        for heavy, max_weight_g in enumerate(MAX_WEIGHTS_G):
            yield Cell(max_distance_m, max_weight_g, base_cents + band_cents * (far + heavy))


def _receive(tx: Transaction, place: str, skus: Sequence[str]) -> None:
    stock.ensure_levels(tx, place, skus)
    keys = [Key(sku, place) for sku in skus]
    tx.write(
        stock.change(Change(key, on_hand=UNITS_EACH) for key in keys),
        stock.record(
            tx,
            [Movement(key, MovementKind.RECEIPT, UNITS_EACH, "bench", tx.now) for key in keys],
            "bench",
        ),
    )
