"""Which parcels have stood for longer than they may, across parcels, promises and rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import text

from shared.platform.db import Transaction


class Standstill(StrEnum):
    """In which way."""

    NOT_HANDED_OVER = "not_handed_over"  # it has its label, and its carrier has not seen it
    SILENT = "silent"  # it is on its way, and nobody reports anything
    NOT_COLLECTED = "not_collected"  # it waits for the customer at a counter
    EXPECTED_LATE = "expected_late"  # it left, or has not left, so late that its promise is lost
    OVERDUE = "overdue"  # its promise has passed, and it is not delivered


@dataclass(frozen=True, slots=True)
class StuckParcel:
    """A parcel that has stood for longer than it may. Moments are UTC.

    Attributes:
        since: the last news, the promise or the plan; what the threshold is counted from.
        expected_on: when it can arrive by its rate card and the day on which it left, or by today
            where it has not; None where the card does not say how long it takes.
        promised_at: what the customer was told.
    """

    parcel_id: str
    order_id: str
    carrier: str
    service: str
    tracking_code: str
    status: str
    kind: Standstill
    since: datetime
    expected_on: date | None
    promised_at: datetime


# Every way in which each parcel under way may stand, with the moment that counts and the threshold
# of its most special rule. A parcel can stand in two ways: silent, and overdue.
_STUCK = text("""
    WITH ruled AS (
        SELECT DISTINCT ON (parcel_id) parcels.*,
               coalesce(rule.not_handed_over_hours, :not_handed_over_hours)
                   AS not_handed_over_hours,
               coalesce(rule.silent_hours, :silent_hours) AS silent_hours,
               coalesce(rule.not_collected_hours, :not_collected_hours) AS not_collected_hours,
               coalesce(rule.overdue_hours, :overdue_hours) AS overdue_hours,
               -- As many days as it was planned to take, from the day on which it really leaves.
               arrives_on + greatest(0, (coalesce(shipped_at, CAST(:now AS timestamptz))
                                         AT TIME ZONE 'UTC')::date - ship_on) AS expected_on
          FROM parcels
          LEFT JOIN standstill_rules AS rule
            ON rule.carrier IN (parcels.carrier, '*') AND rule.service IN (parcels.service, '*')
         WHERE state IN ('labelled', 'shipped')
         ORDER BY parcel_id, rule.carrier = '*', rule.service = '*'
    ), standing AS (
        SELECT parcel_id, 'not_handed_over' AS kind, not_handed_over_hours AS hours,
               greatest(planned_at, ship_on::timestamp AT TIME ZONE 'UTC') AS since
          FROM ruled WHERE state = 'labelled'
         UNION ALL
        SELECT parcel_id, 'silent', silent_hours, coalesce(last_update_at, shipped_at)
          FROM ruled WHERE state = 'shipped' AND tracking_status <> 'ready_for_pickup'
         UNION ALL
        SELECT parcel_id, 'not_collected', not_collected_hours, tracking_status_at
          FROM ruled WHERE state = 'shipped' AND tracking_status = 'ready_for_pickup'
         UNION ALL
        SELECT parcel_id, 'expected_late', 0, planned_at
          FROM ruled JOIN orders USING (order_id)
         WHERE expected_on > (promised_at AT TIME ZONE 'UTC')::date
           AND promised_at >= CAST(:now AS timestamptz)
         UNION ALL
        SELECT parcel_id, 'overdue', overdue_hours, promised_at
          FROM ruled JOIN orders USING (order_id)
    )
    SELECT parcel_id, order_id, carrier, service, tracking_code, tracking_status, kind, since,
           expected_on, promised_at
      FROM standing JOIN ruled USING (parcel_id) JOIN orders USING (order_id)
     WHERE since + make_interval(hours => hours) < CAST(:now AS timestamptz)
       AND (CAST(:carrier AS text) IS NULL OR carrier = :carrier)
       AND NOT (:untold AND EXISTS (SELECT FROM standstills AS told
                                     WHERE told.parcel_id = standing.parcel_id
                                       AND told.kind = standing.kind
                                       AND told.since = standing.since))
     ORDER BY since, parcel_id, kind
     LIMIT :limit
""")


def standing_still(
    tx: Transaction,
    usual: Mapping[str, int],
    *,
    limit: int,
    untold: bool = False,
    carrier: str | None = None,
) -> Sequence[StuckParcel]:
    """Those that have stood for longest first; `untold`: only those that nobody was told of.

    `usual` are the hours where no rule says any: `not_handed_over_hours`, `silent_hours`,
    `not_collected_hours` and `overdue_hours`.
    """
    rows = tx.rows(_STUCK, now=tx.now, limit=limit, untold=untold, carrier=carrier, **usual)
    return [
        StuckParcel(
            parcel_id=row.parcel_id,
            order_id=row.order_id,
            carrier=row.carrier,
            service=row.service,
            tracking_code=row.tracking_code,
            status=row.tracking_status,
            kind=Standstill(row.kind),
            since=row.since,
            expected_on=row.expected_on,
            promised_at=row.promised_at,
        )
        for row in rows
    ]
