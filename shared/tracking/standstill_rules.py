"""The table standstill_rules: how long parcels may stand. Nothing else writes to it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from shared.platform.db import Transaction, Write

ANY = "*"  # a carrier or a service: whichever

_ALL = text("""
    SELECT carrier, service, not_handed_over_hours, silent_hours, not_collected_hours,
           overdue_hours
      FROM standstill_rules
     ORDER BY carrier = '*', carrier, service = '*', service
""")
_PUT = """
    INSERT INTO standstill_rules (carrier, service, not_handed_over_hours, silent_hours,
                                  not_collected_hours, overdue_hours, changed_at, changed_by)
    VALUES (:carrier, :service, :not_handed_over_hours, :silent_hours, :not_collected_hours,
            :overdue_hours, :now, :by)
        ON CONFLICT (carrier, service) DO UPDATE
       SET not_handed_over_hours = excluded.not_handed_over_hours,
           silent_hours = excluded.silent_hours,
           not_collected_hours = excluded.not_collected_hours,
           overdue_hours = excluded.overdue_hours,
           changed_at = excluded.changed_at, changed_by = excluded.changed_by
 RETURNING 1
"""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How many hours a parcel of this carrier and service may stand; `ANY` for whichever."""

    carrier: str
    service: str
    not_handed_over_hours: int
    silent_hours: int
    not_collected_hours: int
    overdue_hours: int  # beyond the promise

    @property
    def hours(self) -> dict[str, int]:
        """The hours alone, by their names."""
        return {
            "not_handed_over_hours": self.not_handed_over_hours,
            "silent_hours": self.silent_hours,
            "not_collected_hours": self.not_collected_hours,
            "overdue_hours": self.overdue_hours,
        }


# Two days until the first scan, a weekend without any, and the five days of most counters.
USUAL = Thresholds(ANY, ANY, 48, 72, 120, 0)


def all_of(tx: Transaction) -> Sequence[Thresholds]:
    """Every row, the most special first, and the usual ones where no row is for all parcels."""
    found = [
        Thresholds(
            row.carrier,
            row.service,
            row.not_handed_over_hours,
            row.silent_hours,
            row.not_collected_hours,
            row.overdue_hours,
        )
        for row in tx.rows(_ALL)
    ]
    has_all = bool(found) and (found[-1].carrier, found[-1].service) == (ANY, ANY)
    return found if has_all else [*found, USUAL]


def put(tx: Transaction, wanted: Thresholds, by: str) -> Write:
    """From now on these count for their carrier and service."""
    return Write(
        _PUT,
        {
            "carrier": wanted.carrier,
            "service": wanted.service,
            **wanted.hours,
            "now": tx.now,
            "by": by,
        },
        rows=1,
    )
