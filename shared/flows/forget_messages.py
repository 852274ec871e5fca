"""Forget which messages and requests were applied, once they cannot come again."""

from collections.abc import Callable

from shared.flows.steps import Run
from shared.platform import idempotency, inbox
from shared.platform.db import Transaction

AT_ONCE = 5_000  # rows of one transaction: some ten milliseconds
MOST_STEPS = 100  # of one run; what is left then waits for the next hour


def forget_messages(run: Run) -> dict[str, int]:
    """Delete what is old enough, in short steps. Returns how many rows of each table."""
    return {
        "idempotency_keys": _forget(run, idempotency.forget),
        "inbox": _forget(run, inbox.forget),
    }


def _forget(run: Run, forget: Callable[[Transaction, int], int]) -> int:
    total = 0
    for _ in range(MOST_STEPS):
        gone = run(lambda tx: forget(tx, AT_ONCE))
        total += gone
        if gone < AT_ONCE:
            break
    return total
