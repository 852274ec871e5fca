"""What the steps of functions cost, added up by day and function.

A process adds up what it did and writes that down once a minute, with the answer of a step: one
row a day and function, however many orders there are. What was not written when a process is
killed is lost; one that is told to end writes it first.
"""

import time
from collections.abc import Mapping
from datetime import date
from threading import Lock

from shared.kit.errors import DispatchError
from shared.platform import log
from shared.platform.db import Database
from shared.platform.sql import text

PERIOD_S = 60.0  # between two statements of one process

# In one order, so that two processes never wait for each other.
_ADD = text("""
    INSERT INTO software_costs (day, function, steps, nano_usd)
    SELECT day, function, steps, nano_usd
      FROM unnest(CAST(:days AS date[]), CAST(:functions AS text[]), CAST(:steps AS bigint[]),
                  CAST(:nano_usd AS bigint[])) AS added (day, function, steps, nano_usd)
     ORDER BY day, function
        ON CONFLICT (day, function) DO UPDATE
       SET steps = software_costs.steps + excluded.steps,
           nano_usd = software_costs.nano_usd + excluded.nano_usd
""")


class SoftwareCosts:
    """What one process has not written down yet."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._added: dict[tuple[date, str], tuple[int, int]] = {}  # steps, and what they cost
        self._due_s = 0.0

    def add(self, day: date, function: str, nano_usd: int, steps: int = 1) -> None:
        """Steps of a function cost so much, in billionths of a dollar; `day` is in UTC."""
        with self._lock:
            before, cost = self._added.get((day, function), (0, 0))
            self._added[day, function] = before + steps, cost + nano_usd

    def keep_if_due(self, database: Database) -> None:
        """Write it down, where that was not done within the last minute."""
        with self._lock:
            now_s = time.monotonic()
            if now_s < self._due_s:
                return
            self._due_s = now_s + PERIOD_S
        self.keep(database)

    def keep(self, database: Database) -> None:
        """Write down what was added; where that fails, the next time will do."""
        with self._lock:
            added, self._added = self._added, {}
        if not added:
            return
        try:
            database.statement(_ADD, **_columns(added))
        except DispatchError as error:
            log.line("software_costs.not_kept", "WARNING", code=error.code)
            for (day, function), (steps, nano_usd) in added.items():
                self.add(day, function, nano_usd, steps)


def _columns(added: Mapping[tuple[date, str], tuple[int, int]]) -> Mapping[str, list[object]]:
    return {
        "days": [day for day, _ in added],
        "functions": [function for _, function in added],
        "steps": [steps for steps, _ in added.values()],
        "nano_usd": [nano_usd for _, nano_usd in added.values()],
    }
