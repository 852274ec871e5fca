"""Before a release, the code that is to be released makes the decisions of the last hours again."""

from infra.release.judge import Limits, Verdict
from infra.release.replay import broken, replay
from shared.platform.db import Database
from shared.platform.sql import text
from tests.support import given
from tests.support.clock import TestClock


def decided(database: Database, orders: int) -> None:
    """Orders that were placed."""
    given.catalogue(database, {"BER": {"MUG": 9}, "LIS": {"MUG": 9}})
    for number in range(orders):
        given.order(database, f"ord_{number}", {"MUG": 1})
        given.place(database, f"ord_{number}")


def test_code_that_decides_as_before_may_be_released(database: Database, clock: TestClock) -> None:
    decided(database, 3)
    clock.advance(minutes=5)

    judgement = replay(database, 24, Limits())

    assert judgement.verdict is Verdict.PROMOTE
    assert judgement.reasons == ("decisions: 0 of 3 come out otherwise",)


def test_code_that_decides_otherwise_may_not_unless_it_is_meant_to(
    database: Database, clock: TestClock
) -> None:
    # Goal: what was kept is what another version of the code would have decided.
    decided(database, 3)
    clock.advance(minutes=5)
    database.statement(
        text("""UPDATE placement_decisions
                   SET receipt = jsonb_set(receipt, '{result,cost_cents}', '1')
                 WHERE order_id = 'ord_1'""")
    )

    assert replay(database, 24, Limits()).verdict is Verdict.ROLL_BACK
    assert replay(database, 24, Limits(differences=1)).verdict is Verdict.PROMOTE


def test_what_was_decided_earlier_is_left_alone(database: Database, clock: TestClock) -> None:
    decided(database, 2)
    clock.advance(hours=25)

    assert replay(database, 24, Limits()).reasons == ("decisions: 0 of 0 come out otherwise",)


def test_a_restored_database_is_audited_by_the_job_that_replays(database: Database) -> None:
    decided(database, 1)
    assert broken(database) == []

    database.statement(
        text("UPDATE stock_levels SET on_hand = on_hand + 1 WHERE warehouse = 'BER'")
    )

    assert [line for line in broken(database) if "BER" in line] != []
