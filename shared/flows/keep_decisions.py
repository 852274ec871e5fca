"""Decisions are kept for a while, by months; months to come have their tables beforehand."""

from datetime import timedelta

from shared.placement import store as decisions
from shared.platform.db import Transaction

KEPT_FOR = timedelta(days=400)  # a year, and what is looked at when the year before is compared


def keep_decisions(tx: Transaction) -> int:
    """Housekeeping: returns how many months were begun and dropped."""
    return decisions.keep(tx, tx.now - KEPT_FOR)
