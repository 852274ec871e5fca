"""A flow that needs the outside world, or has much to do, has several steps, each a transaction."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from shared.platform.db import Transaction

Result = TypeVar("Result")


class Run(Protocol):
    """Runs one step, commits it, and sends what it announced."""

    def __call__(self, step: Callable[[Transaction], Result], /) -> Result: ...


def in_rounds(
    run: Run, step: Callable[[Transaction], int], *, at_once: int, most_steps: int
) -> int:
    """Do what a step does up to `at_once` of, until little was left to do. Returns how many.

    After `most_steps` the rest is left to the next run, so that none goes on for ever.
    """
    total = 0
    for _ in range(most_steps):
        done = run(step)
        total += done
        if done < at_once:
            break
    return total
