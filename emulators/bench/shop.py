"""What a measured run starts from: stock, a catalogue and orders that wait.

Catalogue and stock come in through the product's own stores. Orders are copies of one that the
product accepted, made by the database itself: accepting thousands one by one would take longer
than all the measuring, and a copy needs no second knowledge of the tables.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import combinations, count, islice
from random import Random

from shared.contracts.base import Cause
from shared.contracts.orders import Destination, OrderedLine, OrderSubmitted
from shared.costing import store as costing
from shared.costing.bands import Cell, zones_of
from shared.costing.types import NO_LIMIT_M, RateCardDraft
from shared.flows.accept_order import accept_order
from shared.kit.geo import Point
from shared.platform.db import Database, Transaction
from shared.platform.sql import text
from shared.stock import store as stock
from shared.stock import warehouses
from shared.stock.skus import Unit, put_skus
from shared.stock.types import Change, Key, Movement, MovementKind

CAUSE = Cause("bench", "bench")
UNITS_EACH = 1_000  # on hand in every balance: more than the orders of any run will take
UNITS_OF_ONE = 1_000_000  # of a SKU that all orders of a round want
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
           jsonb_populate_record(template, to_jsonb(wanted)
               || '{"state": "waiting", "tracking_token": null}') AS copied
     WHERE template.order_id = :template
""")
# Whoever places what waits would place the template, too.
_SET_ASIDE = text("UPDATE orders SET state = 'review' WHERE order_id = :template")
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
        self._database.run(
            lambda tx: accept_order(tx, self.submission(TEMPLATE, self._skus[:1], tx.now)), CAUSE
        )
        self._database.statement(_SET_ASIDE, template=TEMPLATE)

    @property
    def skus(self) -> Sequence[str]:
        """Every SKU that lies in two warehouses; every sixth has the same two."""
        return self._skus

    def add(self, sku: str, place: str) -> None:
        """Another SKU, which lies in one warehouse only: enough of it for all orders of a run."""

        def receive(tx: Transaction) -> None:
            put_skus(tx, [Unit(sku, WEIGHTS_G[0])])
            _receive(tx, place, [sku], UNITS_OF_ONE)

        self._database.run(receive, CAUSE)

    def orders(self, wanted: int) -> list[str]:
        """Have `wanted` two-line orders wait for their placement, and return their ids."""
        return self._wait([self._random.sample(self._skus, 2) for _ in range(wanted)])

    def one_line_orders(self, wanted: int, sku: str | None = None) -> list[str]:
        """The same with orders of one line: for `sku`, or for any."""
        return self._wait([[sku or self._random.choice(self._skus)] for _ in range(wanted)])

    def submission(self, order_id: str, skus: Sequence[str], now: datetime) -> OrderSubmitted:
        """An order for one of each of these SKUs, as a channel submits it."""
        berlin = PLACES["BER"]
        return OrderSubmitted(
            order_id=order_id,
            channel="bench",
            ordered_at=now,
            promised_at=now + timedelta(days=4),
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
            lines=tuple(
                OrderedLine(line_no=line_no, sku=sku, quantity=1, unit_price_cents=1_990)
                for line_no, sku in enumerate(skus, start=1)
            ),
        )

    def _wait(self, wanted: Sequence[Sequence[str]]) -> list[str]:
        """Orders that wait, with one line for each SKU of their lists."""
        order_ids = [f"bench-{number:07}" for number in islice(self._numbers, len(wanted))]
        lines = [
            (order_id, line_no, sku, self._random.choice((1, 1, 2)))
            for order_id, skus in zip(order_ids, wanted, strict=True)
            for line_no, sku in enumerate(skus, start=1)
        ]
        points = [self._random.choice(list(PLACES.values())) for _ in order_ids]

        def copy(tx: Transaction) -> None:
            tx.rows(
                _COPY_ORDERS,
                order_ids=order_ids,
                lats=[self._near(point.lat) for point in points],
                lons=[self._near(point.lon) for point in points],
                template=TEMPLATE,
            )
            tx.rows(
                _COPY_LINES,
                order_ids=[order_id for order_id, _, _, _ in lines],
                line_nos=[line_no for _, line_no, _, _ in lines],
                skus=[sku for _, _, sku, _ in lines],
                quantities=[quantity for _, _, _, quantity in lines],
                template=TEMPLATE,
            )

        self._database.run(copy, CAUSE)
        return order_ids

    def _near(self, degrees: float) -> float:
        return degrees + self._random.uniform(-1, 1)

    def _load_catalogue(self, tx: Transaction) -> None:
        put_skus(
            tx,
            [
                Unit(sku, WEIGHTS_G[number % len(WEIGHTS_G)])
                for number, sku in enumerate(self._skus)
            ],
        )
        for place, location in PLACES.items():
            warehouses.put(tx, place, ADDRESS, location)
        for carrier, (handling_cents, base_cents, band_cents) in TARIFFS.items():
            draft = RateCardDraft(
                carrier=carrier,
                currency="EUR",
                handling_cents=handling_cents,
                valid_from=tx.now - timedelta(days=1),
                zones=zones_of(_cells(base_cents, band_cents)),
            )
            costing.publish(tx, draft, "bench", "a shop to measure")


def _sku(number: int) -> str:
    return f"SKU-{FIRST_SKU + number}"


def _cells(base_cents: int, band_cents: int) -> Iterator[Cell]:
    for far, max_distance_m in enumerate(MAX_DISTANCES_M):
        for heavy, max_weight_g in enumerate(MAX_WEIGHTS_G):
            yield Cell(max_distance_m, max_weight_g, base_cents + band_cents * (far + heavy))


def _receive(
    tx: Transaction, place: str, skus: Sequence[str], units_each: int = UNITS_EACH
) -> None:
    stock.ensure_levels(tx, place, skus)
    keys = [Key(sku, place) for sku in skus]
    tx.write(
        stock.change(Change(key, on_hand=units_each) for key in keys),
        stock.record(
            tx,
            [Movement(key, MovementKind.RECEIPT, units_each, "bench", tx.now) for key in keys],
            "bench",
        ),
    )
