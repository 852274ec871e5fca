"""Housekeeping: holds that have ended give their units back."""

from shared.flows.give_back import give_back
from shared.flows.steps import Run, in_rounds
from shared.holds import store as holds
from shared.holds.types import HoldState
from shared.platform.db import Transaction

AT_ONCE = 200  # holds of one transaction, so that nobody waits long for their balances
MOST_STEPS = 200  # of one run; what is left then waits for the next minute


def expire_holds(run: Run) -> int:
    """End what is overdue, the oldest first, in short steps. Returns how many holds.

    A hold that somebody else ends or uses at this moment is passed over.
    """
    return in_rounds(run, _expire, at_once=AT_ONCE, most_steps=MOST_STEPS)


def _expire(tx: Transaction) -> int:
    ended = holds.lock_ended(tx, AT_ONCE)
    give_back(tx, ended, HoldState.EXPIRED)
    return len(ended)
