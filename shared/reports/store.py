"""The tables of days that reports are made of. Nothing else writes to them.

What a day adds up to is said by those who look across the features; here it is kept. A day that is
kept is true until there is a mark on it. Marks are left by triggers, with the change that they are
of: in report_marks, where the day lies before the one of report_horizon.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from shared.platform.db import Transaction
from shared.platform.sql import Statement, text


class Kind(StrEnum):
    """What is added up by days."""

    COSTS = "costs"
    DECISIONS = "decisions"
    PROMISES = "promises"
    REFUSALS = "refusals"


_HORIZON = text("SELECT until FROM report_horizon")
# Whoever has read the horizon holds it until the change is committed, so all who know the old one
# are done when this has its lock, and all others find the new one.
_ALONE = text("LOCK TABLE report_horizon IN ACCESS EXCLUSIVE MODE")
_NOT_FOR_LONG = text("SET LOCAL lock_timeout = '200ms'")  # others wait behind this one
_RAISE = text("""
    INSERT INTO report_horizon AS horizon (until) VALUES (CAST(:until AS date))
        ON CONFLICT (only_row) DO UPDATE SET until = greatest(horizon.until, excluded.until)
""")
_ONE_AT_A_TIME = text("""
    SELECT pg_try_advisory_xact_lock(hashtextextended('report_days', 0)) AS is_free
""")
_UNMARK = text("DELETE FROM report_marks WHERE kind = CAST(:kind AS text) AND day = :day")
_KEPT = text("""
    INSERT INTO report_days (kind, day) VALUES (:kind, :day) ON CONFLICT DO NOTHING
""")
# The newest first: they are asked for most. One that is there anew has a mark.
_DUE = text("""
    WITH ahead AS (
        SELECT CAST(day AS date) AS day
          FROM report_horizon,
               generate_series(CAST(:first AS date), until - 1, interval '1 day') AS day
    )
    SELECT day FROM ahead
     WHERE NOT EXISTS (SELECT FROM report_days AS kept
                        WHERE kept.kind = CAST(:kind AS text) AND kept.day = ahead.day)
     UNION
    SELECT marks.day FROM report_marks AS marks WHERE marks.kind = CAST(:kind AS text)
     ORDER BY day DESC
     LIMIT :limit
""")
# Table -> what takes the place of a day's rows there.
_KEEP: Mapping[str, tuple[Statement, Statement]] = MappingProxyType(
    {
        "cost_days": (
            text("DELETE FROM cost_days WHERE day = :day"),
            text("""
                INSERT INTO cost_days
                SELECT * FROM jsonb_populate_recordset(NULL::cost_days, CAST(:rows AS jsonb))
            """),
        ),
        "sku_cost_days": (
            text("DELETE FROM sku_cost_days WHERE day = :day"),
            text("""
                INSERT INTO sku_cost_days
                SELECT * FROM jsonb_populate_recordset(NULL::sku_cost_days, CAST(:rows AS jsonb))
            """),
        ),
        "decision_days": (
            text("DELETE FROM decision_days WHERE day = :day"),
            text("""
                INSERT INTO decision_days
                SELECT * FROM jsonb_populate_recordset(NULL::decision_days, CAST(:rows AS jsonb))
            """),
        ),
        "promise_days": (
            text("DELETE FROM promise_days WHERE day = :day"),
            text("""
                INSERT INTO promise_days
                SELECT * FROM jsonb_populate_recordset(NULL::promise_days, CAST(:rows AS jsonb))
            """),
        ),
        "refusal_days": (
            text("DELETE FROM refusal_days WHERE day = :day"),
            text("""
                INSERT INTO refusal_days
                SELECT * FROM jsonb_populate_recordset(NULL::refusal_days, CAST(:rows AS jsonb))
            """),
        ),
    }
)


def raise_horizon(tx: Transaction, until: date) -> None:
    """Days before this one may be kept from now on: whoever changes one leaves a mark.

    Waits a moment for those who are changing something, and does nothing where the horizon is there
    already, or somebody else is at it.
    """
    (alone,) = tx.rows(_ONE_AT_A_TIME)
    row = tx.row(_HORIZON)
    if alone.is_free and (row is None or row.until < until):
        tx.rows(_NOT_FOR_LONG)
        tx.rows(_ALONE)
        tx.rows(_RAISE, until=until)


def due(tx: Transaction, kind: Kind, first: date, limit: int) -> Sequence[date]:
    """Days from `first` up to the horizon that are not kept, and any with a mark; newest first."""
    return [row.day for row in tx.rows(_DUE, kind=kind, first=first, limit=limit)]


def begin(tx: Transaction, kind: Kind, day: date) -> bool:
    """Nobody else keeps a day until the transaction ends; what has changed so far is known.

    What the day adds up to is read after this: a change that comes meanwhile keeps its mark. False
    where somebody else is at it.
    """
    (row,) = tx.rows(_ONE_AT_A_TIME)
    if row.is_free:
        tx.rows(_UNMARK, kind=kind, day=day)
    return bool(row.is_free)


def keep(tx: Transaction, kind: Kind, day: date, rows: Mapping[str, str]) -> None:
    """Table -> all its rows of the day, as a JSON array of objects, instead of those before."""
    for table, as_json in rows.items():
        drop, put = _KEEP[table]
        tx.rows(drop, day=day)
        tx.rows(put, rows=as_json)
    tx.rows(_KEPT, kind=kind, day=day)
