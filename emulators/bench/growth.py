"""Whether placing slows down as the past grows: two databases of one server, in turns.

One has a short past and is the floor of the other, which has a long one.
"""

import time
from dataclasses import dataclass

from emulators.bench import past
from emulators.bench.ground import Bench, WarmUp, Where, bench
from emulators.bench.report import Progress
from emulators.bench.turns import Kind, Turns

KEPT = 0.8  # of the rate with a short past
PLACED = Kind("orders placed with a long past, 1 worker", "orders/s", KEPT)
AUDITED = Kind("audit with a long past", "s")


@dataclass(frozen=True, slots=True)
class Past:
    """How many orders are stored already."""

    short: int
    long: int


def grow(
    where: Where,
    stock_rows: int,
    stored: Past,
    found: Turns,
    progress: Progress,
    *,
    each: int,
    orders: int,
    rounds: int,
) -> list[str]:
    """Measure in both databases; returns what the runs broke, as sentences.

    Args:
        where: the server.
        stock_rows: balances in each database.
        stored: orders of the past in each database.
        found: gets the figures.
        progress: told of each round.
        each: orders that warm up the worker.
        orders: placed in each round.
        rounds: of each database, in turns.
    """
    with (
        bench(where, stock_rows, progress, name="short_past", crowd=1) as short,
        bench(where, stock_rows, progress, name="long_past", crowd=1) as long,
    ):
        for ground, number in ((short, stored.short), (long, stored.long)):
            past.store(ground.database, ground.shop, number, progress)
            ground.warm_up(WarmUp(past_orders=0, each=each))
        for number in range(1, rounds + 1):
            beside, rate = (_rate(ground, orders) for ground in (short, long))
            found.add(PLACED, rate, beside)
            progress(f"Round {number} of {rounds}: {found.last([PLACED])}")
        progress("Auditing both databases")
        (short_s, faults), (long_s, more) = _audited(short), _audited(long)
        found.add(AUDITED, long_s, short_s)
        return faults + more


def _rate(ground: Bench, orders: int) -> float:
    return ground.place(ground.shop.orders(orders), 1).per_s


def _audited(ground: Bench) -> tuple[float, list[str]]:
    begun_s = time.monotonic()
    faults = ground.faults()
    return time.monotonic() - begun_s, faults
