"""`bench placement-quality`: how good the engine's decisions are, and how long one takes.

Recorded orders are decided one after the other on stock that runs down by the engine's decisions;
what other strategies and HiGHS would have come to is worked out on the same stock, order by order,
so that only the one decision differs. All count the same: the money paid, and a penalty for every
parcel that comes after the promise.
"""

import argparse
import gc
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from statistics import mean

from emulators.bench.cases import LATE_CENTS, Case, Network, Recorded, made
from emulators.bench.report import Figure, Progress, Report
from emulators.bench.strategies import STRATEGIES, Outcome, engine_outcome
from emulators.laptop.cli import UserMistake, positive
from emulators.laptop.stack import ROOT
from emulators.line.recorded import FILES, recorded_shop
from shared.placement.engine import decide
from shared.placement.types import Parcel, Placement

ENGINE = "engine"
EXACT_SHARE = 0.999
HIGHS_LIMIT_S = 20.0

# What is shown of each way to place: what, unit, and its value for one order.
COUNTED: tuple[tuple[str, str, Callable[[Outcome], float]], ...] = (
    ("counted", "cents/order", attrgetter("counted_cents")),
    ("parcels", "parcels/order", attrgetter("parcels")),
    ("late", "% of orders", lambda outcome: 100.0 * outcome.is_late),
)
GOAL_US = 5_000.0  # p95 of an order of eight lines at twelve warehouses
SYNTHETIC = Network(lines=8, warehouses=12)
LARGEST = Network(lines=20, warehouses=12)
SEED = 1
# Of the largest orders one in fifty may be inexact, and lose no more than that, by its own bound.
LARGEST_EXACT_SHARE = 0.98
LARGEST_LOSS = 1.05

# What is imported: the engine alone, and the function that decides.
IMPORTED = ("shared.placement.engine", "functions.placement_worker.main")
_IMPORT = """
import pathlib, time
status = pathlib.Path("/proc/self/status")
def peak_kb():
    lines = status.read_text().splitlines() if status.exists() else []
    return [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
before = peak_kb()
begun_s = time.perf_counter()
import {module}
print((time.perf_counter() - begun_s) * 1e3)
print(*(after - start for start, after in zip(before, peak_kb())))
"""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured; `orders` None is all that are recorded."""

    orders: int | None
    compared: int  # orders of each kind that HiGHS solves, too
    made: int
    largest: int
    largest_compared: int
    imports: int


FULL = Size(orders=None, compared=150, made=400, largest=150, largest_compared=10, imports=5)
QUICK = Size(orders=200, compared=8, made=10, largest=2, largest_compared=0, imports=1)


@dataclass(slots=True)
class Found:
    """What came out of one set of orders."""

    name: str
    taken_us: list[float] = field(default_factory=list)  # of each decision
    placed: int = 0
    exact: int = 0
    losses: list[float] = field(default_factory=list)  # cost by its own bound, of each decision
    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)
    ours_cents: list[int] = field(default_factory=list)  # of the orders that HiGHS solved
    optima_cents: list[int] = field(default_factory=list)
    solved_ms: list[float] = field(default_factory=list)  # what HiGHS took
    unsolved: int = 0  # orders that HiGHS did not come to an end with
    faults: list[str] = field(default_factory=list)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `bench placement-quality`."""
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="a recorded data set, or a folder of such; its files are those of `replay`",
    )
    parser.add_argument("--orders", type=positive, metavar="N", help="of each data set (all)")
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test; its figures mean little"
    )


