"""How everything stands, in figures. Writes nothing.

Only what is open or young is counted, by indexes that hold nothing else: it stays as quick however
many orders are kept. A `scope` counts only what concerns these warehouses, or none yet. Each figure
is asked for, and told when it is called: all travel together.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeAlias, TypeVar

from shared.contracts.base import Document
from shared.contracts.http_ops import (
    CutOff,
    Hour,
    LetterCount,
    PromisesThen,
    Queue,
    Risk,
    StandingCount,
)
from shared.ops import letter_list, order_list
from shared.platform.db import Transaction
from shared.platform.driver import Row
from shared.platform.narrowed import narrowed
from shared.platform.sql import text

Scope = frozenset[str] | None  # warehouses; None: all
Result = TypeVar("Result")
Told = TypeVar("Told", bound=Document)
Answer: TypeAlias = Callable[[], Result]

SHOWN_HOURS = 24
AHEAD = frozenset({"waiting", "backordered", "partly_placed", "review", "placed"})  # still to leave
MOST_KINDS = 10  # of dead letters that are shown; a page of them is elsewhere
_LATELY_S = 60  # over which a queue's pace is measured

# Plans are made for any moment: of what came after one the planner expects a third of all there is,
# and of what came between two a little. So it is asked for with both ends.
_QUEUES = text("""
    WITH waiting AS (
        SELECT asked_priority AS priority, count(*) AS orders, min(asked_at) AS oldest_at
          FROM orders WHERE state = 'waiting' GROUP BY asked_priority
    ), came AS (
        SELECT asked_priority AS priority, count(*) AS orders
          FROM orders
         WHERE accepted_at > CAST(:lately AS timestamptz)
           AND accepted_at <= CAST(:now AS timestamptz)
         GROUP BY asked_priority
    ), decided AS (
        SELECT asked_priority AS priority, count(*) AS orders
          FROM (SELECT DISTINCT order_id FROM placement_decisions
                 WHERE decided_at > CAST(:lately AS timestamptz)
                   AND decided_at <= CAST(:now AS timestamptz)) AS lately
         CROSS JOIN LATERAL (SELECT asked_priority FROM orders
                              WHERE orders.order_id = lately.order_id OFFSET 0) AS orders
         GROUP BY asked_priority
    )
    SELECT priority, oldest_at, coalesce(waiting.orders, 0) AS waiting,
           coalesce(came.orders, 0) AS came, coalesce(decided.orders, 0) AS decided
      FROM unnest(ARRAY['express', 'standard', 'bulk']) WITH ORDINALITY AS queue (priority, place)
      LEFT JOIN waiting USING (priority)
      LEFT JOIN came USING (priority)
      LEFT JOIN decided USING (priority)
     ORDER BY place
""")
# Open orders are looked at once, for all that is told of them, in the two indexes that hold nothing
# else and say all of it: those that wait have one of their own.
_OPEN = """
    SELECT 'waiting' AS state, count(*) AS orders,
           count(*) FILTER (WHERE promised_at < :now) AS late,
           count(*) FILTER (WHERE promised_at < :in_4_h) AS by_4_h,
           count(*) FILTER (WHERE promised_at < :in_24_h) AS by_24_h
      FROM orders
     WHERE state = 'waiting' AND {conditions}
     UNION ALL
    SELECT state, count(*), count(*) FILTER (WHERE promised_at < :now),
           count(*) FILTER (WHERE promised_at < :in_4_h),
           count(*) FILTER (WHERE promised_at < :in_24_h)
      FROM orders
     WHERE state IN ('backordered', 'partly_placed', 'review', 'placed', 'shipped')
       AND {conditions}
     GROUP BY state
     UNION ALL
    SELECT state, count(*), 0, 0, 0
      FROM orders
     WHERE state IN ('delivered', 'returned', 'cancelled')
       AND accepted_at >= CAST(:since AS timestamptz) AND accepted_at <= CAST(:now AS timestamptz)
       AND {conditions}
     GROUP BY state
