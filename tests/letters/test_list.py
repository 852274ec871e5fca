"""Finding letters: the newest first, by page, by what one knows of them."""

from datetime import timedelta

from shared.flows.discard_letter import discard_letter
from shared.people.types import Person
from shared.platform import letters
from shared.platform.db import Database
from shared.platform.dead_letters import LetterState
from shared.platform.letters import Page, Wanted
from tests.letters.letters import dead, park
from tests.support import given
from tests.support.clock import TestClock


def page(database: Database, wanted: Wanted, limit: int = 10, before: int | None = None) -> Page:
    return database.run(lambda tx: letters.page(tx, wanted, limit, before), given.cause())


def ids(database: Database, wanted: Wanted) -> list[int]:
    return [letter.letter_id for letter in page(database, wanted).letters]


def test_letters_come_the_newest_first(database: Database) -> None:
    for name in ("evt_1", "evt_2", "evt_3"):
        given.apply(database, park, dead(name))

    assert ids(database, Wanted()) == [3, 2, 1]


def test_pages_hold_every_letter_once_even_while_more_arrive(database: Database) -> None:
    for number in range(5):
        given.apply(database, park, dead(f"evt_{number}"))

    first = page(database, Wanted(), limit=2)
    given.apply(database, park, dead("evt_new"))
    second = page(database, Wanted(), limit=2, before=first.before)
    third = page(database, Wanted(), limit=2, before=second.before)

    seen = [[letter.letter_id for letter in one.letters] for one in (first, second, third)]
    assert seen == [[5, 4], [3, 2], [1]]
    assert [first.before, second.before, third.before] == [4, 2, None]


def test_no_letters_are_an_empty_page(database: Database) -> None:
    assert page(database, Wanted()) == Page((), None)


def test_each_filter_narrows_and_together_they_narrow_more(
    database: Database, clock: TestClock
) -> None:
    given.apply(database, park, dead("evt_1"))
    given.apply(database, park, dead("evt_2", code="malformed", payload=b"{"))
    clock.advance(hours=1)
    given.apply(database, park, dead("evt_3", source="placement-bulk", payload=b"{}"))
    given.apply(database, park, dead("evt_4", facts={"order_id": "ord_4"}))

    assert ids(database, Wanted(source="placement-bulk")) == [3]
    assert ids(database, Wanted(code="malformed")) == [2]
    assert ids(database, Wanted(order_id="ord_1")) == [1]
    assert ids(database, Wanted(order_id="ord_4")) == [4]
    assert ids(database, Wanted(since=clock.now)) == [4, 3]
    assert ids(database, Wanted(since=clock.now + timedelta(seconds=1))) == []
    assert ids(database, Wanted(code="unknown_sku", since=clock.now)) == [4, 3]
    assert ids(database, Wanted(code="unknown_sku", since=clock.now, order_id="ord_1")) == []


def test_only_open_letters_are_shown_unless_another_state_is_asked_for(database: Database) -> None:
    for name in ("evt_1", "evt_2"):
        given.apply(database, park, dead(name))
    database.run(lambda tx: discard_letter(tx, 1, Person("ada", "no")), given.cause())

    assert ids(database, Wanted()) == [2]
    assert ids(database, Wanted(state=LetterState.DISCARDED)) == [1]
    assert ids(database, Wanted(state=LetterState.RETRIED)) == []
    assert ids(database, Wanted(state=None)) == [2, 1]


def test_a_letter_from_before_its_story_was_kept_is_read(database: Database) -> None:
    # Goal: code of the version before runs on the new schema for as long as a deployment takes.
    given.rows(
        database,
        "INSERT INTO dead_letters (source, message_id, code, reason, facts, attributes, payload,"
        " attempts, correlation_id, parked_at) VALUES ('s.t', 'evt_1', 'malformed', 'no', '{}',"
        " '{}', '', 1, 'evt_1', '2026-01-01T00:00:00Z') RETURNING 1",
    )

    (letter,) = page(database, Wanted()).letters
    assert letter.first_failed_at == letter.last_failed_at == letter.parked_at
    assert (letter.state, letter.order_id) == (LetterState.OPEN, None)
