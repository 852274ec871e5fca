"""How long parcels may stand is data."""

from dataclasses import replace

import pytest

from shared.flows.set_thresholds import MOST_HOURS, SetThresholds, set_thresholds
from shared.kit.errors import Malformed
from shared.platform.db import Database
from shared.tracking import standstill_rules
from shared.tracking.standstill_rules import Thresholds
from tests.support import given

WANTED = Thresholds("correios", "pac", 24, 48, 120, 12)


def test_they_count_from_then_on_and_the_last_wish_counts(database: Database) -> None:
    for wanted in (WANTED, replace(WANTED, silent_hours=96)):
        given.apply(database, set_thresholds, SetThresholds(wanted, "ana"))

    found = database.run(standstill_rules.all_of, given.cause())

    assert found[0] == replace(WANTED, silent_hours=96)
    assert (found[-1].carrier, found[-1].service) == ("*", "*")
    assert given.rows(
        database, "SELECT changed_by FROM standstill_rules WHERE carrier = 'correios'"
    ) == [("ana",)]


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
        given.apply(database, set_thresholds, SetThresholds(Thresholds(**values), "ana"))

    assert caught.value.field == field


def test_no_hours_beyond_the_promise_are_a_threshold_too(database: Database) -> None:
    given.apply(database, set_thresholds, SetThresholds(replace(WANTED, overdue_hours=0), "ana"))
