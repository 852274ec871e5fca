"""What was decided is decided again from its receipt alone, whatever has happened since."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from shared.contracts.policies import PolicyDocument
from shared.costing.types import Step, Zone, ZoneRule
from shared.flows.publish_policy import PublishPolicy, publish_policy
from shared.flows.replay_decisions import Replay, replay_decisions
from shared.people.types import Person
from shared.platform.db import Database
from shared.platform.sql import text
from tests.support import given
from tests.support.clock import TestClock

EVER = datetime(1970, 1, 1, tzinfo=UTC)


def replay(database: Database, since: datetime = EVER) -> Replay:
    run = partial(database.run, cause=given.cause())
    return replay_decisions(run, since, database.now() + timedelta(days=1))


@pytest.fixture
def decided(database: Database) -> Database:
    """Orders that were placed, in one parcel and in several, in part, and not at all."""
    given.catalogue(
        database,
        {
            "BER": {"MUG": 9, "PEN": 3, "VASE": 0},
            "LIS": {"MUG": 9, "PEN": 9, "VASE": 0},
            "MUC": {"MUG": 1, "PEN": 1, "VASE": 0},
        },
    )
    given.works(database, "MUC", daily_parcels=1, capabilities=frozenset({"cold"}))
    wishes = PolicyDocument(split_cents=35, avoid_cents={"LIS": 10})
    wanted = PublishPolicy(wishes, None, Person("ada", "a test"))
    database.run(lambda tx: publish_policy(tx, wanted), given.cause())
    for number, wants in enumerate(
        [{"MUG": 1}, {"MUG": 2, "PEN": 5}, {"MUG": 5, "VASE": 1}, {"VASE": 2}, {"PEN": 6}]
    ):
        given.order(database, f"ord_{number}", wants)
        given.place(database, f"ord_{number}")
    return database


def test_every_decision_comes_out_as_it_was(decided: Database) -> None:
    found = replay(decided)

    assert (found.decisions, found.skipped, found.differences) == (5, 0, ())


def test_stock_rates_policies_and_warehouses_may_have_changed_since(
    decided: Database, clock: TestClock
) -> None:
    # Goal: a receipt holds all that its decision depended on.
    clock.advance(minutes=5)
    zones = (Zone("all", (ZoneRule(),), (Step(30_000, 1),)),)
    decided.run(
        lambda tx: given.rates(tx, valid_from=clock.now + timedelta(hours=1), zones=zones),
        given.cause(),
    )
    wanted = PublishPolicy(PolicyDocument(split_cents=900), None, Person("ada", "a test"))
    decided.run(lambda tx: publish_policy(tx, wanted), given.cause())
    given.works(decided, "BER", closed_for="a flood")
    given.appear(decided, "BER", {"MUG": 50})

    assert replay(decided).differences == ()


@pytest.mark.parametrize(
    ("lie", "part"),
    [
        ("jsonb_set(receipt, '{result,cost_cents}', '1')", "cost_cents"),
        ("jsonb_set(receipt, '{inputs,nodes}', '999')", "inputs_hash"),
        ("jsonb_set(receipt, '{result,parcels,0,warehouse}', '\"MARS\"')", "parcels"),
    ],
)
def test_what_was_written_otherwise_shows(decided: Database, lie: str, part: str) -> None:
    decided.statement(
        text(f"UPDATE placement_decisions SET receipt = {lie} WHERE order_id = 'ord_1'")
    )

    found = replay(decided).differences

    assert [(one.order_id, one.part) for one in found] == [("ord_1", part)]


def test_a_rate_card_that_is_gone_is_told(decided: Database) -> None:
    def lose(column: str) -> str:
        return f"replace({column}::text, 'correios', 'gone')::jsonb"

    decided.statement(
        text(
            f"UPDATE placement_decisions SET receipt = {lose('receipt')}, inputs_hash = 'x'"
            " WHERE order_id = 'ord_0'"
        )
    )

    assert {one.part for one in replay(decided).differences} == {"inputs_hash"}


def test_only_the_time_that_is_asked_for_is_looked_at(decided: Database, clock: TestClock) -> None:
    clock.advance(hours=1)
    given.order(decided, "later", {"MUG": 1})
    given.place(decided, "later")

    assert replay(decided, since=clock.now).decisions == 1


def test_what_another_engine_decided_is_left_alone_and_counted(decided: Database) -> None:
    decided.statement(
        text(
            "UPDATE placement_decisions SET receipt = jsonb_set(receipt, '{inputs,engine}', '0')"
            " WHERE order_id = 'ord_0'"
        )
    )

    found = replay(decided)

    assert (found.decisions, found.skipped) == (4, 1)
