"""Forget what was applied once it cannot come again, who signed in, what is over or old."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from shared.flows.steps import Run, in_rounds
from shared.ops.standing_still import over
from shared.orders import promise_samples
from shared.people import drafts, sessions, sign_in_attempts
from shared.platform import idempotency, inbox, live_changes
from shared.platform.db import Transaction
from shared.subscribers import webhook_deliveries
from shared.tracking import standstills
from shared.tracking import store as tracking

AT_ONCE = 5_000  # rows of one transaction: some ten milliseconds
MOST_STEPS = 100  # of one run; what is left then waits for the next hour


def forget_messages(run: Run, updates_kept: timedelta) -> dict[str, int]:
    """Delete what is old enough, in short steps. Returns how many rows of each table.

    `updates_kept` is for how long what carriers have sent is kept as they sent it.
    """
    return {
        "drafts": _forget(run, drafts.forget),
        "idempotency_keys": _forget(run, idempotency.forget),
        "inbox": _forget(run, inbox.forget),
        "webhook_deliveries": _forget(run, webhook_deliveries.forget),
        "live_changes": _forget(run, live_changes.forget),
        "promise_samples": _forget(run, promise_samples.forget),
        "sessions": _forget(run, sessions.forget),
        "sign_in_attempts": _forget(run, sign_in_attempts.forget),
        "standstills": _forget(run, _standstills),
        "carrier_updates": _forget(run, partial(tracking.forget, kept=updates_kept)),
    }


def _forget(run: Run, forget: Callable[[Transaction, int], int]) -> int:
    return in_rounds(run, lambda tx: forget(tx, AT_ONCE), at_once=AT_ONCE, most_steps=MOST_STEPS)


def _standstills(tx: Transaction, limit: int) -> int:
    """A parcel at its end stands no more, and nobody asks how it stood."""
    ended = over(tx, limit)
    if ended:
        tx.write(standstills.forget(ended))
    return len(ended)
