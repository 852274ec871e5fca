"""Which parcels a carrier is to be asked about, across parcels, rules and earlier polls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.platform.db import Transaction
from shared.platform.sql import text

# Each further answer that a parcel is not known doubles the pause, up to these many times.
MOST_DOUBLINGS = 5


@dataclass(frozen=True, slots=True)
class SilentParcel:
    """A parcel under way of which its carrier has said nothing for a while."""

    parcel_id: str
    carrier: str


# Those under way have an index of their own; whoever was asked about longest ago comes first, so
# that no parcel waits for ever behind others.
_DUE = text("""
    WITH ruled AS (
        SELECT DISTINCT ON (parcel_id) parcel_id, parcels.carrier,
               coalesce(last_update_at,
                        greatest(planned_at, ship_on::timestamp AT TIME ZONE 'UTC')) AS heard_at,
               coalesce(rule.poll_after_hours, :poll_after_hours) AS poll_after_hours,
               coalesce(rule.poll_every_hours, :poll_every_hours) AS poll_every_hours,
               asked_at, unknown_times,
               -- Of one that it sends news of after all, it can be asked again.
               given_up_at IS NOT NULL
                   AND (last_update_at <= given_up_at) IS NOT FALSE AS is_given_up
          FROM parcels
          LEFT JOIN parcel_polls USING (parcel_id)
          LEFT JOIN standstill_rules AS rule
            ON rule.carrier IN (parcels.carrier, '*') AND rule.service IN (parcels.service, '*')
         WHERE state IN ('labelled', 'shipped')
         ORDER BY parcel_id, rule.carrier = '*', rule.service = '*'
    )
    SELECT parcel_id, carrier
      FROM ruled
     WHERE NOT is_given_up
       AND heard_at + make_interval(hours => poll_after_hours) <= CAST(:now AS timestamptz)
       AND (asked_at IS NULL
            OR asked_at + make_interval(hours => poll_every_hours)
                          * (1 << least(unknown_times, :most_doublings))
               <= CAST(:now AS timestamptz))
     ORDER BY coalesce(asked_at, heard_at), parcel_id
     LIMIT :limit
""")
_UNDER_WAY = text("""
    SELECT parcel_id, carrier
      FROM parcels
     WHERE state IN ('labelled', 'shipped') AND carrier = :carrier
     ORDER BY parcel_id
""")


def due_for_poll(
    tx: Transaction, usual: Mapping[str, int], *, limit: int
) -> Sequence[SilentParcel]:
    """Those of which nothing was heard for longer than their rule says, and not asked about since.

    `usual` are the hours where no rule says any: `poll_after_hours` and `poll_every_hours`.
    """
    rows = tx.rows(_DUE, now=tx.now, limit=limit, most_doublings=MOST_DOUBLINGS, **usual)
    return [SilentParcel(row.parcel_id, row.carrier) for row in rows]


def under_way(tx: Transaction, carrier: str) -> Sequence[SilentParcel]:
    """All parcels of the carrier that have a label and are not at their end."""
    rows = tx.rows(_UNDER_WAY, carrier=carrier)
    return [SilentParcel(row.parcel_id, row.carrier) for row in rows]