"""
# Hour by hour, each a stretch of an index; of its promises the worst of sixty samples.
_HOURS = text("""
    SELECT begins_at,
           (SELECT count(*) FROM orders
             WHERE accepted_at >= begins_at
               AND accepted_at < begins_at + interval '1 hour') AS accepted,
           (SELECT count(*) FROM placement_decisions
             WHERE decided_at >= begins_at
               AND decided_at < begins_at + interval '1 hour') AS decided,
           unshipped, at_risk, broken
      FROM generate_series(CAST(:since AS timestamptz), CAST(:now AS timestamptz),
                           interval '1 hour') AS begins_at
      LEFT JOIN LATERAL (
            SELECT unshipped, at_risk, broken FROM promise_samples
             WHERE sampled_at >= begins_at AND sampled_at < begins_at + interval '1 hour'
             ORDER BY at_risk + broken DESC, sampled_at DESC
             LIMIT 1) AS worst ON true
     ORDER BY begins_at
""")
_BY_HAND = text("""
    SELECT count(*) AS decided FROM audit_log
     WHERE at >= CAST(:since AS timestamptz) AND action = 'override_placement'
""")
_LETTERS = """
    SELECT source, code, count(*) AS letters, min(coalesce(last_failed_at, parked_at)) AS oldest_at
      FROM dead_letters WHERE state = 'open' AND {conditions}
     GROUP BY source, code
     ORDER BY letters DESC, source, code
"""
# What somebody was told, as long as the parcel is under way and has not moved since. Most are told
# of broken promises, and those are read beside the parcels whose promise is over, in an index. Of
# the others there are few, so each is looked up; OFFSET keeps the planner from reading all parcels
# under way instead.
_STANDING = """
    SELECT kind, count(*) AS parcels, min(since) AS oldest_at
      FROM (SELECT kind, since
              FROM standstills JOIN parcels USING (parcel_id)
             WHERE kind = 'overdue' AND order_promised_at = since
               AND order_promised_at < CAST(:now AS timestamptz)
               AND parcels.state IN ('labelled', 'shipped') AND {conditions}
             UNION ALL
            SELECT kind, since FROM standstills
             WHERE kind <> 'overdue'
               AND EXISTS (SELECT FROM parcels
                            WHERE parcels.parcel_id = standstills.parcel_id
                              AND state IN ('labelled', 'shipped')
                              AND (kind = 'expected_late'
                                   OR coalesce(last_update_at, since) <= since)
                              AND {conditions}
                           OFFSET 0)) AS standing
     GROUP BY kind
     ORDER BY kind
"""
# Whoever disables one, or leaves it disabled, has that in the audit trail; what fails has not.
_CUT_OFF = text("""
    SELECT name AS subscriber, disabled_at AS since, disabled_because AS because
      FROM webhook_subscribers
     WHERE state = 'disabled' AND disabled_at > :disabled_after
       AND NOT EXISTS (SELECT FROM audit_log
                        WHERE subject_kind = 'subscriber' AND subject_id = name
                          AND action = 'disable_subscriber' AND at >= disabled_at)
     ORDER BY disabled_at, name
