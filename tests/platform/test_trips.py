"""Round trips: what travels together, in its order, and what then does not hold."""

from collections.abc import Sequence
from typing import Any

import pytest

from emulators.bench.trips import counted
from shared.platform.db import BrokenStatement, Database, LostRace, Transaction, Write
from shared.platform.sql import text
from tests.platform.weighed import HEAVIER, PUT, put, weights
from tests.support import given

SKUS = text("SELECT sku FROM skus WHERE sku <> :but ORDER BY sku")


def names(rows: Sequence[Any]) -> list[str]:
    return [row.sku for row in rows]


def test_what_is_written_last_travels_with_its_commit(database: Database) -> None:
    # Goal: a trip costs as much as a small statement. A step that only writes is a single one.
    database.run(lambda tx: tx.write(put("A")), given.cause())  # prepared by now

    with counted() as trips:
        database.run(lambda tx: tx.write(put("B")), given.cause())

    assert len(trips) == 1
    assert weights(database) == [("A", 1), ("B", 1)]


def test_what_is_asked_ahead_travels_with_what_comes_next_and_runs_before_it(
    database: Database,
) -> None:
    # Goal: several small statements that need nothing of one another cost one trip, in their order.
    seen: list[list[list[str]]] = []

    def step(tx: Transaction, *new: str) -> None:
        first, second, third = new
        before = tx.ask(SKUS, names, but="")
        tx.write(put(first))
        between = tx.ask(SKUS, names, but="")
        tx.write(put(second))
        after = [row.sku for row in tx.rows(SKUS, but="")]
        tx.write(put(third))
        seen.append([before(), between(), after])

    database.run(lambda tx: step(tx, "A", "B", "C"), given.cause())  # prepared by now
    with counted() as trips:
        database.run(lambda tx: step(tx, "D", "E", "F"), given.cause())

    assert len(trips) == 2, "the questions, and the last change with its commit"
    assert seen == [
        [[], ["A"], ["A", "B"]],
        [["A", "B", "C"], ["A", "B", "C", "D"], ["A", "B", "C", "D", "E"]],
    ]


def test_an_answer_that_is_wanted_is_fetched(database: Database) -> None:
    def step(tx: Transaction) -> list[str]:
        tx.write(put("A"))
        asked = tx.ask(SKUS, names, but="B")
        tx.write(put("B"))
        assert asked() == ["A"]
        return asked()

    assert database.run(step, given.cause()) == ["A"]
    assert [sku for sku, _ in weights(database)] == ["A", "B"]


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_change_that_may_not_hold_says_so_and_takes_back_what_travelled_with_it(
    database: Database, *, goes_on: bool
) -> None:
    # Goal: what is behind it must not run, be it a question, another change or the commit.
    class Taken(Exception):
        pass

    runs = 0

    def step(tx: Transaction) -> None:
        nonlocal runs
        runs += 1
        tx.write(put("A"))
        tx.write(Write(HEAVIER, {"by": 1, "limit": 0}, rows=1), otherwise=Taken)
        tx.write(put("B"))
        if goes_on:
            tx.rows(SKUS, but="")
            pytest.fail("it did not hold")

    with pytest.raises(Taken):
        database.run(step, given.cause())

    assert runs == 1, "it is no race"
    assert weights(database) == []


def test_another_guard_that_does_not_hold_on_the_same_trip_is_a_lost_race(
    database: Database,
) -> None:
    def step(tx: Transaction) -> None:
        tx.write(put("A"), otherwise=ZeroDivisionError)
        tx.write(Write(HEAVIER, {"by": 1, "limit": 0}, rows=1))

    with pytest.raises(LostRace):
        database.run(step, given.cause())


def test_of_statements_on_one_trip_the_first_error_is_told(database: Database) -> None:
    def step(tx: Transaction) -> None:
        tx.ask(SKUS, names, but="")
        tx.ask(text("SELECT 1 / CAST(:zero AS integer)"), names, zero=0)
        tx.rows(SKUS, but="")

    with pytest.raises(BrokenStatement) as caught:
        database.run(step, given.cause())

    assert caught.value.facts == {"sqlstate": "22012"}
    assert database.run(lambda tx: tx.ask(SKUS, names, but="")(), given.cause()) == []


def test_statements_by_themselves_may_share_a_trip_and_nothing_else(database: Database) -> None:
    insert = text(PUT)
    database.statements((insert, {"sku": "A", "weight_g": 1}), (SKUS, {"but": ""}))

    with counted() as trips:
        rows = database.statements((insert, {"sku": "B", "weight_g": 1}), (SKUS, {"but": "A"}))
    with pytest.raises(LostRace):
        database.statements(
            (insert, {"sku": "C", "weight_g": 1}), (insert, {"sku": "A", "weight_g": 1})
        )

    assert len(trips) == 1
    assert [row.sku for row in rows] == ["B"]
    assert [sku for sku, _ in weights(database)] == ["A", "B", "C"]
