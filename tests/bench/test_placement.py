"""`bench placement` from end to end, small: the shape of what it says, and that it leaves nothing.

How fast it is says nothing here: the machine is shared and the run is short.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulators.bench import placement
from emulators.bench.floor import make_floor, run_pgbench
from emulators.bench.jobs import Job
from emulators.bench.shop import Shop
from emulators.bench.workers import WorkerFailed, workers
from emulators.laptop.postgres import Server
from emulators.laptop.postgres_binaries import find_binaries
from shared.platform.config import Config
from shared.platform.db import Database
from tests.bench.running import quick_run
from tests.laptop.conftest import directory
from tests.support import given

__all__ = ["directory"]

STOCK_ROWS = 240


@pytest.mark.slow
def test_a_quick_run_measures_flow_and_floor_and_leaves_nothing(directory: Path) -> None:
    found = quick_run("placement", directory, "--breakdown", "--rounds", "2", timeout_s=120)

    _check_rates(found["figures"])
    _check_breakdown(found["breakdown"])


def _check_rates(figures: list[dict[str, Any]]) -> None:
    rates = {figure["what"]: figure for figure in figures if figure["unit"] == "orders/s"}
    assert list(rates) == [
        "orders placed, 1 worker",
        "orders placed, 8 workers",
        "orders placed together, 1 worker",
        "orders placed together, 2 workers",
    ]
    for rate in rates.values():
        assert len(rate["rounds"]) == len(rate["floor_rounds"]) == 2
        assert rate["value"] == pytest.approx(sum(rate["rounds"]) / 2, abs=1e-3)
        assert rate["ratio"] == pytest.approx(rate["value"] / rate["floor"], abs=1e-3)
    one = rates["orders placed, 1 worker"]
    assert one["goal"] == placement.GOAL
    assert one["met"] == (one["ratio"] >= placement.GOAL)


def _check_breakdown(parts: list[dict[str, Any]]) -> None:
    # Goal: waiting, sending and deciding are all seen, and the one statement that writes.
    assert {"commit", "decide", "sending"} <= {part["what"] for part in parts}
    assert all(part["client_us"] > 0 for part in parts)
    (write,) = [part for part in parts if part["what"].startswith("write ")]
    assert write["count"] == 1
    if write["server_us"] is not None:  # where Postgres has pg_stat_statements
        assert write["server_us"] > 0


@pytest.fixture
def url(config: Config, database: Database) -> Iterator[str]:
    """The address of the tests' database; what a floor leaves there is removed."""
    assert config.database_url is not None
    address = config.database_url.get_secret_value()
    yield address
    given.rows(database, "DROP SCHEMA IF EXISTS floor CASCADE")


def test_every_sku_lies_in_two_warehouses_and_every_order_has_two_lines(
    database: Database,
) -> None:
    shop = Shop(database, STOCK_ROWS)
    shop.fill()
    order_ids = shop.orders(30)

    assert given.rows(database, "SELECT count(*) FROM stock_levels") == [(STOCK_ROWS,)]
    lines = given.rows(
        database,
        """
        SELECT order_id, count(DISTINCT sku), count(DISTINCT warehouse || sku)
          FROM orders JOIN order_lines USING (order_id) JOIN stock_levels USING (sku)
         WHERE state = 'waiting' AND order_id <> 'bench-template'
         GROUP BY order_id ORDER BY order_id
        """,
    )
    assert lines == [(order_id, 2, 4) for order_id in order_ids]
    assert given.violations(database) == []


@pytest.mark.slow
def test_workers_place_each_order_once_and_drive_the_floor_without_pgbench(
    url: str, database: Database
) -> None:
    # Goal: the shares are disjoint and whole, and the driver that replaces pgbench does the same.
    shop = Shop(database, STOCK_ROWS)
    shop.fill()
    order_ids = shop.orders(20)
    make_floor(Server(url), STOCK_ROWS)

    with workers(url, 2) as pair:
        flow = pair.do(Job.PLACE, [order_ids[:10], order_ids[10:]])
        floor = pair.do(Job.FLOOR, [[""] * 10, [""] * 10])

    assert len(flow.latencies_s) == len(floor.latencies_s) == 20
    assert given.rows(database, "SELECT count(*) FROM orders WHERE state = 'placed'") == [(20,)]
    assert given.rows(database, "SELECT count(*) FROM floor.orders") == [(20,)]
    assert given.violations(database) == []


@pytest.mark.slow
def test_an_order_that_cannot_be_placed_ends_the_run_with_its_reason(
    url: str, database: Database
) -> None:
    make_floor(Server(url), STOCK_ROWS)

    with workers(url, 1) as alone, pytest.raises(WorkerFailed, match="UnknownOrder"):
        alone.do(Job.PLACE, [["nobody-ordered-this"]])


def test_the_floor_reserves_what_it_allocates(
    url: str, database: Database, directory: Path
) -> None:
    # Goal: the floor is an honest transaction, not only a fast one.
    pgbench = find_binaries().folder / "pgbench"
    if not pgbench.exists():
        pytest.skip("this Postgres comes without pgbench")
    skus = make_floor(Server(url), STOCK_ROWS)

    ran = run_pgbench(pgbench, Server(url), directory, skus, clients=2, duration_s=1)

    assert ran.orders_per_s > 0
    assert ran.client_cpu_ms > 0
    ((orders, parcels, units, reserved, messages),) = given.rows(
        database,
        """
        SELECT (SELECT count(*) FROM floor.orders), (SELECT count(*) FROM floor.parcels),
               (SELECT sum(quantity) FROM floor.parcel_items),
               (SELECT sum(reserved) FROM floor.stock_levels), (SELECT count(*) FROM floor.outbox)
        """,
    )
    assert units == reserved == 2 * orders
    assert orders == messages
    assert orders < parcels < 2 * orders
