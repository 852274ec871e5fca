"""`bench stock`: how fast units are promised, given back and sent, and what slows that down.

Every figure has its floor in the same run, in turns. Orders for any SKU stand beside the floor of
the machine, orders that all want one SKU beside orders that do not, and a database with a long
past beside one with a short one.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from emulators.bench.booking import bookings
from emulators.bench.floor import FloorFailed
from emulators.bench.ground import (
    COUNTS,
    CROWD,
    HARDLY_WARM,
    WARM,
    Bench,
    WarmUp,
    Where,
    bench,
    in_words,
    own_postgres,
)
from emulators.bench.growth import Past, grow
from emulators.bench.jobs import Job, Step, placer
from emulators.bench.report import Progress, Report
from emulators.bench.scans import first_scans
from emulators.bench.shop import CAUSE
from emulators.bench.trips import counted
from emulators.bench.turns import Kind, Turns
from emulators.bench.workers import WorkerFailed
from emulators.laptop.cli import UserMistake, positive
from emulators.laptop.postgres_binaries import PostgresFailed
from shared.flows.lay_anew import Word
from shared.flows.spread_stock import SpreadStock, spread_stock

HALF = 0.5  # of the floor
PARTITIONS = 16
HOT_PLACE = "BER"
IN_ONE_ROW, IN_PARTITIONS = "SKU-HOT-ROW", "SKU-HOT-SPREAD"
COUNTED_ORDERS = 20  # whose round trips are counted, in each round

PLACED = {
    count: Kind(f"orders placed, {in_words(count)}", "orders/s", HALF if count == 1 else None)
    for count in COUNTS
}
BOOKED = Kind("units of an order booked, 1 worker", "orders/s", HALF)
CANCELLED = Kind("orders cancelled, 1 worker", "orders/s")
SHIPPED = Kind("parcels shipped, 1 worker", "parcels/s")
ROUND_TRIPS = Kind("round trips of a placed order", "round trips", 3.0, at_most=True)
ANY_SKU = Kind(f"one line of any SKU, {in_words(CROWD)}", "orders/s")
ONE_ROW = Kind(f"one SKU in one row, {in_words(CROWD)}", "orders/s")
SPREAD = Kind(f"one SKU over {PARTITIONS} rows, {in_words(CROWD)}", "orders/s", HALF)


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    stock_rows: int
    orders: int  # in a round of each figure
    rounds: int
    floor_s: float  # of each round of the floor
    past: Past
    warm_up: WarmUp


FULL = Size(100_000, orders=1_000, rounds=5, floor_s=3, past=Past(10_000, 1_000_000), warm_up=WARM)
QUICK = Size(400, orders=40, rounds=1, floor_s=1, past=Past(50, 500), warm_up=HARDLY_WARM)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `bench stock`."""
    parser.add_argument("--orders", type=positive, metavar="N", help=f"a round ({FULL.orders})")
    parser.add_argument("--rounds", type=positive, metavar="N", help=f"of each ({FULL.rounds})")
    parser.add_argument(
        "--stored", type=positive, metavar="N", help=f"orders of a long past ({FULL.past.long})"
    )
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test; its figures mean little"
    )


def measure(arguments: argparse.Namespace, progress: Progress) -> Report:
    """Run the benchmark.

    Raises:
        UserMistake: Postgres or its pgbench did not work here.
    """
    usual = QUICK if arguments.quick else FULL
    size = replace(
        usual,
        orders=arguments.orders or usual.orders,
        rounds=arguments.rounds or usual.rounds,
        past=replace(usual.past, long=arguments.stored or usual.past.long),
    )
    found = Turns()
    try:
        with own_postgres() as where:
            faults, facts = _against_floors(where, size, found, progress)
            faults += grow(
                where,
                size.stock_rows,
                size.past,
                found,
                progress,
                each=size.warm_up.each,
                orders=size.orders,
                rounds=size.rounds,
            )
    except (PostgresFailed, FloorFailed, WorkerFailed) as failure:
        raise UserMistake(str(failure)) from failure
    return Report(
        benchmark="stock",
        figures=found.figures(),
        facts={
            **facts,
            "stock_rows": size.stock_rows,
            "orders_a_round": size.orders,
            "short_past": size.past.short,
            "long_past": size.past.long,
        },
        faults=faults,
    )