def measure(arguments: argparse.Namespace, progress: Progress) -> Report:
    """Run the benchmark.

    Raises:
        UserMistake: there is no data set where one should be.
    """
    size = QUICK if arguments.quick else FULL
    orders = arguments.orders or size.orders
    found = []
    for folder in _data_sets(arguments.data):
        progress(f"Deciding the orders of {folder.name}")
        shop = recorded_shop(folder, orders)
        recorded = Recorded(shop)
        every = max(1, len(shop.orders) // size.compared)
        found.append(_decide_all(shop.name, recorded, every, recorded.take))
    progress(f"Deciding {size.made} orders of {SYNTHETIC.lines} lines")
    every = max(1, size.made // size.compared)
    synthetic = _decide_all("made", made(SYNTHETIC, size.made, SEED), every)
    progress(f"Deciding {size.largest} orders of {LARGEST.lines} lines")
    largest = _decide_all(
        "largest",
        made(LARGEST, size.largest, SEED),
        size.largest // size.largest_compared if size.largest_compared else None,
    )
    progress("Importing what the function loads")
    return Report(
        benchmark="placement-quality",
        figures=[
            *(figure for one in found for figure in _figures(one)),
            *_figures(synthetic),
            Figure(
                "made: decision, p95 against the goal",
                "us",
                [_percentile(synthetic.taken_us, 95)],
                [GOAL_US],
                1.0,
                at_most=True,
            ),
            *_figures(largest, LARGEST_EXACT_SHARE, LARGEST_LOSS),
            *_imports(size.imports),
        ],
        facts={
            "times": "of the processor, so that neighbours do not count",
            "made": f"{SYNTHETIC.lines} lines, {SYNTHETIC.warehouses} warehouses, two services",
            "largest": f"{LARGEST.lines} lines, {LARGEST.warehouses} warehouses, two services",
            "stock": "runs down by the engine's decisions; each order is compared on the same",
            "late_parcel_counts_cents": LATE_CENTS,
            **{f"orders_{one.name}": _sizes(one) for one in (*found, synthetic, largest)},
        },
        faults=[fault for one in (*found, synthetic, largest) for fault in one.faults],
    )


def _data_sets(data: Path | None) -> list[Path]:
    wanted = f"a folder with {', '.join(FILES)}, or a folder of such folders"
    if data is None:
        raise UserMistake(f"bench placement-quality needs --data DIR: {wanted}.")
    folders = (
        [data]
        if (data / FILES[0]).is_file()
        else sorted(folder for folder in data.glob("*") if (folder / FILES[0]).is_file())
    )
    if not folders:
        raise UserMistake(f"{data} holds no data set; --data wants {wanted}.")
    return folders


def _decide_all(
    name: str,
    cases: Iterable[Case],
    every: int | None,
    take: Callable[[Sequence[Parcel]], None] | None = None,
) -> Found:
    """Decide one case after the other; `take` is told what each was given.

    One in `every` is solved by HiGHS, too; None: none is.
    """
    found = Found(name)
    # What was loaded for the run is none of the decisions' garbage to look through.
    gc.collect()
    gc.freeze()
    for number, case in enumerate(cases):
        begun_ns = time.thread_time_ns()
        decision = decide(case.demand, case.sites)
        found.taken_us.append((time.thread_time_ns() - begun_ns) / 1e3)
        if not isinstance(decision, Placement):
            continue
        found.placed += 1
        found.exact += decision.exact
        found.losses.append(100 * decision.total_cents / max(1, decision.lower_bound_cents))
        found.outcomes.setdefault(ENGINE, []).append(engine_outcome(decision))
        for strategy, place in STRATEGIES.items():
            found.outcomes.setdefault(strategy, []).append(place(case.demand, case.sites))
        if every is not None and number % every == 0:
            compare(found, case, decision)
        if take is not None:
            take(decision.parcels)
    return found


def _sizes(found: Found) -> str:
    split = sum(outcome.parcels > 1 for outcome in found.outcomes.get(ENGINE, []))
    return (
        f"{len(found.taken_us)} orders, {found.placed} placed, {split} of them in several parcels;"
        f" HiGHS solved {len(found.optima_cents)} and gave up {found.unsolved}"
    )


def compare(found: Found, case: Case, decision: Placement) -> None:
    """Let HiGHS solve the same order, and hold the decision to what it finds."""
    from emulators.bench.optimum import (  # noqa: PLC0415  a quarter of a second
        OptimumUnknown,
        optimum_cents,
    )

    begun_ns = time.thread_time_ns()
    try:
        optimum = optimum_cents(case.demand, case.sites, limit_s=HIGHS_LIMIT_S)
    except OptimumUnknown:
        found.unsolved += 1
        return
    found.solved_ms.append((time.thread_time_ns() - begun_ns) / 1e6)
    if optimum is None:
        found.faults.append(f"{case.order_id} is placed, and HiGHS sees no way to")
        return
    found.ours_cents.append(decision.total_cents)
    found.optima_cents.append(optimum)
    is_true = decision.lower_bound_cents <= optimum <= decision.total_cents
    if not is_true or (decision.exact and decision.total_cents > optimum):
        found.faults.append(
            f"{case.order_id} counts {decision.total_cents} cents, {decision.lower_bound_cents} at"
            f" least, and HiGHS finds {optimum}"
        )


def _figures(
    found: Found, exact_share: float = EXACT_SHARE, most_loss: float = 1.0
) -> Iterator[Figure]:
    name = found.name
    if not found.placed:
        return
    for percentile in (50, 95, 100):
        what = f"p{percentile}" if percentile < 100 else "slowest"
        yield Figure(f"{name}: decision, {what}", "us", [_percentile(found.taken_us, percentile)])
    share = 100 * found.exact / found.placed
    yield Figure(f"{name}: decided exactly", "%", [share], [100.0], exact_share)
    yield Figure(
        f"{name}: dearest by its own bound",
        "% of the bound",
        [max(found.losses)],
        [100.0],
        most_loss,
        at_most=True,
    )
    if found.optima_cents:
        dearest = max(
            100 * ours / best if best else 100.0
            for ours, best in zip(found.ours_cents, found.optima_cents, strict=True)
        )
        yield Figure(
            f"{name}: all that HiGHS solved, counted",
            "cents",
            [sum(found.ours_cents)],
            [sum(found.optima_cents)],
            most_loss,
            at_most=True,
        )
        yield Figure(
            f"{name}: dearest of them", "% of HiGHS", [dearest], [100.0], most_loss, at_most=True
        )
        yield Figure(f"{name}: HiGHS, p50", "us", [1e3 * _percentile(found.solved_ms, 50)])
    ours = found.outcomes[ENGINE]
    for strategy, outcomes in found.outcomes.items():
        for what, unit, of in COUNTED:
            floor = [] if strategy == ENGINE else [mean(map(of, ours))]
            yield Figure(f"{name}: {strategy}, {what}", unit, [mean(map(of, outcomes))], floor)


def _imports(rounds: int) -> Iterator[Figure]:
    """What a fresh process takes to load the engine, and the function that decides."""
    for module in IMPORTED:
        taken_ms, grown = [], []
        for _ in range(rounds):
            ran = subprocess.run(
                [sys.executable, "-c", _IMPORT.format(module=module)],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=True,
            )
            one_ms, *one_kb = ran.stdout.split()
            taken_ms.append(float(one_ms))
            grown += [int(kb) / 1e3 for kb in one_kb]
        yield Figure(f"import {module}", "ms", taken_ms)
        if grown:  # Linux alone tells
            yield Figure(f"import {module}, memory", "MB", grown)


def _percentile(values: Sequence[float], percentile: int) -> float:
    return sorted(values)[(len(values) - 1) * percentile // 100]
