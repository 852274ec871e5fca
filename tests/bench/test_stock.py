"""`bench stock` from end to end, small, and what it prepares.

How fast it is says nothing here: the machine is shared and the run is short.
"""

from pathlib import Path
from typing import Any

import pytest

from emulators.bench import past, stock
from emulators.bench.growth import AUDITED, KEPT
from emulators.bench.growth import PLACED as PLACED_LATER
from emulators.bench.jobs import Job, placer
from emulators.bench.scans import first_scans
from emulators.bench.shop import Shop
from emulators.bench.turns import Kind, Turns
from emulators.bench.workers import workers
from shared.platform.config import Config
from shared.platform.db import Database
from tests.bench.running import quick_run
from tests.laptop.conftest import directory
from tests.support import given

__all__ = ["directory"]

STOCK_ROWS = 240
HOT = "SKU-HOT"


@pytest.mark.slow
def test_a_quick_run_measures_every_figure_beside_its_floor(directory: Path) -> None:
    found = quick_run("stock", directory, "--rounds", "2", timeout_s=240)

    figures = {figure["what"]: figure for figure in found["figures"]}
    kinds = (
        *stock.PLACED.values(), stock.BOOKED, stock.CANCELLED, stock.SHIPPED, stock.ROUND_TRIPS,
        stock.ANY_SKU, stock.ONE_ROW, stock.SPREAD, PLACED_LATER, AUDITED,
    )  # fmt: skip
    assert figures.keys() == {kind.what for kind in kinds}
    for kind in kinds:
        _check(figures[kind.what], kind, rounds=1 if kind is AUDITED else 2)
    assert found["machine"]["long_past"] == stock.QUICK.past.long
    trips = figures[stock.ROUND_TRIPS.what]
    assert trips["rounds"] == [3.0, 3.0]
    # What all share is compared with the orders of the same round that do not.
    apart = figures[stock.ANY_SKU.what]["rounds"]
    assert figures[stock.ONE_ROW.what]["floor_rounds"] == apart
    assert figures[stock.SPREAD.what]["floor_rounds"] == apart


def _check(figure: dict[str, Any], kind: Kind, rounds: int) -> None:
    assert len(figure["rounds"]) == len(figure["floor_rounds"]) == rounds
    assert min(*figure["rounds"], *figure["floor_rounds"], 1) > 0
    assert figure["goal"] == kind.goal
    if kind.goal is None:
        assert figure["met"] is None
    elif kind.at_most:
        assert figure["met"] == (figure["ratio"] <= kind.goal)
    else:
        assert figure["met"] == (figure["ratio"] >= kind.goal)


def test_the_goals_are_those_of_the_design() -> None:
    goals = {stock.PLACED[1].goal, stock.BOOKED.goal, stock.SPREAD.goal}

    assert goals == {0.5}
    assert (stock.ROUND_TRIPS.goal, stock.ROUND_TRIPS.at_most) == (3.0, True)
    assert PLACED_LATER.goal == KEPT == 0.8
    assert stock.FULL.stock_rows == 100_000
    assert (stock.FULL.past.short, stock.FULL.past.long) == (10_000, 1_000_000)


def test_a_kind_keeps_each_round_with_the_floor_of_that_round() -> None:
    turns, kind = Turns(), Kind("orders placed", "orders/s", 0.5)
    for value, floor in ((100.0, 250.0), (90.0, 200.0), (300.0, 1_000.0)):
        turns.add(kind, value, floor)

    (figure,) = turns.figures()

    assert (figure.value, figure.floor, figure.met) == (100.0, 250.0, False)
    assert figure.floor_rounds == [250.0, 200.0, 1_000.0]
    assert "0.30 of its floor" in turns.last([kind])


def test_orders_of_the_past_are_whole_cancelled_and_give_everything_back(
    database: Database,
) -> None:
    # Goal: what is stored in bulk is what the line itself would have left there.
    shop = Shop(database, STOCK_ROWS)
    shop.fill()

    past.store(database, shop, 30, lambda _: None)

    assert given.rows(
        database,
        """
        SELECT state, count(DISTINCT order_id), count(DISTINCT line_no), count(DISTINCT parcel_id),
               count(DISTINCT decision_id)
          FROM orders JOIN order_lines USING (order_id)
          JOIN parcels USING (order_id, state)
          JOIN parcel_items USING (order_id, parcel_id, line_no, sku)
          JOIN placement_decisions USING (order_id)
         GROUP BY state
        """,
    ) == [("cancelled", 31, 2, 31, 31)]
    assert given.rows(database, "SELECT sum(reserved) FROM stock_levels") == [(0,)]
    assert given.violations(database) == []


@pytest.mark.slow
def test_a_worker_cancels_and_tracks_what_it_is_given(config: Config, database: Database) -> None:
    # Goal: each job is the real transaction, once for every item.
    assert config.database_url is not None
    shop = Shop(database, STOCK_ROWS)
    shop.fill()
    order_ids = shop.orders(6)
    place = placer(database)
    for order_id in order_ids:
        place(order_id)
    scans = first_scans(database, order_ids[3:])

    with workers(config.database_url.get_secret_value(), 1) as alone:
        cancelled = alone.do(Job.CANCEL, [order_ids[:3]])
        tracked = alone.do(Job.TRACK, [scans])

    assert len(cancelled.latencies_s) == 3
    assert len(tracked.latencies_s) == len(scans) >= 3
    assert given.rows(
        database,
        "SELECT state, count(*) FROM orders WHERE order_id LIKE 'bench-0%' GROUP BY 1 ORDER BY 1",
    ) == [("cancelled", 3), ("shipped", 3)]
    assert given.violations(database) == []


def test_all_orders_of_one_sku_are_for_the_warehouse_that_has_it(database: Database) -> None:
    shop = Shop(database, STOCK_ROWS)
    shop.fill()
    shop.add(HOT, "BER")
    place = placer(database)
    for order_id in shop.one_line_orders(5, HOT):
        place(order_id)

    assert given.rows(
        database, "SELECT DISTINCT sku, warehouse FROM parcel_items JOIN parcels USING (parcel_id)"
    ) == [(HOT, "BER")]
    assert given.violations(database) == []
