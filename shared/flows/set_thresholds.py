"""How long parcels of a carrier and service may stand, until it is said otherwise."""

from dataclasses import dataclass

from shared.flows.audited import THRESHOLDS
from shared.flows.known_carriers import refuse_unknown_carrier, refuse_unknown_service
from shared.kit.errors import Malformed
from shared.people import audit_log
from shared.people.audit_log import Subject
from shared.people.types import Person
from shared.platform.db import Transaction
from shared.tracking import standstill_rules
from shared.tracking.standstill_rules import ANY, Thresholds

MOST_HOURS = 24 * 365


@dataclass(frozen=True, slots=True)
class SetThresholds:
    """A person's wish."""

    wanted: Thresholds
    person: Person


def set_thresholds(tx: Transaction, wish: SetThresholds) -> None:
    """They count from the next run of the watch on.

    Raises:
        Malformed: a number of hours that makes no sense, or a carrier or a service without a rate
            card; `field` is its name.
    """
    wanted, person = wish.wanted, wish.person
    for field, hours in wanted.hours.items():
        least = 0 if field == "overdue_hours" else 1  # at the promise itself
        if not least <= hours <= MOST_HOURS:
            raise Malformed(f"{field}: must be {least} to {MOST_HOURS}", field=field)
    carrier = None if wanted.carrier == ANY else wanted.carrier
    if carrier is not None:
        refuse_unknown_carrier(tx, carrier)
    if wanted.service != ANY:
        refuse_unknown_service(tx, carrier, wanted.service)
    before = standstill_rules.lock(tx, wanted.carrier, wanted.service)
    tx.write(
        standstill_rules.put(tx, wanted, person.by),
        audit_log.record(
            tx,
            person,
            "set_thresholds",
            Subject(THRESHOLDS, f"{wanted.carrier} {wanted.service}"),
            before=before.hours if before is not None else {},
            after=wanted.hours,
        ),
    )
