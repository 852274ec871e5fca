"""A letter that is discarded is closed, kept, and touches nothing else."""

import pytest

from shared.flows.discard_letter import discard_letter
from shared.flows.each_letter import each_letter
from shared.flows.retry_letter import retry_letter
from shared.kit.errors import Malformed
from shared.people.types import Person
from shared.platform.db import Database
from shared.platform.dead_letters import LetterState
from shared.platform.letters import LetterSettled, UnknownLetter
from tests.letters.letters import dead, letter, only, park
from tests.support import given


def discard(database: Database, letter_id: int, why: str = "a test order") -> None:
    database.run(lambda tx: discard_letter(tx, letter_id, Person("ada", why)), given.cause())


def test_a_discarded_letter_says_who_when_and_why(database: Database) -> None:
    given.apply(database, park, dead())

    discard(database, only(database).letter_id)

    settled = only(database)
    assert settled.state is LetterState.DISCARDED
    assert (settled.settled_by, settled.settled_why) == ("ada", "a test order")
    assert settled.settled_at == database.now()
    assert given.told(database) == []


def test_a_letter_is_settled_once(database: Database) -> None:
    given.apply(database, park, dead())
    letter_id = only(database).letter_id
    discard(database, letter_id)

    with pytest.raises(LetterSettled, match="discarded by ada"):
        discard(database, letter_id)
    with pytest.raises(LetterSettled):
        database.run(
            lambda tx: retry_letter(tx, letter_id, Person("bob", "why not")), given.cause()
        )
    with pytest.raises(UnknownLetter):
        discard(database, letter_id + 1)


def test_without_a_reason_it_stays_open(database: Database) -> None:
    given.apply(database, park, dead())

    with pytest.raises(Malformed, match="reason"):
        discard(database, only(database).letter_id, why="")

    assert only(database).state is LetterState.OPEN


def test_a_late_duplicate_does_not_open_what_was_discarded(database: Database) -> None:
    # Goal: what a person has closed stays closed; the same message says nothing new.
    given.apply(database, park, dead())
    discard(database, only(database).letter_id)

    given.apply(database, park, dead(attempts=4))

    again = only(database)
    assert (again.state, again.settled_by, again.attempts) == (LetterState.DISCARDED, "ada", 4)


def test_of_many_letters_each_has_its_own_result(database: Database) -> None:
    for name in ("evt_1", "evt_2"):
        given.apply(database, park, dead(name))
    discard(database, 1)

    results = each_letter([1, 2], lambda letter_id: discard(database, letter_id))

    assert [(r.letter_id, r.done, r.code) for r in results] == [
        (1, False, "letter_settled"),
        (2, True, ""),
    ]
    assert letter(database, 2).state is LetterState.DISCARDED
