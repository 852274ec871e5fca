"""Add up the days of reports, so that nobody who asks for a quarter waits for a million orders."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from types import MappingProxyType

from shared.flows.steps import Run
from shared.ops.cost_reports import costs_of_day
from shared.ops.refusals import refusals_of_day
from shared.ops.reported_days import first_day
from shared.ops.service_reports import placements_of_day, promises_of_day
from shared.platform.db import Transaction
from shared.reports import store
from shared.reports.store import Kind

OF_DAY: Mapping[Kind, Callable[[Transaction, date], Mapping[str, str]]] = MappingProxyType(
    {
        Kind.COSTS: costs_of_day,
        Kind.DECISIONS: placements_of_day,
        Kind.PROMISES: promises_of_day,
        Kind.REFUSALS: refusals_of_day,
    }
)
KEPT_BACK = timedelta(days=400)  # as long as decisions are kept
AT_ONCE = 15  # days of each kind in one run; the newest first, the others by the next


def keep_reports(run: Run) -> int:
    """Housekeeping: add up the days that are over, and those in which something changed since.

    Returns:
        How many days were added up, of each kind.
    """
    run(lambda tx: store.raise_horizon(tx, tx.now.date()))
    due = [(kind, day) for kind in Kind for day in run(partial(_due, kind=kind))]
    return sum(run(partial(_keep, kind=kind, day=day)) for kind, day in due)


def _due(tx: Transaction, kind: Kind) -> Sequence[date]:
    first = max(first_day(tx) or date.max, (tx.now - KEPT_BACK).date())
    return store.due(tx, kind, first, AT_ONCE)


def _keep(tx: Transaction, kind: Kind, day: date) -> int:
    if not store.begin(tx, kind, day):
        return 0
    store.keep(tx, kind, day, OF_DAY[kind](tx, day))
    return 1
