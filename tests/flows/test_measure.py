"""What is told once a minute: how much waits, for how long, and who is not called."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from shared.flows.measure import measure
from shared.orders import promise_samples
from shared.platform import metrics
from shared.platform.db import Database
from shared.platform.dead_letters import park
from shared.platform.metrics import Label, Metric
from tests.flows.rerouting import open_breaker, planned
from tests.letters.letters import dead
from tests.support import given
from tests.support.clock import TestClock


@dataclass
class Gauges:
    """The last value of everything that was told."""

    values: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, metric: Metric, value: float, labels: Mapping[str, Label]) -> None:
        assert metric.kind == "gauge"
        self.values[" ".join([name, *map(str, labels.values())])] = value


@pytest.fixture
def gauges() -> Iterator[Gauges]:
    found = Gauges()
    metrics.keep_with(found)
    yield found
    metrics.keep_with(None)


def test_orders_outbox_and_promises_are_counted_with_the_age_of_the_oldest(
    database: Database, clock: TestClock, gauges: Gauges
) -> None:
    given.catalogue(database, {"BER": {"MUG": 2}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    clock.advance(minutes=10)
    for name in ("ord_2", "ord_3"):
        given.order(database, name, {"MUG": 1})
    given.place(database, "ord_2")  # there is nothing left
    clock.advance(seconds=30)

    database.run(measure, given.cause())

    told = gauges.values
    assert told["dispatch.outbox.depth"] > 0
    assert told["dispatch.outbox.age"] == 630.0
    assert told["dispatch.orders.accepted"] == 2  # and one ten minutes ago
    assert told["dispatch.orders placed"] == 1
    assert told["dispatch.orders backordered"] == 1
    assert told["dispatch.orders waiting"] == told["dispatch.orders.waiting standard"] == 1
    assert told["dispatch.orders.waiting.age standard"] == 30.0
    assert told["dispatch.decisions engine placed"] == 0  # that was ten minutes ago
    assert told["dispatch.decisions engine backordered"] == 1
    assert told["dispatch.promises at_risk"] == told["dispatch.promises broken"] == 0


@pytest.mark.parametrize(
    ("days", "hours", "at_risk", "broken"), [(3, 5, 0, 0), (3, 7, 1, 0), (4, 7, 0, 1)]
)
def test_a_promise_is_at_risk_in_its_last_day_and_broken_from_then_on(
    database: Database, clock: TestClock, gauges: Gauges, *, days: int, hours: int, at_risk: int,
    broken: int,
) -> None:  # fmt: skip
    given.catalogue(database, {"BER": {"MUG": 2}})
    given.order(database, "ord_1", {"MUG": 2})  # promised for the fourth day at six
    clock.advance(days=days, hours=hours)

    database.run(measure, given.cause())

    assert gauges.values["dispatch.promises at_risk"] == at_risk
    assert gauges.values["dispatch.promises broken"] == broken


def test_what_is_not_there_is_told_as_none_so_that_no_older_value_stays(
    database: Database, gauges: Gauges
) -> None:
    database.run(measure, given.cause())

    assert gauges.values
    assert set(gauges.values.values()) == {0}


def test_open_letters_are_counted_and_stand_in_the_log_by_their_code(
    database: Database, gauges: Gauges, capsys: pytest.CaptureFixture[str]
) -> None:
    given.apply(database, park, dead())
    capsys.readouterr()

    said = database.run(measure, given.cause())

    assert gauges.values["dispatch.letters"] == 1
    (line,) = (json.loads(text) for text in capsys.readouterr().out.splitlines())
    assert line["message"] == "measured"
    assert {name: line[name] for name in said} == said
    assert [name for name in said if name.startswith("letters_")] != []


def test_a_carrier_that_nobody_calls_is_told(
    database: Database, clock: TestClock, gauges: Gauges, capsys: pytest.CaptureFixture[str]
) -> None:
    planned(database)
    open_breaker(database)
    capsys.readouterr()

    database.run(measure, given.cause())
    assert gauges.values["dispatch.breaker correios"] == 2
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (told,) = [line for line in said if line["message"] == "carrier.not_called"]
    assert told["carrier"] == "correios"

    clock.advance(minutes=10)
    database.run(measure, given.cause())
    assert gauges.values["dispatch.breaker correios"] == 1


def test_how_promises_stand_is_kept_once_a_minute(database: Database, clock: TestClock) -> None:
    # Goal: a job that runs twice in a minute, as jobs can, leaves one sample and no error.
    given.catalogue(database, {"BER": {"MUG": 2}})
    for name in ("ord_1", "ord_2", "ord_3"):
        given.order(database, name, {"MUG": 2})  # promised for the fourth day at six
    given.place(database, "ord_1")
    clock.advance(days=3, hours=7)

    database.run(measure, given.cause())
    database.run(measure, given.cause())
    clock.advance(days=1)
    database.run(measure, given.cause())

    kept = "SELECT unshipped, at_risk, broken FROM promise_samples ORDER BY sampled_at"
    assert given.rows(database, kept) == [(3, 3, 0), (3, 0, 3)]


def test_samples_are_kept_for_eight_days(database: Database, clock: TestClock) -> None:
    database.run(measure, given.cause())
    clock.advance(days=8)
    assert database.run(lambda tx: promise_samples.forget(tx, 10), given.cause()) == 0
    clock.advance(minutes=1)

    assert database.run(lambda tx: promise_samples.forget(tx, 10), given.cause()) == 1
    assert given.rows(database, "SELECT count(*) FROM promise_samples") == [(0,)]
