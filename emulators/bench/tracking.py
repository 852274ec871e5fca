"""`bench tracking`: how soon webhooks are acknowledged, and how fast updates are folded.

The webhook runs as it does in production, under gunicorn and functions-framework, beside a function
that does nothing but read its body; the same letters go to both, in turns. Folding is the
transaction of `order_tracking` without its relay, beside one insert in one transaction on the same
Postgres. Every update has the whole history so far; they come in any order, one in five twice.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from emulators.bench.doors import BARE, HOOK, Doors, NotAcknowledged, doors
from emulators.bench.floor import FloorFailed
from emulators.bench.ground import (
    HARDLY_WARM,
    WARM,
    Bench,
    WarmUp,
    bench,
    in_words,
    own_postgres,
    shares,
)
from emulators.bench.insert_floor import insert_rows, make_insert_floor
from emulators.bench.jobs import Job
from emulators.bench.payloads import STEPS, WAY, Document, Recorded, event, made, recorded
from emulators.bench.report import Progress, Report
from emulators.bench.scans import announced, labelled
from emulators.bench.turns import Kind, Turns
from emulators.bench.workers import WorkerFailed
from emulators.laptop.cli import UserMistake, positive
from emulators.laptop.postgres_binaries import PostgresFailed
from shared.kit.clock import utc_now

CLIENTS = (1, 8)
TEAMS = (1, 2)
ALLOWED_MS = 50.0  # from a webhook's first byte to its acknowledgement, for 95 of a hundred
TWICE = 0.2  # of the updates

WORDS = {1: "1 client", 8: "8 clients"}

ACKNOWLEDGED = {
    (clients, percentile): Kind(f"webhook p{percentile}, {WORDS[clients]}", "ms", at_most=True)
    for clients in CLIENTS
    for percentile in (50, 95)
}
IN_TIME = {
    clients: Kind(f"webhook p95 of what is allowed, {WORDS[clients]}", "ms", 1.0, at_most=True)
    for clients in CLIENTS
}
FOLDED = {count: Kind(f"updates folded, {in_words(count)}", "updates/s") for count in TEAMS}


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    letters: int  # in a round, with one client and with eight
    parcels: int  # in a round of folding, each with len(STEPS) updates
    rounds: int
    stock_rows: int
    floor_s: float  # of each round of the floor
    warm_up: WarmUp


FULL = Size(letters=400, parcels=250, rounds=5, stock_rows=20_000, floor_s=3, warm_up=WARM)
QUICK = Size(letters=24, parcels=12, rounds=1, stock_rows=400, floor_s=1, warm_up=HARDLY_WARM)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `bench tracking`."""
    parser.add_argument("--letters", type=positive, metavar="N", help=f"a round ({FULL.letters})")
    parser.add_argument("--parcels", type=positive, metavar="N", help=f"a round ({FULL.parcels})")
    parser.add_argument("--rounds", type=positive, metavar="N", help=f"of each ({FULL.rounds})")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="send the recorded trackers of DIR/payloads.jsonl.gz, and tell which cannot be read",
    )
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test; its figures mean little"
    )


def measure(arguments: argparse.Namespace, progress: Progress) -> Report:
    """Run the benchmark.

    Raises:
        UserMistake: Postgres, its pgbench or the stack did not work here, or there is no such data.
    """
    usual = QUICK if arguments.quick else FULL
    size = replace(
        usual,
        letters=arguments.letters or usual.letters,
        parcels=arguments.parcels or usual.parcels,
        rounds=arguments.rounds or usual.rounds,
    )
    data = None if arguments.data is None else recorded(arguments.data)
    found = Turns()
    try:
        faults = _acknowledge(size, _trackers(data), found, progress)
        more, facts = _fold(size, found, progress)
    except (PostgresFailed, FloorFailed, WorkerFailed, NotAcknowledged) as failure:
        raise UserMistake(str(failure)) from failure
    return Report(
        benchmark="tracking",
        figures=found.figures(),
        facts={**facts, **_about(data), "letters_a_round": size.letters, "parcels": size.parcels},
        faults=[*(() if data is None else data.faults), *faults, *more],
    )


