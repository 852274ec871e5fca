"""`bench priorities`: what a flood of bulk orders does to express and standard ones.

Everything runs as it does in production, one process a function (one for all in a quick run), on a
stack of its own. Express and standard orders come one by one, in turns while nothing else happens
(the floor), while a part of the flood arrives at intake, and while the flood is being placed from
its queue. On a second stack, whose longest wait is less than a minute, the standard queue stands
still: its orders have to be promoted past a flood that was there before them, and their wait is
compared with the limit.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from emulators.bench.folder import own_folder
from emulators.bench.report import Figure, Progress, Report
from emulators.bench.traffic import Traffic, plentiful, traffic
from emulators.laptop.cli import UserMistake, positive
from emulators.laptop.stack import Options, Stack
from emulators.line.run import GaveUp
from shared.contracts.catalogue import CatalogueAgeing

PRIORITIES = ("express", "standard")
BULK = "placement-bulk"
STANDARD = "placement-standard"
SLOWED = 3.0  # times the quiet p95: a person who looks at the graph sees a bump, not an outage
MOVED_UP = 0.5  # of the longest wait, for an order that is promoted after a quarter of it
CARRIER_STEP_S = 3_600.0  # the parcels stay where they are; tracking is not what is measured

SHARE = 0.25  # of a standard order, as the product ships it
PROMOTED_EVERY_S = 0.5  # against a share of 10 s; in production a minute, against half an hour


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    flood: int  # bulk orders, a part of them in each round
    each: int  # express orders in a turn, and as many standard ones
    aged_flood: int  # bulk orders in each round of ageing
    rounds: int
    limit_s: int  # the longest wait, on the second stack


FULL = Size(flood=12_000, each=20, aged_flood=100, rounds=5, limit_s=40)
QUICK = Size(flood=150, each=2, aged_flood=20, rounds=1, limit_s=20)

Waits = dict[str, list[list[float]]]  # by priority, the waits in ms of each round


def _no_waits() -> Waits:
    return {priority: [] for priority in PRIORITIES}


@dataclass(slots=True)
class Flooded:
    """What the rounds of the flood found."""

    quiet: Waits = field(default_factory=_no_waits)
    arriving: Waits = field(default_factory=_no_waits)
    queued: Waits = field(default_factory=_no_waits)
    placed_per_s: list[float] = field(default_factory=list)  # of the flood
    faults: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Aged:
    """What the rounds of ageing found."""

    limit_s: int  # the longest wait
    promoted: list[list[float]] = field(default_factory=list)
    overtaken: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `bench priorities`."""
    parser.add_argument(
        "--flood", type=positive, metavar="N", help=f"bulk orders in all ({FULL.flood})"
    )
    parser.add_argument("--rounds", type=positive, metavar="N", help=f"of each ({FULL.rounds})")
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test; its figures mean little"
    )


def measure(arguments: argparse.Namespace, progress: Progress) -> Report:
    """Run the benchmark.

    Raises:
        UserMistake: the stack did not start here, or did not place what it was sent.
    """
    usual = QUICK if arguments.quick else FULL
    size = Size(
        flood=arguments.flood or usual.flood,
        each=usual.each,
        aged_flood=usual.aged_flood,
        rounds=arguments.rounds or usual.rounds,
        limit_s=usual.limit_s,
    )
    options = Options(process_per_function=not arguments.quick, carrier_step_s=CARRIER_STEP_S)
    limited = replace(options, settings={"DISPATCH_LONGEST_WAIT_S": str(size.limit_s)})
    try:
        with _running(options, progress) as line:
            flooded = _flood(line, size, progress)
        with _running(limited, progress) as line:
            aged = _age(line, size, progress)
    except GaveUp as given_up:
        raise UserMistake(str(given_up)) from given_up
    return Report(
        benchmark="priorities",
        figures=[*_flood_figures(flooded), *_ageing_figures(aged)],
        facts={
            "bulk_orders": size.flood,
            "orders_a_turn": size.each,
            "longest_wait_s": size.limit_s,
            "share_of_it": SHARE,
        },
        faults=[*flooded.faults, *aged.faults],
    )


@contextmanager
def _running(options: Options, progress: Progress) -> Iterator[Traffic]:
    progress("starting a stack")
    with (
        own_folder() as folder,
        Stack(folder, options) as stack,
        traffic(stack, plentiful()) as sender,
    ):
        sender.trickle([*PRIORITIES, "bulk"], each=2)  # every process has served its first
        sender.rest()
        yield sender


