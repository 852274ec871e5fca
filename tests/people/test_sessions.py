"""A session opens the house for a while, and ends for everybody at once."""

from shared.people import sessions
from shared.people.sessions import IDLE, LONGEST, Session
from shared.people.types import Role
from shared.platform.db import Database
from tests.people import given as people
from tests.support import given
from tests.support.clock import TestClock


def found(database: Database, token: str) -> Session | None:
    return database.run(lambda tx: sessions.find(tx, token), given.cause())


def test_a_session_tells_who_it_is_and_keeps_no_token(database: Database) -> None:
    ada = people.user(database, warehouses=frozenset({"BER"}))
    token = people.session(database, ada)

    session = found(database, token)

    assert session is not None
    assert (session.who.name, session.who.role) == ("ada@example.org", Role.OPERATOR)
    assert session.who.warehouses == frozenset({"BER"})
    assert found(database, "another") is None
    kept = given.rows(database, "SELECT encode(token_hash, 'escape') FROM sessions")
    assert token not in str(kept)


def test_it_ends_when_nobody_has_used_it_for_long(database: Database, clock: TestClock) -> None:
    token = people.session(database, people.user(database))

    clock.advance(seconds=IDLE.total_seconds() - 1)
    assert found(database, token)
    clock.advance(seconds=IDLE.total_seconds() - 1)
    assert found(database, token), "it was used meanwhile"
    clock.advance(seconds=IDLE.total_seconds())
    assert found(database, token) is None


def test_it_ends_after_a_shift_however_much_it_is_used(
    database: Database, clock: TestClock
) -> None:
    token = people.session(database, people.user(database))

    for _ in range(int(LONGEST / IDLE) * 2 - 1):
        clock.advance(seconds=IDLE.total_seconds() / 2)
        assert found(database, token)
    clock.advance(seconds=IDLE.total_seconds() / 2)

    assert found(database, token) is None


def test_looking_around_writes_once_a_minute(database: Database, clock: TestClock) -> None:
    token = people.session(database, people.user(database))
    seen = "SELECT last_seen_at FROM sessions"

    clock.advance(seconds=59)
    found(database, token)
    assert given.rows(database, seen) != [(clock.now,)]
    clock.advance(seconds=1)
    found(database, token)
    assert given.rows(database, seen) == [(clock.now,)]


def test_one_session_ends_or_all_of_a_user(database: Database) -> None:
    ada, bob = people.user(database), people.user(database, "bob@example.org")
    tokens = [people.session(database, who) for who in (ada, ada, ada, bob)]

    database.run(lambda tx: tx.write(sessions.end(tokens[0])), given.cause())
    assert [found(database, token) is not None for token in tokens] == [False, True, True, True]
    database.run(lambda tx: tx.write(sessions.end_all(ada.user_id)), given.cause())
    assert [found(database, token) is not None for token in tokens] == [False, False, False, True]


def test_sessions_that_have_ended_are_forgotten(database: Database, clock: TestClock) -> None:
    people.session(database, people.user(database))
    clock.advance(seconds=LONGEST.total_seconds() + 1)

    assert database.run(lambda tx: sessions.forget(tx, 10), given.cause()) == 1
    assert given.rows(database, "SELECT count(*) FROM sessions") == [(0,)]
