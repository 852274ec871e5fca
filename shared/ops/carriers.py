"""How carriers stand: who answers, what they sold, what was taken from them. Writes nothing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.contracts.http_ops_carriers import CarrierHour, FallbackRoute
from shared.platform.db import Transaction
from shared.platform.sql import text

SHOWN_HOURS = 24

_CARRIERS = text("""
    WITH named AS (
        SELECT carrier FROM rate_cards UNION SELECT carrier FROM carrier_breakers
    ), sold AS (
        SELECT carrier, count(*) AS labels FROM labels
         WHERE bought_at >= :since GROUP BY carrier
    ), moved AS (
        SELECT from_carrier, to_carrier, count(*) AS parcels FROM parcel_reroutes
         WHERE rerouted_at >= :since AND reason <> 'chosen_by_hand'
         GROUP BY from_carrier, to_carrier
    ), unlabelled AS (
        SELECT carrier, count(*) AS parcels, min(planned_at) AS since FROM parcels
         WHERE state IN ('planned', 'labelling') GROUP BY carrier
    ), to_void AS (
        SELECT carrier, count(*) AS labels FROM (
            SELECT carrier FROM labels WHERE state = 'void_requested'
             UNION ALL
            SELECT carrier FROM abandoned_labels WHERE state = 'void_requested') AS asked
         GROUP BY carrier)
    SELECT carrier, failures, failed_at, quiet_until, quiet_of, breaker.since, probe_until,
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
# An express parcel's label comes by its carrier's express queue, and keeps to the rate of that.
_SOLD = text("""
    SELECT label.carrier, priority = 'express' AS is_express,
           count(*) FILTER (WHERE bought_at > :minute_ago) AS last_minute,
           count(*) AS last_hour
      FROM labels AS label JOIN parcels USING (parcel_id) JOIN orders USING (order_id)
     WHERE bought_at > :hour_ago
     GROUP BY label.carrier, priority = 'express'
""")
_WAITING = text("""
    SELECT parcel_id, order_id, warehouse, planned_at, ship_on IS NOT NULL AND ship_on < :today
               AS is_late
      FROM parcels
     WHERE carrier = :carrier AND state IN ('planned', 'labelling')
       AND (CAST(:warehouses AS text[]) IS NULL
            OR warehouse = ANY(CAST(:warehouses AS text[])))
     ORDER BY planned_at, parcel_id
     LIMIT :limit
""")
_FALLBACKS = text("""
    SELECT from_carrier, to_carrier, currency, count(*) AS parcels,
           CAST(sum(difference_cents) AS bigint) AS difference_cents
      FROM parcel_reroutes WHERE rerouted_at >= :since AND reason <> 'chosen_by_hand'
     GROUP BY from_carrier, to_carrier, currency
     ORDER BY from_carrier, to_carrier, currency
""")
_HOURS = text("""
    WITH hours AS (
        SELECT generate_series(CAST(:since AS timestamptz), CAST(:now AS timestamptz),
                               interval '1 hour') AS begins_at
    ), sold AS (
        SELECT date_trunc('hour', bought_at, 'UTC') AS begins_at, count(*) AS bought
          FROM labels WHERE carrier = :carrier AND bought_at >= CAST(:since AS timestamptz)
         GROUP BY 1
    ), moved AS (
        SELECT date_trunc('hour', rerouted_at, 'UTC') AS begins_at, count(*) AS taken_away
          FROM parcel_reroutes
         WHERE from_carrier = :carrier AND rerouted_at >= CAST(:since AS timestamptz)
           AND reason <> 'chosen_by_hand'
         GROUP BY 1
    )
    SELECT begins_at, coalesce(bought, 0) AS bought, coalesce(taken_away, 0) AS taken_away
      FROM hours LEFT JOIN sold USING (begins_at) LEFT JOIN moved USING (begins_at)
     ORDER BY begins_at
""")


@dataclass(frozen=True, slots=True)
class CarrierFigures:
    """What the tables say of a carrier.

    Attributes:
        failures, failed_at, quiet_until, since, probe_until: of its breaker; None, and 0 failures,
            where it never failed to answer.
        quiet_of: by vendor, until when it wants no calls about the carrier; some of it is over.
        bought: labels, since the moment that was asked for.
        taken_away, taken_over: parcels that left it for another carrier, and that came to it,
            because one did not answer.
        waiting, waiting_since: parcels without a label, and since when the first of them.
        to_void: labels that are to be given back.
    """

    carrier: str
    failures: int
    failed_at: datetime | None
    quiet_until: datetime | None
    quiet_of: Mapping[str, datetime]
    since: datetime | None
    probe_until: datetime | None
    bought: int
    taken_away: int
    taken_over: int
    waiting: int
    waiting_since: datetime | None
    to_void: int


@dataclass(frozen=True, slots=True)
class Sold:
    """Labels that a carrier sold of late, for express parcels or for all others."""

    carrier: str
    is_express: bool
    last_minute: int
    last_hour: int


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
            quiet_of={
                vendor: datetime.fromisoformat(until)
                for vendor, until in sorted((row.quiet_of or {}).items())
            },
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


def labels_sold(tx: Transaction) -> Sequence[Sold]:
    """What was bought within the last hour, by the queues that the labels came by."""
    rows = tx.rows(
        _SOLD, minute_ago=tx.now - timedelta(minutes=1), hour_ago=tx.now - timedelta(hours=1)
    )
    return [Sold(**row._mapping) for row in rows]  # noqa: SLF001


def waiting_parcels(
    tx: Transaction, carrier: str, limit: int, warehouses: Collection[str] | None = None
) -> Sequence[WaitingParcel]:
    """Parcels that have no label of this carrier yet, those first that have waited longest.

    Of these warehouses alone, where any are named.
    """
    rows = tx.rows(
        _WAITING,
        carrier=carrier,
        today=tx.now.date(),
        limit=limit,
        warehouses=None if warehouses is None else sorted(warehouses),
    )
    return [WaitingParcel(**row._mapping) for row in rows]  # noqa: SLF001


def fallbacks(tx: Transaction, since: datetime) -> Sequence[FallbackRoute]:
    """Which carriers' parcels went by which others since then."""
    rows = tx.rows(_FALLBACKS, since=since)
    return [FallbackRoute.model_validate(dict(row._mapping)) for row in rows]  # noqa: SLF001


def hours(tx: Transaction, carrier: str) -> Sequence[CarrierHour]:
    """What became of the carrier's parcels in the last 24 hours and the running one."""
    this_hour = tx.now.replace(minute=0, second=0, microsecond=0)
    rows = tx.rows(
        _HOURS, carrier=carrier, since=this_hour - timedelta(hours=SHOWN_HOURS), now=tx.now
    )
    return [CarrierHour.model_validate(dict(row._mapping)) for row in rows]  # noqa: SLF001
