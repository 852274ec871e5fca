"""`bench placement`: the transaction that places an order, against the floor of this machine.

Floor and flow take turns on one private Postgres that is as durable as production's. The flow is
the real one without its relay: lock, decide, reserve, parcels, decision, outbox, commit.
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from emulators.bench import ground
from emulators.bench.breakdown import breakdown
from emulators.bench.floor import FloorFailed, FloorRun
from emulators.bench.ground import COUNTS, CROWD, HARDLY_WARM, WARM, Bench, WarmUp, in_words
from emulators.bench.report import Figure, Part, Progress, Report
from emulators.bench.workers import Round, WorkerFailed
from emulators.laptop.cli import UserMistake, positive
from emulators.laptop.postgres_binaries import PostgresFailed

GOAL = 0.5  # of the floor, with one worker
GOAL_TOGETHER = 1.0  # of the floor of one order at a time
TEAMS = (1, 2)  # workers that place what waits together; more of them than cores only wait
MANY = 4  # times as many orders wait where they are placed together


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    stock_rows: int
    orders: int  # in a round, with one worker and with eight
    rounds: int
    floor_s: float  # of each round of the floor
    warm_up: WarmUp


FULL = Size(stock_rows=100_000, orders=1_000, rounds=5, floor_s=3, warm_up=WARM)
QUICK = Size(stock_rows=400, orders=40, rounds=1, floor_s=1, warm_up=HARDLY_WARM)


@dataclass(slots=True)
class Measured:
    """The rounds so far, by the number of workers or clients."""

    floor: dict[int, list[FloorRun]] = field(default_factory=lambda: {n: [] for n in COUNTS})
    flow: dict[int, list[Round]] = field(default_factory=lambda: {n: [] for n in COUNTS})
    together: dict[int, list[float]] = field(default_factory=lambda: {n: [] for n in TEAMS})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `bench placement`."""
    parser.add_argument("--orders", type=positive, metavar="N", help=f"a round ({FULL.orders})")
    parser.add_argument("--rounds", type=positive, metavar="N", help=f"of each ({FULL.rounds})")
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test; its figures mean little"
    )
    parser.add_argument(
        "--breakdown", action="store_true", help="show where the time of one order goes"
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
    )
    try:
        with _bench(size, progress) as bench:
            return _measured(bench, size, progress, with_breakdown=arguments.breakdown)
    except (PostgresFailed, FloorFailed, WorkerFailed) as failure:
        raise UserMistake(str(failure)) from failure


def _measured(bench: Bench, size: Size, progress: Progress, *, with_breakdown: bool) -> Report:
    measured = Measured()
    for number in range(1, size.rounds + 1):
        for count in COUNTS:
            floor = bench.floor(count, duration_s=size.floor_s, orders=size.orders)
            flow = bench.place(bench.shop.orders(size.orders), count)
            measured.floor[count].append(floor)
            measured.flow[count].append(flow)
            progress(
                f"Round {number} of {size.rounds}, {in_words(count)}: "
                f"{flow.per_s:,.0f} orders/s, floor {floor.orders_per_s:,.0f}"
            )
        for count in TEAMS:
            order_ids = bench.shop.orders(MANY * size.orders)
            ran = bench.place_together(order_ids, count)
            measured.together[count].append(ran.per_s * len(order_ids) / len(ran.latencies_s))
            progress(
                f"Round {number} of {size.rounds}, together, {in_words(count)}:"
                f" {measured.together[count][-1]:,.0f} orders/s"
            )
    parts = _breakdown(bench, size, progress) if with_breakdown else ()
    progress("Auditing the database")
    return Report(
        benchmark="placement",
        figures=_figures(measured),
        facts={
            **bench.facts,
            "stock_rows": size.stock_rows,
            "orders_a_round": size.orders,
        },
        faults=bench.faults(),
        breakdown=parts,
    )


def _breakdown(bench: Bench, size: Size, progress: Progress) -> tuple[Part, ...]:
    progress("Looking where the time goes")
    order_ids = bench.shop.orders(size.warm_up.each + size.orders)
    bench.ends.update(dict.fromkeys(order_ids, "placed"))
    bench.database.close()  # the breakdown restarts Postgres
    return breakdown(
        bench.postgres,
        bench.server,
        warm_up=order_ids[: size.warm_up.each],
        timed=order_ids[size.warm_up.each :],
    )


def _figures(measured: Measured) -> list[Figure]:
    figures = [
        Figure(
            what=f"orders placed, {in_words(count)}",
            unit="orders/s",
            rounds=[ran.per_s for ran in measured.flow[count]],
            floor_rounds=[ran.orders_per_s for ran in measured.floor[count]],
            goal=GOAL if count == 1 else None,
        )
        for count in COUNTS
    ]
    figures += [
        Figure(
            what=f"orders placed together, {in_words(count)}",
            unit="orders/s",
            rounds=measured.together[count],
            floor_rounds=[ran.orders_per_s for ran in measured.floor[1]],
            goal=GOAL_TOGETHER if count == TEAMS[-1] else None,
        )
        for count in TEAMS
    ]
    for count in COUNTS:
        figures.append(
            Figure(
                what=f"client CPU, {in_words(count)}",
                unit="ms/order",
                rounds=[ran.client_cpu_ms for ran in measured.flow[count]],
                floor_rounds=[ran.client_cpu_ms for ran in measured.floor[count]],
            )
        )
        figures += [
            Figure(
                what=f"transaction p{percentile}, {in_words(count)}",
                unit="ms",
                rounds=[ran.latency_ms(percentile) for ran in measured.flow[count]],
            )
            for percentile in (50, 95)
        ]
    return figures


@contextmanager
def _bench(size: Size, progress: Progress) -> Iterator[Bench]:
    with (
        ground.own_postgres() as where,
        ground.bench(where, size.stock_rows, progress, name="placement", crowd=CROWD) as bench,
    ):
        bench.warm_up(size.warm_up)
        yield bench
