"""How long parcels of a carrier and service may stand, until it is said otherwise."""

from dataclasses import dataclass

from shared.kit.errors import Malformed
from shared.platform.db import Transaction
from shared.tracking import standstill_rules
from shared.tracking.standstill_rules import Thresholds

MOST_HOURS = 24 * 365


@dataclass(frozen=True, slots=True)
class SetThresholds:
    """A person's wish."""

    wanted: Thresholds
    by: str


def set_thresholds(tx: Transaction, wish: SetThresholds) -> None:
    """They count from the next run of the watch on.

    Raises:
        Malformed: a number of hours that makes no sense; `field` is its name.
    """
    wanted = wish.wanted
    for field, hours in wanted.hours.items():
        least = 0 if field == "overdue_hours" else 1  # at the promise itself
        if not least <= hours <= MOST_HOURS:
            raise Malformed(f"{field}: must be {least} to {MOST_HOURS}", field=field)
    tx.write(standstill_rules.put(tx, wanted, wish.by))
