"""How long parcels may stand is data."""

from dataclasses import replace

import pytest

from shared.flows.set_thresholds import MOST_HOURS, SetThresholds, set_thresholds
from shared.kit.errors import Malformed
from shared.people.types import Person
from shared.platform.db import Database
from shared.tracking import standstill_rules
from shared.tracking.standstill_rules import Thresholds
from tests.support import given

ANA = Person("ana", "it is slower")
WANTED = Thresholds("correios", "pac", 24, 48, 120, 12)


@pytest.fixture(autouse=True)
def carriers(database: Database) -> None:
    """Whom a wish may name."""
    given.rated(database, "correios", "pac")
    given.rated(database, "jadlog", "express")


def test_they_count_from_then_on_and_the_last_wish_counts(database: Database) -> None:
    for wanted in (WANTED, replace(WANTED, silent_hours=96)):
        given.apply(database, set_thresholds, SetThresholds(wanted, ANA))

    found = database.run(standstill_rules.all_of, given.cause())

    assert found[0] == replace(WANTED, silent_hours=96)
    assert (found[-1].carrier, found[-1].service) == ("*", "*")
    assert given.rows(
        database, "SELECT changed_by FROM standstill_rules WHERE carrier = 'correios'"
    ) == [("ana",)]
    assert given.rows(
        database,
        "SELECT actor, reason, before->'silent_hours', after->'silent_hours' FROM audit_log",
    ) == [("ana", "it is slower", None, 48), ("ana", "it is slower", 48, 96)]


@pytest.mark.parametrize("hours", [-1, MOST_HOURS + 1])
@pytest.mark.parametrize(
    "field",
    ["not_handed_over_hours", "silent_hours", "not_collected_hours", "overdue_hours"],
)
def test_hours_that_make_no_sense_are_refused_by_name(
    database: Database, field: str, hours: int
) -> None:
    values = {name: getattr(WANTED, name) for name in Thresholds.__slots__} | {field: hours}

    with pytest.raises(Malformed) as caught:
        given.apply(database, set_thresholds, SetThresholds(Thresholds(**values), ANA))

    assert caught.value.field == field


def test_no_hours_beyond_the_promise_are_a_threshold_too(database: Database) -> None:
    given.apply(database, set_thresholds, SetThresholds(replace(WANTED, overdue_hours=0), ANA))


@pytest.mark.parametrize(
    ("carrier", "service", "field", "known"),
    [
        ("corrieos", "*", "carrier", "correios, jadlog"),
        ("correios", "PAC", "service", "pac"),
        ("correios", "express", "service", "pac"),
        ("*", "PAC", "service", "express, pac"),
    ],
)
def test_a_name_that_nobody_has_is_refused_with_those_that_there_are(
    database: Database, carrier: str, service: str, field: str, known: str
) -> None:
    # Goal: a mistyped name must not look like a wish that counts.
    wanted = replace(WANTED, carrier=carrier, service=service)

    with pytest.raises(Malformed, match=f"{field}: .*; {known}$") as caught:
        given.apply(database, set_thresholds, SetThresholds(wanted, ANA))

    assert caught.value.field == field
