"""Things go wrong by chance, all the time, and the same things for the same seed."""

import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from emulators.chaos.switchboard import POSTGRES, Mode, Switchboard
from emulators.laptop.cli import UserMistake

SHORTEST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 5.0
DATABASE_MODES: Sequence[Mode] = ("fast", "immediate")
FAILURES = (429, 500, 503)
# How often each kind comes up, compared with the others. A killed process takes seconds to come
# back, so that more of them would leave little between two accidents.
WEIGHTS = {
    "fail": 6,
    "delay": 6,
    "twice": 6,
    "reorder": 6,
    "lose_answer": 6,
    "kill": 2,
    "restart_database": 1,
}
SENTENCES = {
    "fail": "{accident.target} fails with {accident.status}, {accident.count} times",
    "delay": "{accident.target} gets {accident.count} deliveries {accident.delay_s:g} s late",
    "twice": "{accident.target} gets {accident.count} deliveries twice",
    "reorder": "{accident.target} gets {accident.count} deliveries out of order",
    "lose_answer": "{accident.target} answers {accident.count} times, and nobody hears it",
    "kill": "{accident.target} is killed",
    "restart_database": "{accident.target} is shut down ({accident.mode})",
}


@dataclass(frozen=True, slots=True)
class Accident:
    """`kind` is one of WEIGHTS; a fault of deliveries hits the next `count` of them."""

    kind: str
    target: str
    count: int = 1
    status: int = 503
    delay_s: float = 0.0
    mode: Mode = "fast"

    def __str__(self) -> str:
        return SENTENCES[self.kind].format(accident=self)


def draw(chance: random.Random, targets: Mapping[str, Sequence[str]]) -> Accident:
    """The next accident, from what the switchboard's state names as targets."""
    weights = dict(WEIGHTS)
    if POSTGRES not in targets["process"]:
        del weights["restart_database"]
    kind = chance.choices(list(weights), list(weights.values()))[0]
    if kind == "restart_database":
        return Accident(kind, POSTGRES, mode=chance.choice(DATABASE_MODES))
    if kind == "kill":
        return Accident(kind, chance.choice([n for n in targets["process"] if n != POSTGRES]))
    hit = [name for sort in ("subscription", "queue", "function") for name in targets[sort]]
    return Accident(
        kind,
        chance.choice(hit),
        count=chance.randint(1, 4),
        status=chance.choice(FAILURES),
        delay_s=chance.randint(1, 6) / 2,
    )


def cause(switchboard: Switchboard, accident: Accident) -> None:
    """Let it happen.

    Raises:
        UserMistake: it cannot happen now, perhaps because of an earlier one.
    """
    if accident.kind == "kill":
        switchboard.kill(accident.target)
    elif accident.kind == "restart_database":
        switchboard.restart_database(accident.mode)
    else:
        switchboard.order(
            accident.kind,
            accident.target,
            next=accident.count,
            status=accident.status,
            delay_s=accident.delay_s,
        )


@contextmanager
def running(switchboard: Switchboard, seed: int, report: Callable[[str], None]) -> Iterator[None]:
    """Cause accidents until the block ends, and tell of each."""
    over = threading.Event()
    thread = threading.Thread(
        target=_run, args=(switchboard, seed, report, over), daemon=True, name="chaos"
    )
    report(f"chaos begins, with seed {seed}")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _run(
    switchboard: Switchboard, seed: int, report: Callable[[str], None], over: threading.Event
) -> None:
    chance = random.Random(seed)  # noqa: S311, nothing here is secret
    targets = switchboard.state()["targets"]
    while not over.wait(chance.uniform(SHORTEST_PAUSE_S, LONGEST_PAUSE_S)):
        accident = draw(chance, targets)
        try:
            cause(switchboard, accident)
        except (UserMistake, ProcessLookupError):
            continue  # what it was to happen to is just being started anew
        report(f"chaos: {accident}")
