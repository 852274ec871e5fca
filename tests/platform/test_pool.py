"""Who has which connection: as few as needed, never more than allowed, and no dead ones."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier

import pytest
from pg8000.exceptions import DatabaseError, InterfaceError

from shared.platform.config import Config
from shared.platform.db import Database
from shared.platform.driver import Asked, Session
from shared.platform.pool import Pool, PoolExhausted, opener
from shared.platform.sql import text
from tests.support import given
from tests.support.database import settings


class Opener:
    """Opens connections, and keeps them in mind."""

    def __init__(self, config: Config) -> None:
        self._open = opener(config)
        self.opened: list[Session] = []

    def __call__(self) -> Session:
        self.opened.append(self._open())
        return self.opened[-1]


@pytest.fixture
def opens(config: Config) -> Iterator[Opener]:
    found = Opener(config)
    yield found
    for session in found.opened:
        session.close()


def backend(session: Session) -> int:
    """The number of the connection's process."""
    ((row,),) = session.run([Asked("SELECT pg_backend_pid() AS number", ())], alone=True)
    number: int = row.number
    return number


def end(database: Database, session: Session) -> None:
    """The server hangs up."""
    database.statement(text("SELECT pg_terminate_backend(:pid, 5000)"), pid=backend(session))


def test_the_last_one_back_is_the_first_one_out(opens: Opener) -> None:
    # Goal: it has its statements prepared, and what is not needed is not opened.
    pool = Pool(opens, size=3)
    with pool.session() as first, pool.session() as second:
        assert first is not second

    for _ in range(3):
        with pool.session() as again:
            assert again is first  # it was given back last

    assert len(opens.opened) == 2


def test_no_more_are_open_at_once_than_the_pool_is_large(opens: Opener) -> None:
    pool = Pool(opens, size=2, patience_s=30.0)
    start = Barrier(8)

    def ask(_: int) -> int:
        start.wait(timeout=10)
        with pool.session() as session:
            return backend(session)

    with ThreadPoolExecutor(max_workers=8) as crowd:
        asked = set(crowd.map(ask, range(8)))

    assert len(opens.opened) <= 2
    assert asked <= {backend(session) for session in opens.opened}


def test_who_finds_none_free_is_told_after_a_while(opens: Opener) -> None:
    pool = Pool(opens, size=1, patience_s=0.01)

    with (
        pool.session(),
        pytest.raises(PoolExhausted, match="every connection is in use"),
        pool.session(),
    ):
        raise AssertionError("there was one")

    with pool.session() as session:  # what was refused took no place
        assert backend(session)


def test_what_is_not_committed_is_taken_back(opens: Opener, database: Database) -> None:
    take = Asked("INSERT INTO inbox VALUES ('c', 'e', now())", ())
    pool = Pool(opens, size=1)
    with pool.session() as session:
        session.run([take])

    with pool.session() as again:
        assert again is session
        assert not again.is_open
    assert given.rows(database, "SELECT * FROM inbox") == []


def test_who_could_not_open_one_leaves_its_place_to_others(
    opens: Opener,
) -> None:
    nowhere = opener(settings("postgresql+pg8000://nobody:nothing@127.0.0.1:1/none"))
    ways = iter((nowhere, nowhere, opens))

    def opened() -> Session:
        return next(ways)()

    pool = Pool(opened, size=1, patience_s=0.0)

    for _ in range(2):
        with pytest.raises(InterfaceError), pool.session():
            raise AssertionError("nobody is there")

    with pool.session() as session:
        assert backend(session)


def test_one_that_the_server_hung_up_on_while_idle_is_replaced(
    opens: Opener, database: Database
) -> None:
    # Goal: an instance that slept answers its first request; the others were idle for as long.
    pool = Pool(opens, size=2, trusted_for_s=0.0)
    with pool.session() as one, pool.session() as other:
        pass
    end(database, one)
    end(database, other)

    with pool.session() as session:
        assert session not in {one, other}
        assert backend(session)

    assert len(opens.opened) == 3


def test_when_a_conversation_breaks_off_what_is_idle_is_not_trusted_either(
    opens: Opener, database: Database
) -> None:
    # Goal: the server has failed over; not every connection is to find that out by a failure.
    pool = Pool(opens, size=2)
    with pool.session() as used, pool.session() as idle:
        pass
    end(database, idle)
    end(database, used)
    with pytest.raises((DatabaseError, InterfaceError)), pool.session() as broken:
        backend(broken)

    with pool.session() as session:
        assert session not in {used, idle}
        assert backend(session)


def test_closing_leaves_the_pool_of_use(opens: Opener) -> None:
    # Goal: tests and jobs close a database that somebody may ask once more.
    with closing(Pool(opens, size=1)) as pool, pool.session() as first:
        pass

    with pool.session() as second:
        assert second is not first