def _flood(sender: Traffic, size: Size, progress: Progress) -> Flooded:
    found = Flooded()
    sender.hold(BULK)
    flood: dict[str, datetime] = {}
    for number in range(1, size.rounds + 1):
        sender.rest()
        _trickle(sender, size, found.quiet)
        sender.rest()
        flood |= sender.publish("bulk", max(1, size.flood // size.rounds))
        _trickle(sender, size, found.arriving)
        sender.rest()
        begun_s, before = time.monotonic(), sender.unplaced(flood)
        sender.let_go(BULK)
        _trickle(sender, size, found.queued)
        left, lasted_s = sender.unplaced(flood), time.monotonic() - begun_s
        sender.hold(BULK)
        found.placed_per_s.append((before - left) / lasted_s)
        if not left:
            found.faults.append(f"the flood ended in round {number}: give it more orders")
        told = (
            f"{what} {_at(waits['express'][-1], 95):,.0f} ms"
            for what, waits in (
                ("quiet", found.quiet),
                ("arriving", found.arriving),
                ("queued", found.queued),
            )
        )
        progress(f"flood, round {number} of {size.rounds}, express p95: {', '.join(told)}")
    sender.rest()
    found.faults += sender.faults()
    return found


def _trickle(sender: Traffic, size: Size, waits: Waits) -> None:
    for priority, found in sender.trickle(PRIORITIES, size.each).items():
        waits[priority].append(found)


def _age(sender: Traffic, size: Size, progress: Progress) -> Aged:
    found = Aged(size.limit_s)
    sender.age(
        CatalogueAgeing(priority="standard", share=SHARE, asks="express"),
        CatalogueAgeing(priority="bulk", share=1.0, asks="bulk"),  # the flood keeps to its queue
    )
    sender.hold(STANDARD)
    for number in range(1, size.rounds + 1):
        sender.hold(BULK)
        flood = sender.publish("bulk", size.aged_flood)
        sender.rest()
        sent_at = sender.publish("standard", size.each)
        time.sleep(SHARE * size.limit_s)
        sender.let_go(BULK)
        waits_ms = sender.waits_ms(sent_at, meanwhile=_now_and_then(sender.promote))
        found.overtaken.append(sender.unplaced(flood))
        found.promoted.append(waits_ms)
        late = sum(wait_ms > 1e3 * size.limit_s for wait_ms in waits_ms)
        if late:
            found.faults.append(f"{late} promoted orders waited longer than {size.limit_s} s")
        progress(
            f"ageing, round {number} of {size.rounds}, promoted standard orders, p95: "
            f"{_at(waits_ms, 95):,.0f} ms"
        )
        sender.rest()
    found.faults += sender.faults()
    return found


def _now_and_then(act: Callable[[], None]) -> Callable[[], None]:
    """Acts when it is called, but not again before PROMOTED_EVERY_S have passed."""
    next_s = 0.0

    def perhaps() -> None:
        nonlocal next_s
        if time.monotonic() >= next_s:
            next_s = time.monotonic() + PROMOTED_EVERY_S
            act()

    return perhaps


def _flood_figures(found: Flooded) -> list[Figure]:
    figures = [
        Figure(
            what=f"{priority} p{percentile}, {when}",
            unit="ms",
            rounds=[_at(one, percentile) for one in waits[priority]],
            floor_rounds=[_at(one, percentile) for one in found.quiet[priority]],
            goal=SLOWED if percentile == 95 else None,
            at_most=True,
        )
        for when, waits in (
            ("bulk in its queue", found.queued),
            ("bulk at intake", found.arriving),
        )
        for priority in PRIORITIES
        for percentile in (50, 95)
    ]
    return [*figures, Figure("bulk placed meanwhile", "orders/s", found.placed_per_s)]


def _ageing_figures(found: Aged) -> list[Figure]:
    return [
        Figure(
            what="standard p95, queue stands still",
            unit="ms",
            rounds=[_at(waits_ms, 95) for waits_ms in found.promoted],
            floor_rounds=[1e3 * found.limit_s for _ in found.promoted],
            goal=MOVED_UP,
            at_most=True,
        ),
        Figure("older bulk orders overtaken", "orders", found.overtaken),
    ]


def _at(waits_ms: Sequence[float], percentile: int) -> float:
    """The time that `percentile` of a hundred waits did not exceed."""
    return sorted(waits_ms)[(len(waits_ms) - 1) * percentile // 100]
