"""Which days of a report are read as they were added up, and which are counted anew.

Each is the beginning of a statement: `anew` are the days in UTC that it counts from what happened.
Whatever else it tells of comes from the tables of shared/reports, of days without a mark.
"""

from datetime import date

from shared.platform.db import Transaction
from shared.platform.sql import text

# Of a range of days: those that are not kept, or in which something has changed since. Of an array
# the planner expects a few; and what happened on a day it expects to be a little of all there is
# where that is asked of each day by itself (LATERAL, with an OFFSET that keeps it apart).
STALE = """
    WITH anew AS MATERIALIZED (
        SELECT day FROM unnest(ARRAY(
            SELECT CAST(asked AS date)
              FROM generate_series(CAST(:first AS date), CAST(:last AS date), interval '1 day')
                   AS asked
             WHERE NOT EXISTS (SELECT FROM report_days AS kept
                                WHERE kept.kind = '{kind}' AND kept.day = CAST(asked AS date))
                OR EXISTS (SELECT FROM report_marks AS mark
                            WHERE mark.kind = '{kind}' AND mark.day = CAST(asked AS date))
        )) AS day)
"""
ONE = """
    WITH anew AS MATERIALIZED (SELECT CAST(:day AS date) AS day)
"""
# What a night looks over: the two newest that are kept, and each other one once in four weeks.
AUDITED = """
    WITH anew AS MATERIALIZED (
        SELECT day FROM report_days AS kept
         WHERE kind = '{kind}' AND day > CAST(CAST(:now AS timestamptz) AS date) - 92
           AND (day > (SELECT max(day) - 2 FROM report_days WHERE kind = '{kind}')
                OR (day - CAST(CAST(:now AS timestamptz) AS date)) % 28 = 0)
           AND NOT EXISTS (SELECT FROM report_marks AS mark
                            WHERE mark.kind = '{kind}' AND mark.day = kept.day))
"""
# Behind rows that are counted (`live`): as they are kept, and where what is kept is not that.
AS_JSON = """
    SELECT CAST(coalesce(jsonb_agg(to_jsonb(live)), '[]') AS text) AS rows FROM live
"""
DIFFERING = """
    SELECT concat_ws(' ', '{table}', coalesce(kept.facts, live.facts)->>'day') AS subject,
           coalesce(CAST(kept.facts AS text), 'none') AS found,
           coalesce(CAST(live.facts AS text), 'none') AS expected
      FROM (SELECT to_jsonb(live) AS facts FROM live) AS live
      FULL JOIN (SELECT to_jsonb(stored) AS facts
                   FROM {table} AS stored JOIN anew USING (day)) AS kept USING (facts)
     WHERE live.facts IS NULL OR kept.facts IS NULL
"""
_FIRST = text("""
    SELECT CAST(min(accepted_at) AT TIME ZONE 'UTC' AS date) AS day FROM orders
""")


def first_day(tx: Transaction) -> date | None:
    """The day of the first order, before which there is nothing to report; None: there is none."""
    (row,) = tx.rows(_FIRST)
    first: date | None = row.day
    return first