""")
_IN_THEIRS = "warehouse = ANY(CAST(:scope AS text[]))"
_UNSENT = text("SELECT count(*) AS unsent, min(created_at) AS since FROM outbox")


@dataclass(frozen=True, slots=True)
class Unsent:
    """Messages that wait in the outbox, and since when the oldest."""

    messages: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Orders:
    """How orders stand at one moment.

    Attributes:
        states: how many are in each; of final ones, those accepted in the last 24 h.
        risk: open ones by how soon they were promised.
    """

    states: Mapping[str, int]
    risk: Risk


def queues(tx: Transaction) -> Answer[Sequence[Queue]]:
    """What waits to be placed, the most urgent queue first, and how fast it becomes less."""
    lately = tx.now - timedelta(seconds=_LATELY_S)
    return tx.ask(_QUEUES, _read_queues, lately=lately, now=tx.now)


def orders(tx: Transaction, scope: Scope) -> Answer[Orders]:
    """How orders stand, all of it at one moment."""
    return _of(
        tx,
        scope,
        _OPEN,
        order_list.THEIRS,
        _read_orders,
        now=tx.now,
        in_4_h=tx.now + timedelta(hours=4),
        in_24_h=tx.now + timedelta(hours=24),
        since=tx.now - timedelta(hours=SHOWN_HOURS),
    )


def hours(tx: Transaction) -> Answer[Sequence[Hour]]:
    """The last 24 hours and the running one, the oldest first."""
    this_hour = tx.now.replace(minute=0, second=0, microsecond=0)
    since = this_hour - timedelta(hours=SHOWN_HOURS)
    return tx.ask(_HOURS, _read_hours, since=since, now=tx.now)


def decided_by_hand(tx: Transaction) -> Answer[int]:
    """Placements of the last 24 h that a person decided."""
    since = tx.now - timedelta(hours=SHOWN_HOURS)
    return tx.ask(_BY_HAND, lambda rows: int(rows[0].decided), since=since)


def letters(tx: Transaction, scope: Scope) -> Answer[Sequence[LetterCount]]:
    """Open dead letters, those of which there are most first."""
    return _of(tx, scope, _LETTERS, letter_list.THEIRS, partial(_read, LetterCount))


def standing(tx: Transaction, scope: Scope) -> Answer[Sequence[StandingCount]]:
    """Parcels that stand still, by the way in which they do."""
    return _of(tx, scope, _STANDING, _IN_THEIRS, partial(_read, StandingCount), now=tx.now)


def cut_off(tx: Transaction, disabled_after: datetime) -> Answer[Sequence[CutOff]]:
    """Subscribers that were disabled by what failed, since a later moment than this."""
    return tx.ask(_CUT_OFF, partial(_read, CutOff), disabled_after=disabled_after)


def unsent(tx: Transaction) -> Answer[Unsent]:
    """What the relay has not sent yet."""
    return tx.ask(_UNSENT, lambda rows: Unsent(rows[0].unsent, rows[0].since))


def _of(
    tx: Transaction,
    scope: Scope,
    statement: str,
    theirs: str,
    read: Callable[[Sequence[Row]], Result],
    **parameters: object,
) -> Answer[Result]:
    """What a statement counts of all there is, or only of what fits `theirs`."""
    if scope is None:
        return tx.ask(narrowed(statement, ()), read, **parameters)
    return tx.ask(narrowed(statement, (theirs,)), read, scope=sorted(scope), **parameters)


def _read(kind: type[Told], rows: Sequence[Row]) -> Sequence[Told]:
    return [kind.model_validate(dict(row._mapping)) for row in rows]  # noqa: SLF001


def _read_queues(rows: Sequence[Row]) -> Sequence[Queue]:
    return [
        Queue.model_validate({**row._mapping, "empty_in_s": _empty_in_s(row)})  # noqa: SLF001
        for row in rows
    ]


def _empty_in_s(row: Any) -> int | None:
    fewer = row.decided - row.came
    return -(-row.waiting * _LATELY_S // fewer) if row.waiting and fewer > 0 else None


def _read_orders(rows: Sequence[Row]) -> Orders:
    ahead = [row for row in rows if row.state in AHEAD]
    late, by_4_h, by_24_h, all_of_them = (
        sum(getattr(row, name) for row in ahead) for name in ("late", "by_4_h", "by_24_h", "orders")
    )
    return Orders(
        states={row.state: row.orders for row in rows},
        risk=Risk(
            late=late,
            within_4_h=by_4_h - late,
            within_24_h=by_24_h - by_4_h,
            later=all_of_them - by_24_h,
            late_on_their_way=sum(row.late for row in rows if row.state == "shipped"),
        ),
    )


def _read_hours(rows: Sequence[Row]) -> Sequence[Hour]:
    return [
        Hour(
            begins_at=row.begins_at,
            accepted=row.accepted,
            decided=row.decided,
            promises=None
            if row.unshipped is None
            else PromisesThen(unshipped=row.unshipped, at_risk=row.at_risk, broken=row.broken),
        )
        for row in rows
    ]
