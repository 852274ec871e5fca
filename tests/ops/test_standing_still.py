"""Which parcels stand still, found by indexes, is what a look at all of them finds."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

import pytest

from shared.flows.set_thresholds import SetThresholds, set_thresholds
from shared.ops.standing_still import Standstill, StuckParcel, Wanted, standing_still
from shared.people.types import Person
from shared.platform.db import Database
from shared.platform.sql import text
from shared.tracking.standstill_rules import ANY, USUAL, Thresholds
from tests.flows import doubles
from tests.support import given
from tests.support.clock import TestClock

PARCELS = 25
ROUNDS = 8
SERVICES = (("correios", "standard"), ("correios", "express"), ("jadlog", "standard"))
_MOVE = text("""
    UPDATE parcels
       SET state = :state, carrier = :carrier, service = :service, planned_at = :planned_at,
           ship_on = :ship_on, arrives_on = :arrives_on, shipped_at = :shipped_at,
           last_update_at = :last_update_at, tracking_status = :status,
           tracking_status_at = :status_at
     WHERE parcel_id = :parcel_id
""")
_PROMISE = text("""
    UPDATE orders SET promised_at = :promised_at
     WHERE order_id = (SELECT order_id FROM parcels WHERE parcel_id = :parcel_id)
""")

Stand = tuple[datetime, str, str, date | None]  # since, which parcel, in which way, expected on


@dataclass(frozen=True)
class Facts:
    """What is known of a parcel."""

    parcel_id: str
    carrier: str
    service: str
    state: str
    planned_at: datetime
    ship_on: date | None
    arrives_on: date | None
    shipped_at: datetime | None
    last_update_at: datetime | None
    status: str
    status_at: datetime | None
    promised_at: datetime


def stands(one: Facts, hours: Thresholds, now: datetime) -> list[Stand]:
    """The ways in which it stands, as they are explained to people."""
    expected = None
    if one.arrives_on is not None:
        left_on = (one.shipped_at or now).date()
        slip = 0 if one.ship_on is None else max(0, (left_on - one.ship_on).days)
        expected = one.arrives_on + timedelta(days=slip)
    found: list[tuple[Standstill, datetime | None, int]] = []
    if one.state == "labelled":
        since = one.planned_at
        if one.ship_on is not None:
            since = max(since, datetime.combine(one.ship_on, datetime.min.time(), now.tzinfo))
        found.append((Standstill.NOT_HANDED_OVER, since, hours.not_handed_over_hours))
    elif one.status == "ready_for_pickup":
        found.append((Standstill.NOT_COLLECTED, one.status_at, hours.not_collected_hours))
    else:
        heard_at = one.last_update_at or one.shipped_at
        found.append((Standstill.SILENT, heard_at, hours.silent_hours))
    found.append((Standstill.OVERDUE, one.promised_at, hours.overdue_hours))
    if one.promised_at >= now and expected is not None and expected > one.promised_at.date():
        found.append((Standstill.EXPECTED_LATE, one.planned_at, 0))
    return [
        (since, one.parcel_id, kind.value, expected)
        for kind, since, may in found
        if since is not None and since + timedelta(hours=may) < now
    ]


def told(stuck: StuckParcel) -> Stand:
    return (stuck.since, stuck.parcel_id, stuck.kind.value, stuck.expected_on)


@pytest.fixture
def parcels(database: Database) -> list[str]:
    """Parcels with labels, all of one warehouse."""
    given.catalogue(database, {"BER": {"MUG": 99}})
    for carrier, service in SERVICES[1:]:
        given.rated(database, carrier, service)
    for number in range(PARCELS):
        given.order(database, f"ord_{number:02}", {"MUG": 1})
        given.place(database, f"ord_{number:02}")
        doubles.labelled(database, f"ord_{number:02}")
    return [name for (name,) in given.rows(database, "SELECT parcel_id FROM parcels ORDER BY 1")]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_who_stands_is_found_whatever_the_rules_and_wherever_parcels_are(
    database: Database, clock: TestClock, parcels: list[str], seed: int
) -> None:
    # Oracle: every parcel that is under way, one after the other, in Python. Page by page, too.
    random = Random(seed)

    def ago(most_hours: int) -> datetime:
        return clock.now - timedelta(hours=random.randint(-48, most_hours))

    def some_day() -> date | None:
        return random.choice([None, *[ago(120).date()] * 9])

    for _ in range(ROUNDS):
        rules = {(ANY, ANY): USUAL}
        for carrier, service in random.sample([*SERVICES, ("correios", ANY), (ANY, ANY)], 3):
            hours = [random.randint(1, 100) for _ in range(4)]
            rules[carrier, service] = Thresholds(carrier, service, *hours)
        database.statement(text("DELETE FROM standstill_rules"))
        for rule in rules.values():
            wish = SetThresholds(rule, Person("ada", "because"))
            given.apply(database, set_thresholds, wish)
        facts = []
        for parcel_id in parcels:
            has_left = random.random() < 0.6
            one = Facts(
                parcel_id,
                *random.choice(SERVICES),
                "shipped" if has_left else "labelled",
                ago(200),
                some_day(),
                some_day(),
                ago(150) if has_left else None,
                random.choice([None, ago(100)]),
                random.choice(["in_transit", "ready_for_pickup"]) if has_left else "pending",
                ago(150),
                ago(60),
            )
            facts.append(one)
            database.statement(_MOVE, **vars(one))
            database.statement(_PROMISE, promised_at=one.promised_at, parcel_id=parcel_id)
        expected = sorted(
            (
                stand
                for one in facts
                for stand in stands(one, special(rules, one.carrier, one.service), clock.now)
            ),
            key=lambda stand: stand[:3],
        )

        assert [told(one) for one in listed(database, 9_999)] == expected
        for kind in Standstill:
            of_kind = [stand for stand in expected if stand[2] == kind]
            assert [told(one) for one in listed(database, 9_999, kind=kind)] == of_kind
        paged: list[Stand] = []
        while len(page := listed(database, 7, after=paged[-1][:3] if paged else None)) > 0:
            paged += map(told, page)
        assert paged == expected


def special(rules: dict[tuple[str, str], Thresholds], carrier: str, service: str) -> Thresholds:
    """The rule that counts: that of the carrier before that of the service."""
    tried = ((carrier, service), (carrier, ANY), (ANY, service), (ANY, ANY))
    return next(rules[key] for key in tried if key in rules)


def listed(
    database: Database,
    limit: int,
    kind: Standstill | None = None,
    after: tuple[datetime, str, str] | None = None,
) -> list[StuckParcel]:
    wanted = Wanted(kind=kind, after=after)
    return list(
        database.run(
            lambda tx: standing_still(tx, USUAL.stand_hours, limit=limit, wanted=wanted),
            given.cause(),
        )
    )
