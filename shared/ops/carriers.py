"""How carriers stand: who answers, what they sold, what was taken from them. Writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from shared.platform.db import Transaction

_CARRIERS = text("""
    WITH named AS (
        SELECT carrier FROM rate_cards UNION SELECT carrier FROM carrier_breakers
    ), sold AS (
        SELECT carrier, count(*) AS labels FROM labels
         WHERE bought_at >= :since GROUP BY carrier
    ), moved AS (
        SELECT from_carrier, to_carrier, count(*) AS parcels FROM parcel_reroutes
         WHERE rerouted_at >= :since GROUP BY from_carrier, to_carrier
    ), unlabelled AS (
        SELECT carrier, count(*) AS parcels, min(planned_at) AS since FROM parcels
         WHERE state IN ('planned', 'labelling') GROUP BY carrier
    ), to_void AS (
        SELECT carrier, count(*) AS labels FROM (
            SELECT carrier FROM labels WHERE state = 'void_requested'
             UNION ALL
            SELECT carrier FROM abandoned_labels WHERE state = 'void_requested') AS asked
         GROUP BY carrier)
    SELECT carrier, failures, failed_at, quiet_until, breaker.since, probe_until,
           coalesce(sold.labels, 0) AS bought,
           (SELECT coalesce(sum(parcels), 0) FROM moved WHERE from_carrier = carrier)::integer
               AS taken_away,
           (SELECT coalesce(sum(parcels), 0) FROM moved WHERE to_carrier = carrier)::integer
               AS taken_over,
           coalesce(unlabelled.parcels, 0) AS waiting, unlabelled.since AS waiting_since,
           coalesce(to_void.labels, 0) AS to_void
      FROM named
      LEFT JOIN carrier_breakers AS breaker USING (carrier)
      LEFT JOIN sold USING (carrier)
      LEFT JOIN unlabelled USING (carrier)
      LEFT JOIN to_void USING (carrier)
     ORDER BY carrier
""")
_WAITING = text("""
    SELECT parcel_id, order_id, warehouse, planned_at, ship_on IS NOT NULL AND ship_on < :today
               AS is_late
      FROM parcels WHERE carrier = :carrier AND state IN ('planned', 'labelling')
     ORDER BY planned_at, parcel_id
     LIMIT :limit
""")


@dataclass(frozen=True, slots=True)
class CarrierFigures:
    """What the tables say of a carrier.

    Attributes:
        failures, failed_at, quiet_until, since, probe_until: of its breaker; None, and 0 failures,
            where it never failed to answer.
        bought: labels, since the moment that was asked for.
        taken_away, taken_over: parcels that left it for another carrier, and that came to it.
        waiting, waiting_since: parcels without a label, and since when the first of them.
        to_void: labels that are to be given back.
    """

    carrier: str
    failures: int
    failed_at: datetime | None
    quiet_until: datetime | None
    since: datetime | None
    probe_until: datetime | None
    bought: int
    taken_away: int
    taken_over: int
    waiting: int
    waiting_since: datetime | None
    to_void: int


@dataclass(frozen=True, slots=True)
class WaitingParcel:
    """A parcel without a label; late: the day on which it was to leave is over."""

    parcel_id: str
    order_id: str
    warehouse: str
    planned_at: datetime
    is_late: bool


def carrier_figures(tx: Transaction, since: datetime) -> Sequence[CarrierFigures]:
    """Every carrier that has a rate card or ever failed to answer."""
    return [
        CarrierFigures(
            carrier=row.carrier,
            failures=row.failures or 0,
            failed_at=row.failed_at,
            quiet_until=row.quiet_until,
            since=row.since,
            probe_until=row.probe_until,
            bought=row.bought,
            taken_away=row.taken_away,
            taken_over=row.taken_over,
            waiting=row.waiting,
            waiting_since=row.waiting_since,
            to_void=row.to_void,
        )
        for row in tx.rows(_CARRIERS, since=since)
    ]


def waiting_parcels(tx: Transaction, carrier: str, limit: int) -> Sequence[WaitingParcel]:
    """Parcels that have no label of this carrier yet, those first that have waited longest."""
    rows = tx.rows(_WAITING, carrier=carrier, today=tx.now.date(), limit=limit)
    return [WaitingParcel(**row._mapping) for row in rows]  # noqa: SLF001
