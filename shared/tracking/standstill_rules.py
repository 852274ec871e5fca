"""The table standstill_rules: how long parcels may stand. Nothing else writes to it."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.platform.db import Transaction, Write
from shared.platform.sql import text

ANY = "*"  # a carrier or a service: whichever

_ALL = text("""
    SELECT carrier, service, not_handed_over_hours, silent_hours, not_collected_hours,
           overdue_hours, poll_after_hours, poll_every_hours
      FROM standstill_rules
     ORDER BY carrier = '*', carrier, service = '*', service
""")
_LOCK = text("""
    SELECT carrier, service, not_handed_over_hours, silent_hours, not_collected_hours,
           overdue_hours, poll_after_hours, poll_every_hours
      FROM standstill_rules
     WHERE carrier = :carrier AND service = :service
       FOR UPDATE
""")
_PUT = """
    INSERT INTO standstill_rules (carrier, service, not_handed_over_hours, silent_hours,
                                  not_collected_hours, overdue_hours, poll_after_hours,
                                  poll_every_hours, changed_at, changed_by)
    VALUES (:carrier, :service, :not_handed_over_hours, :silent_hours, :not_collected_hours,
            :overdue_hours, :poll_after_hours, :poll_every_hours, :now, :by)
        ON CONFLICT (carrier, service) DO UPDATE
       SET not_handed_over_hours = excluded.not_handed_over_hours,
           silent_hours = excluded.silent_hours,
           not_collected_hours = excluded.not_collected_hours,
           overdue_hours = excluded.overdue_hours,
           poll_after_hours = excluded.poll_after_hours,
           poll_every_hours = excluded.poll_every_hours,
           changed_at = excluded.changed_at, changed_by = excluded.changed_by
 RETURNING 1
"""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How many hours a parcel of this carrier and service may stand; `ANY` for whichever.

    The last two say when its carrier is asked about one of which nothing is heard, and how long
    nobody asks again.
    """

    carrier: str
    service: str
    not_handed_over_hours: int
    silent_hours: int
    not_collected_hours: int
    overdue_hours: int  # beyond the promise
    poll_after_hours: int = 12
    poll_every_hours: int = 12

    @property
    def hours(self) -> dict[str, int]:
        """The hours alone, by their names."""
        return {**self.stand_hours, **self.poll_hours}

    @property
    def stand_hours(self) -> dict[str, int]:
        """Those after which a parcel stands still."""
        return {
            "not_handed_over_hours": self.not_handed_over_hours,
            "silent_hours": self.silent_hours,
            "not_collected_hours": self.not_collected_hours,
            "overdue_hours": self.overdue_hours,
        }

    @property
    def poll_hours(self) -> dict[str, int]:
        """Those after which its carrier is asked."""
        return {
            "poll_after_hours": self.poll_after_hours,
            "poll_every_hours": self.poll_every_hours,
        }


# Two days until the first scan, a weekend without any, and the five days of most counters; asked
# for twice a day, which finds what was missed before anybody else would.
USUAL = Thresholds(ANY, ANY, 48, 72, 120, 0)


def all_of(tx: Transaction) -> Sequence[Thresholds]:
    """Every row, the most special first, and the usual ones where no row is for all parcels."""
    found = [Thresholds(**row._mapping) for row in tx.rows(_ALL)]  # noqa: SLF001
    has_all = bool(found) and (found[-1].carrier, found[-1].service) == (ANY, ANY)
    return found if has_all else [*found, USUAL]


def lock(tx: Transaction, carrier: str, service: str) -> Thresholds | None:
    """The row of exactly this carrier and service, which stays until the transaction ends."""
    row = tx.row(_LOCK, carrier=carrier, service=service)
    return None if row is None else Thresholds(**row._mapping)  # noqa: SLF001


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