def _trackers(data: Recorded | None) -> Sequence[Document]:
    return [made("any", utc_now())] if data is None else data.trackers


def _about(data: Recorded | None) -> dict[str, str | int | float]:
    if data is None:
        return {}
    return {"recorded_trackers": len(data.trackers), "payloads_of_others": data.others}


def _acknowledge(
    size: Size, trackers: Sequence[Document], found: Turns, progress: Progress
) -> list[str]:
    progress("Starting a webhook, and a function that does nothing")
    with doors(trackers) as place:
        for function in (BARE, HOOK):  # every thread has served its first
            place.knock(function, place.letters(size.letters), CLIENTS[-1])
        for number in range(1, size.rounds + 1):
            for clients in CLIENTS:
                _knock(place, size.letters, clients, found)
            kinds = [ACKNOWLEDGED[clients, 95] for clients in CLIENTS]
            progress(f"Round {number} of {size.rounds}: {found.last(kinds)}")
        return place.faults()


def _knock(place: Doors, letters: int, clients: int, found: Turns) -> None:
    floor_ms = place.knock(BARE, place.letters(letters), clients)
    latencies_ms = place.knock(HOOK, place.letters(letters), clients)
    for percentile in (50, 95):
        found.add(
            ACKNOWLEDGED[clients, percentile],
            _at(latencies_ms, percentile),
            _at(floor_ms, percentile),
        )
    found.add(IN_TIME[clients], _at(latencies_ms, 95), ALLOWED_MS)


def _at(latencies_ms: Sequence[float], percentile: int) -> float:
    """The time that `percentile` of a hundred did not exceed; they are sorted."""
    return latencies_ms[(len(latencies_ms) - 1) * percentile // 100]


def _fold(
    size: Size, found: Turns, progress: Progress
) -> tuple[list[str], dict[str, str | int | float]]:
    with (
        own_postgres() as where,
        bench(where, size.stock_rows, progress, name="tracking", crowd=TEAMS[-1]) as ground,
    ):
        make_insert_floor(ground.server)
        ground.warm_up(size.warm_up)
        random = Random(7)  # noqa: S311  a script, not a secret
        for count in TEAMS:
            ground.workers.do(Job.FOLD, _updates(ground, QUICK.parcels, count, random))
        for number in range(1, size.rounds + 1):
            for count in TEAMS:
                floor = _floor(ground, count, size)
                folded = ground.workers.do(Job.FOLD, _updates(ground, size.parcels, count, random))
                found.add(FOLDED[count], folded.per_s, floor)
            progress(f"Round {number} of {size.rounds}: {found.last(FOLDED.values())}")
        progress("Auditing the database")
        return ground.faults(), ground.facts


def _floor(ground: Bench, count: int, size: Size) -> float:
    if ground.pgbench is None:
        rows = shares([""] * size.parcels * len(STEPS), count)
        return ground.workers.do(Job.INSERT, rows).per_s
    ran = insert_rows(
        ground.pgbench, ground.server, ground.folder, clients=count, duration_s=size.floor_s
    )
    return ran.orders_per_s


def _updates(ground: Bench, parcels: int, count: int, random: Random) -> list[list[str]]:
    """Updates of new parcels for so many workers, a parcel's all for one, as its topic does it."""
    order_ids = ground.shop.orders(parcels)
    ground.place(order_ids, count)
    ground.ends.update(dict.fromkeys(order_ids, "delivered"))
    codes = labelled(ground.database, order_ids)
    begun_at = utc_now() - timedelta(hours=len(WAY))
    return [_doubled(ground, own, begun_at, random) for own in shares(codes, count)]


def _doubled(ground: Bench, codes: Sequence[str], begun_at: datetime, random: Random) -> list[str]:
    told: list[str] = []
    for length in STEPS:
        told += announced(
            ground.database, {code: event(made(code, begun_at, length)) for code in codes}
        )
    told += random.sample(told, round(TWICE * len(told)))
    random.shuffle(told)
    return told
