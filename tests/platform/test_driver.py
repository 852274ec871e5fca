"""What we use of pg8000's inside: values arrive as they left, and trips are saved."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pg8000 import core
from pg8000.exceptions import DatabaseError

from emulators.bench.trips import counted
from shared.contracts.base import Cause
from shared.platform import driver, trace
from shared.platform.config import Config
from shared.platform.db import BrokenStatement, Database, LostRace, Transaction, Write, connect
from shared.platform.driver import Asked, Session
from shared.platform.pool import opener
from shared.platform.sql import text
from shared.platform.trace import Step
from tests.platform.test_trace import Recorder
from tests.support.clock import TestClock

CAUSE = Cause("evt_test", "evt_test")
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
moments = st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.fixture
def database(config: Config, database: Database, clock: TestClock) -> Iterator[Database]:
    """The database over a connection of the test's own, which has no past."""
    with closing(connect(config.model_copy(update={"pool_size": 1}), clock)) as own:
        yield own


def round_trip(database: Database, kind: str, values: list[Any]) -> list[Any]:
    statement = text(f"SELECT unnest(CAST(:values AS {kind}[])) AS value")
    return [row.value for row in database.statement(statement, values=values)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(values=st.lists(words | st.none()))
def test_texts_in_arrays_arrive_as_they_left(database: Database, values: list[str | None]) -> None:
    assert round_trip(database, "text", values) == values


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(values=st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_whole_numbers_in_arrays_arrive_as_they_left(database: Database, values: list[int]) -> None:
    assert round_trip(database, "bigint", values) == values


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(values=st.lists(moments))
def test_moments_in_arrays_arrive_as_they_left(database: Database, values: list[datetime]) -> None:
    assert round_trip(database, "timestamptz", values) == values


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(word=words, number=st.integers(-(2**31), 2**31 - 1), moment=moments)
def test_single_values_arrive_as_they_left(
    database: Database, word: str, number: int, moment: datetime
) -> None:
    (row,) = database.statement(
        text("""SELECT CAST(:word AS text) AS word, CAST(:number AS integer) AS number,
                       CAST(:moment AS timestamptz) AS moment,
                       CAST(:nothing AS text) AS nothing"""),
        word=word,
        number=number,
        moment=moment,
        nothing=None,
    )

    assert tuple(row) == (word, number, moment, None)


def test_a_row_has_its_columns_by_name_whatever_they_are_called(database: Database) -> None:
    (row,) = database.statement(text('SELECT 1 AS one, 2 AS count, 3 AS "class", 4, 5'))

    assert (row.one, row.count, tuple(row)) == (1, 2, (1, 2, 3, 4, 5))
    assert dict(row._mapping) == {"one": 1, "count": 2, "class": 3, "?column?": 5}


def test_who_is_interrupted_before_an_answer_leaves_it_to_nobody_else(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Goal: a request is cancelled at any moment; the next one must not hear what that one asked.
    echo = text("SELECT CAST(:n AS integer) AS n")
    database.statement(echo, n=1)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(core.CoreConnection, "handle_messages", interrupt)
        with pytest.raises(KeyboardInterrupt):
            database.run(lambda tx: tx.rows(echo, n=2), CAUSE)

    assert [row.n for row in database.statement(echo, n=3)] == [3]


def test_a_first_statement_that_fails_leaves_a_connection_that_works(database: Database) -> None:
    # Goal: BEGIN travels with the first statement, so there are two answers to read; an error must
    # not leave one of them for the next statement.
    divide = text("SELECT 1 / CAST(:by AS integer) AS result")

    def divided(tx: Transaction, by: int) -> int:
        (row,) = tx.rows(divide, by=by)
        return int(row.result)

    for _ in range(3):
        assert database.run(lambda tx: divided(tx, 1), CAUSE) == 1
        with pytest.raises(BrokenStatement):
            database.run(lambda tx: divided(tx, 0), CAUSE)


def test_what_failed_is_rolled_back_and_what_succeeded_is_committed(database: Database) -> None:
    take = text("INSERT INTO inbox VALUES (:consumer, :event_id, :now)")

    def insert(tx: Transaction, event_id: str) -> None:
        tx.rows(take, consumer="c", event_id=event_id, now=tx.now)
        if event_id == "bad":
            raise RuntimeError("after the write")

    database.run(lambda tx: insert(tx, "good"), CAUSE)
    with pytest.raises(RuntimeError):
        database.run(lambda tx: insert(tx, "bad"), CAUSE)

    assert [row.event_id for row in database.statement(text("SELECT event_id FROM inbox"))] == [
        "good"
    ]


def test_a_statement_by_itself_is_one_trip(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Goal: two of these follow every commit that announces something.
    double = text("SELECT 2 * CAST(:n AS integer) AS result")
    database.statement(double, n=1)
    trips = []
    receive = core.CoreConnection.handle_messages

    def count(connection: Any, context: Any) -> None:
        trips.append(context.statement)
        receive(connection, context)

    monkeypatch.setattr(core.CoreConnection, "handle_messages", count)

    for number in range(3):
        assert [row.result for row in database.statement(double, n=number)] == [2 * number]

    assert len(trips) == 3, trips


def test_a_step_of_one_statement_neither_begins_nor_commits_in_words(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Goal: whoever only asks whether there is something to do is done with one message.
    def step(tx: Transaction, event_id: str) -> None:
        put = "INSERT INTO inbox VALUES (:consumer, :event_id, :now) RETURNING 1"
        values = {"consumer": "c", "event_id": event_id, "now": tx.now}
        tx.write(Write(put, values, rows=1 if event_id else 2))

    database.run(lambda tx: step(tx, "before"), CAUSE)
    said = []
    receive = core.CoreConnection.handle_messages

    def listen(connection: Any, context: Any) -> None:
        said.append(context.statement)
        receive(connection, context)

    with monkeypatch.context() as patch:
        patch.setattr(core.CoreConnection, "handle_messages", listen)
        database.run(lambda tx: step(tx, "good"), CAUSE)
    with pytest.raises(LostRace):
        database.run(lambda tx: step(tx, ""), CAUSE)  # its guard does not hold

    assert len(said) == 1, said
    found = database.statement(text("SELECT event_id FROM inbox ORDER BY 1"))
    assert [row.event_id for row in found] == ["before", "good"]


def test_a_transaction_after_a_statement_by_itself_is_one_again(database: Database) -> None:
    take = text("INSERT INTO inbox VALUES (:consumer, :event_id, :now)")

    def insert_in_vain(tx: Transaction) -> None:
        tx.rows(take, consumer="c", event_id="e", now=tx.now)
        raise RuntimeError("after the write")

    database.statement(text("SELECT CAST(:n AS integer)"), n=1)
    with pytest.raises(RuntimeError):
        database.run(insert_in_vain, CAUSE)

    assert database.statement(text("SELECT event_id FROM inbox")) == []


def test_a_connection_keeps_a_bounded_number_of_statements(database: Database) -> None:
    for number in range(driver.PREPARED_LIMIT + 50):
        (row,) = database.statement(
            text(f"SELECT CAST(:n AS integer) + {number} AS sum"),
            n=1,
        )
        assert row.sum == number + 1

    (row,) = database.statement(text("SELECT count(*) AS kept FROM pg_prepared_statements"))
    assert 0 < row.kept <= driver.PREPARED_LIMIT


def test_only_errors_of_postgres_have_a_sqlstate() -> None:
    assert driver.sqlstate(Exception({"C": "40001"})) == "40001"
    assert driver.sqlstate(Exception("network error")) == ""
    assert driver.sqlstate(Exception()) == ""
    assert driver.sqlstate(None) == ""


SEEN = text("SELECT application_name AS name FROM pg_stat_activity WHERE pid = pg_backend_pid()")
ECHO = text("SELECT CAST(:n AS integer) AS n")
TRACE = f"{7:032x}"


@pytest.fixture
def recorded() -> Iterator[None]:
    """Somebody records the traces of this process."""
    trace.record_with(Recorder())
    yield
    trace.record_with(None)


def step(trail: str) -> Step:
    return Step("a_function event", "consumer", None, correlation_id=trail)


def seen(database: Database) -> str:
    (row,) = database.statement(SEEN)
    return str(row.name)


@pytest.mark.usefixtures("recorded")
def test_who_looks_at_the_server_sees_for_which_order_a_connection_works(
    database: Database,
) -> None:
    # Goal: whoever sees a connection that holds a lock finds the trace and the trail of the order.
    def follow(tx: Transaction) -> str:
        tx.follow("evt_2")
        return str(tx.rows(SEEN)[0].name)

    def follow_and_fail(tx: Transaction) -> None:
        tx.rows(ECHO, n=1)
        tx.follow("evt_3")
        tx.rows(text("SELECT 1 / CAST(:by AS integer)"), by=0)

    with step("evt_1"):
        assert seen(database) == f"{TRACE} evt_1"
        assert database.run(lambda tx: str(tx.rows(SEEN)[0].name), CAUSE) == f"{TRACE} evt_1"
        assert database.run(follow, CAUSE) == f"{TRACE} evt_2"
        with pytest.raises(BrokenStatement):
            database.run(follow_and_fail, CAUSE)
        assert seen(database) == f"{TRACE} evt_3", "a rollback takes back no more than the work"

    assert seen(database) == "", "it works for nobody"


@pytest.mark.usefixtures("recorded")
def test_to_show_it_takes_no_trip_and_no_further_statement(database: Database) -> None:
    def ask(tx: Transaction) -> None:
        tx.ask(ECHO, list, n=1)
        tx.rows(ECHO, n=2)

    with step("evt_0"):
        database.run(ask, CAUSE)
    for number in range(1, 20):
        with step(f"evt_{number}"), counted() as trips:
            database.run(ask, CAUSE)
        assert len(trips) == 2, "the statements, and the commit"

    (row,) = database.statement(text("SELECT count(*) AS kept FROM pg_prepared_statements"))
    assert row.kept == 2, "those of the step, and this one"


@pytest.mark.usefixtures("recorded")
def test_a_name_is_free_again_after_a_statement_that_failed(database: Database) -> None:
    # Goal: what is taken back leaves no portal behind that the next statement would stumble over.
    divide = text("SELECT 1 / CAST(:by AS integer) AS result")

    def tries(tx: Transaction) -> list[int]:
        for _ in range(2):
            with pytest.raises(DatabaseError), tx.attempt():
                tx.rows(divide, by=0)
        return [row.result for _ in range(2) for row in tx.rows(divide, by=1)]

    with step("evt_1"):
        assert database.run(tries, CAUSE) == [1, 1]
        with pytest.raises(BrokenStatement):
            database.statement(divide, by=0)
        assert database.run(tries, CAUSE) == [1, 1]


def test_where_nobody_records_nothing_is_told(database: Database) -> None:
    with step("evt_1"):
        assert seen(database) == ""


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize(
    ("trail", "shown"),
    [
        ("'; DROP TABLE inbox; --", "?; DROP TABLE inbox; --"),
        ("a\\", "a?"),
        ("\n\0é", "???"),
        ('"$1', "?$1"),
        ("x" * 200, "x" * 30),
    ],
)
def test_a_trail_from_outside_is_nothing_but_a_name(
    database: Database, trail: str, shown: str
) -> None:
    with step(trail):
        assert database.run(lambda tx: tx.rows(ECHO, n=1)[0].n, CAUSE) == 1
        assert seen(database) == f"{TRACE} {shown}"


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("alone", [True, False])
def test_the_log_of_slow_statements_tells_for_which_order_one_ran(
    config: Config, *, alone: bool
) -> None:
    # Goal: Cloud SQL lets nobody choose what a line of its log begins with, so the statement says
    # it; the same statement may run several times in a transaction.
    session: Session = opener(config)()
    try:
        session.tell("set client_min_messages = log; set log_min_duration_statement = 0")
        with step("evt_1"):
            session.run([Asked("SELECT 1", ()), Asked("SELECT 1", ())], alone=alone)
            session.rollback()
        told = [notice[b"M"].decode() for notice in session.connection.notices]
    finally:
        session.close()

    slow = [line for line in told if "execute" in line]
    assert len(slow) == 2
    assert all(f"/{TRACE} evt_1: SELECT 1" in line for line in slow), slow