def _against_floors(
    where: Where, size: Size, found: Turns, progress: Progress
) -> tuple[list[str], dict[str, str | int | float]]:
    with bench(where, size.stock_rows, progress, name="stock", crowd=CROWD) as ground:
        _prepare_hot(ground)
        ground.warm_up(size.warm_up)
        place = placer(ground.database)
        _count_trips(ground, place, size.warm_up.each)  # its statements are prepared now
        for number in range(1, size.rounds + 1):
            _alone(ground, size, found)
            _together(ground, size, found)
            found.add(ROUND_TRIPS, _count_trips(ground, place, COUNTED_ORDERS), 1.0)
            for kinds in ((*PLACED.values(), BOOKED), (CANCELLED, SHIPPED), (ONE_ROW, SPREAD)):
                progress(f"Round {number} of {size.rounds}: {found.last(kinds)}")
        progress("Auditing the database")
        return ground.faults(), ground.facts


def _alone(ground: Bench, size: Size, found: Turns) -> None:
    """One worker places orders, cancels a half of them and learns that the others are sent."""
    floor = ground.floor(1, duration_s=size.floor_s, orders=size.orders).orders_per_s
    order_ids = ground.shop.orders(size.orders)
    found.add(PLACED[1], ground.place(order_ids, 1).per_s, floor)
    booked = ground.shop.orders(size.orders)
    items = bookings(ground.database, booked)
    ground.ends.update(dict.fromkeys(booked, "placed"))
    found.add(BOOKED, ground.workers.do(Job.BOOK, [items]).per_s, floor)
    half = size.orders // 2
    found.add(CANCELLED, _end(ground, Job.CANCEL, order_ids[:half], order_ids[:half]), floor)
    scans = first_scans(ground.database, order_ids[half:])
    found.add(SHIPPED, _end(ground, Job.TRACK, order_ids[half:], scans), floor)


def _together(ground: Bench, size: Size, found: Turns) -> None:
    """Eight workers place orders for any SKU, and then all for one."""
    floor = ground.floor(CROWD, duration_s=size.floor_s, orders=size.orders).orders_per_s
    found.add(PLACED[CROWD], ground.place(ground.shop.orders(size.orders), CROWD).per_s, floor)
    apart = ground.place(ground.shop.one_line_orders(size.orders), CROWD).per_s
    found.add(ANY_SKU, apart, floor)
    for kind, sku in ((ONE_ROW, IN_ONE_ROW), (SPREAD, IN_PARTITIONS)):
        hot = ground.place(ground.shop.one_line_orders(size.orders, sku), CROWD)
        found.add(kind, hot.per_s, apart)


def _end(ground: Bench, job: Job, order_ids: Sequence[str], items: Sequence[str]) -> float:
    """One worker ends these placed orders, an item at a time; returns items in a second."""
    state = "cancelled" if job is Job.CANCEL else "shipped"
    ground.ends.update(dict.fromkeys(order_ids, state))
    return ground.workers.do(job, [items]).per_s


def _count_trips(ground: Bench, place: Step, orders: int) -> float:
    """Place orders in this process; returns how often each waits for Postgres.

    Where rate cards are due to be read anew, that is done for an order before them.
    """
    first, *order_ids = ground.shop.orders(orders + 1)
    ground.ends.update(dict.fromkeys((first, *order_ids), "placed"))
    place(first)
    with counted() as trips:
        for order_id in order_ids:
            place(order_id)
    return len(trips) / orders


def _prepare_hot(ground: Bench) -> None:
    """Two SKUs for which all orders of a round ask, the second one in partitions."""
    for sku in (IN_ONE_ROW, IN_PARTITIONS):
        ground.shop.add(sku, HOT_PLACE)
    word = Word(actor="bench", reason="a SKU that many want at once", reference="bench")
    wanted = SpreadStock(IN_PARTITIONS, HOT_PLACE, PARTITIONS, word)
    ground.database.run(partial(spread_stock, wanted=wanted), CAUSE)
