"""The database: steps that are all or nothing, races that are run anew, time-outs that end."""

import contextlib
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier, Event

import pytest

from shared.platform import pool
from shared.platform.config import Config
from shared.platform.db import (
    ATTEMPTS,
    BrokenStatement,
    Database,
    DatabaseUnavailable,
    LostRace,
    StatementTimedOut,
    Transaction,
    Write,
    connect,
)
from shared.platform.sql import text
from tests.platform.weighed import HEAVIER, put, weights
from tests.support import given
from tests.support.clock import TestClock
from tests.support.database import settings
from tests.support.waiting import until_somebody_waits


def small(config: Config, clock: TestClock, **others: object) -> Database:
    """A database with a pool of one connection, for tests that look at that connection."""
    assert config.database_url is not None
    url = config.database_url.get_secret_value()
    return connect(settings(url, **{"pool_size": 1, **others}), clock)


def test_writes_are_joined_into_one_statement_and_say_how_many_rows_each_touched(
    database: Database,
) -> None:
    database.run(lambda tx: tx.write(put("A", 1), put("B", 2), put("C", 30)), given.cause())

    touched = database.run(
        lambda tx: tx.written(
            Write(HEAVIER, {"by": 1, "limit": 10}),
            Write("DELETE FROM skus WHERE sku = :sku RETURNING 1", {"sku": "C"}, rows=1),
        ),
        given.cause(),
    )

    assert touched == (2, 1)
    assert weights(database) == [("A", 2), ("B", 3)]


def test_a_guard_that_does_not_hold_rolls_the_whole_step_back_and_gives_up_in_the_end(
    database: Database,
) -> None:
    runs = 0

    def step(tx: Transaction) -> None:
        nonlocal runs
        runs += 1
        tx.write(put(f"A{runs}"))
        tx.write(put("B"), Write(HEAVIER, {"by": 1, "limit": 0}, rows=1))

    with pytest.raises(LostRace) as caught:
        database.run(step, given.cause())

    assert caught.value.facts == {"guard": "change 2 touched 0 rows instead of 1"}
    assert runs == ATTEMPTS
    assert weights(database) == []


def test_what_is_written_is_there_for_whatever_comes_next(database: Database) -> None:
    everything = text("SELECT sku FROM skus ORDER BY sku")
    seen: list[list[str]] = []

    def step(tx: Transaction) -> None:
        tx.write(put("A"))
        seen.append([row.sku for row in tx.rows(everything)])
        tx.write(put("B"))
        tx.write(put("C"))
        seen.append([row.sku for row in tx.rows(everything)])
        tx.write(put("D"))

    database.run(step, given.cause())

    assert seen == [["A"], ["A", "B", "C"]]
    assert [sku for sku, _ in weights(database)] == ["A", "B", "C", "D"]


def test_nothing_stays_of_a_trial_though_it_sees_what_it_does(database: Database) -> None:
    everything = text("SELECT sku FROM skus ORDER BY sku")
    seen: list[list[str]] = []

    def step(tx: Transaction) -> None:
        tx.write(put("A"))
        with tx.trial(given.cause()) as trial:
            trial.write(put("B"))
            seen.append([row.sku for row in trial.rows(everything)])
            trial.write(put("C"))
        with contextlib.suppress(LostRace), tx.trial(given.cause()) as trial:
            trial.write(put("D"))
            raise LostRace("another was faster")
        tx.write(put("E"))

    database.run(step, given.cause())

    assert seen == [["A", "B"]]
    assert [sku for sku, _ in weights(database)] == ["A", "E"]


def test_an_attempt_takes_back_what_was_written_in_it_and_nothing_else(database: Database) -> None:
    def step(tx: Transaction) -> None:
        tx.write(put("A"))
        with contextlib.suppress(ZeroDivisionError), tx.attempt():
            tx.write(put("B"))
            tx.write(put("C"))
            raise ZeroDivisionError
        with tx.attempt():
            tx.write(put("D"))

    database.run(step, given.cause())

    assert [sku for sku, _ in weights(database)] == ["A", "D"]


def test_a_connection_whose_commit_became_a_rollback_goes_on(
    config: Config, clock: TestClock
) -> None:
    with closing(small(config, clock)) as own:
        for _ in range(2):
            with pytest.raises(BrokenStatement):
                own.run(lambda tx: tx.write(put("A", weight_g=-1)), given.cause())
            own.run(lambda tx: tx.written(Write("DELETE FROM skus RETURNING 1", {})), given.cause())
            own.run(lambda tx: tx.write(put("A")), given.cause())
            assert weights(own) == [("A", 1)]


def test_a_step_that_lost_once_is_run_anew_and_announces_only_what_its_last_run_did(
    database: Database,
) -> None:
    seen: list[set[str]] = []
    runs = 0

    def step(tx: Transaction) -> str:
        nonlocal runs
        runs += 1
        tx.announced.add(f"run {runs}")
        if runs == 1:
            raise LostRace("once")
        return "done"

    assert database.run(step, given.cause(), then=seen.append) == "done"
    assert seen == [{"run 2"}]


def test_a_deadlock_is_run_anew(database: Database) -> None:
    # Goal: two steps that lock the same two rows in opposite order both end well.
    database.run(lambda tx: tx.write(put("A"), put("B")), given.cause())
    both_hold_one = Barrier(2)

    def step_over(first: str, second: str) -> None:
        runs = 0

        def step(tx: Transaction) -> None:
            nonlocal runs
            runs += 1
            heavier = text("UPDATE skus SET weight_g = weight_g + 1 WHERE sku = :sku")
            tx.rows(heavier, sku=first)
            if runs == 1:
                both_hold_one.wait(timeout=10)
            tx.rows(heavier, sku=second)

        database.run(step, given.cause())

    with ThreadPoolExecutor(max_workers=2) as pool:
        one = pool.submit(step_over, "A", "B")
        other = pool.submit(step_over, "B", "A")
        one.result(timeout=30)
        other.result(timeout=30)

    assert weights(database) == [("A", 3), ("B", 3)]


def test_prepared_statements_survive_a_change_of_the_schema(
    config: Config, clock: TestClock, database: Database
) -> None:
    # Goal: a migration runs under functions that have prepared "SELECT *"; Postgres then says
    # "cached plan must not change result type", and the step must simply be run anew.
    statement = text("SELECT * FROM plans WHERE n >= :n")
    database.statement(text("CREATE TABLE plans (n integer PRIMARY KEY)"))
    try:
        with closing(small(config, clock)) as running:
            assert running.run(lambda tx: tx.rows(statement, n=0), given.cause()) == []
            database.statement(text("ALTER TABLE plans ADD COLUMN more text DEFAULT 'new'"))
            database.statement(text("INSERT INTO plans (n) VALUES (1)"))

            found = running.run(lambda tx: tx.rows(statement, n=0), given.cause())

            assert [tuple(row) for row in found] == [(1, "new")]
    finally:
        database.statement(text("DROP TABLE plans"))


def test_more_statements_than_a_connection_keeps_are_no_problem(
    config: Config, clock: TestClock
) -> None:
    with closing(small(config, clock)) as running:
        for turn in range(2):
            for n in range(210):
                (row,) = running.statement(text(f"SELECT {n} + :turn AS sum"), turn=turn)
                assert row.sum == n + turn


@pytest.mark.parametrize("pattern", ["50%", "%s", "$1", "%%"])
def test_percent_signs_and_placeholders_in_data_and_text_stay_what_they_are(
    database: Database, pattern: str
) -> None:
    (row,) = database.statement(
        text("SELECT :pattern AS given, 'a%b' LIKE 'a%' AS likes, '100%' AS quoted"),
        pattern=pattern,
    )

    assert tuple(row) == (pattern, True, "100%")


def test_a_lock_that_is_not_given_in_time_is_a_lost_race(
    config: Config, clock: TestClock, database: Database
) -> None:
    database.run(lambda tx: tx.write(put("A")), given.cause())
    lock = text("SELECT sku FROM skus WHERE sku = :sku FOR UPDATE")

    def hold(tx: Transaction) -> None:
        tx.rows(lock, sku="A")
        with closing(small(config, clock, lock_timeout_ms=100)) as impatient:
            with pytest.raises(LostRace) as caught:
                impatient.run(lambda other: other.rows(lock, sku="A"), given.cause())
            assert caught.value.facts["sqlstate"] == "55P03"

    database.run(hold, given.cause())


def test_a_statement_that_takes_too_long_is_ended(config: Config, clock: TestClock) -> None:
    with closing(small(config, clock, statement_timeout_ms=100)) as impatient:
        with pytest.raises(StatementTimedOut) as caught:
            impatient.statement(text("SELECT pg_sleep(:seconds)"), seconds=30)
        assert caught.value.facts["sqlstate"] == "57014"

        assert impatient.statement(text("SELECT 1 AS one"))[0].one == 1


@pytest.mark.parametrize("connections", [1, 3])
def test_after_its_backends_were_killed_one_call_fails_and_the_next_works(
    config: Config, clock: TestClock, database: Database, connections: int
) -> None:
    # Goal: a failover of the database must not leave a pool of dead connections behind.
    with closing(small(config, clock, pool_size=connections)) as running:
        everybody_in, pids = Barrier(connections), set[int]()

        def use(tx: Transaction) -> None:
            pids.add(tx.rows(text("SELECT pg_backend_pid() AS pid"))[0].pid)
            everybody_in.wait(timeout=10)

        with ThreadPoolExecutor(max_workers=connections) as pool:
            for future in [
                pool.submit(running.run, use, given.cause()) for _ in range(connections)
            ]:
                future.result(timeout=30)
        assert len(pids) == connections
        killed = database.statement(
            text("SELECT pg_terminate_backend(pid, 5000) AS killed"
                 "  FROM unnest(CAST(:pids AS integer[])) AS pid"),
            pids=sorted(pids),
        )  # fmt: skip
        assert all(row.killed for row in killed)

        with pytest.raises(DatabaseUnavailable):
            running.run(
                lambda tx: tx.rows(text("SELECT CAST(:n AS integer) AS n"), n=1), given.cause()
            )

        for _ in range(connections):
            (row,) = running.run(
                lambda tx: tx.rows(text("SELECT CAST(:n AS integer) AS n"), n=2), given.cause()
            )
            assert row.n == 2


def test_a_backend_that_is_killed_in_the_middle_of_a_step_leaves_nothing_behind(
    config: Config, clock: TestClock, database: Database
) -> None:
    with closing(small(config, clock)) as running:

        def step(tx: Transaction) -> None:
            tx.write(put("A"))
            pid = tx.rows(text("SELECT pg_backend_pid() AS pid"))[0].pid
            database.statement(text("SELECT pg_terminate_backend(:pid, 5000)"), pid=pid)
            tx.write(put("B"))

        with pytest.raises(DatabaseUnavailable):
            running.run(step, given.cause())

        running.run(lambda tx: tx.write(put("C")), given.cause())
    assert weights(database) == [("C", 1)]


def test_a_backend_that_is_killed_while_it_works_fails_one_call_and_the_next_works(
    config: Config, clock: TestClock, database: Database
) -> None:
    # Goal: Postgres still says 57P01 before it hangs up; that connection is as dead as one that
    # says nothing, and must not go back into the pool.
    sleeping = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    sleep = text("SELECT pg_sleep(:seconds)")
    with closing(small(config, clock)) as running, ThreadPoolExecutor(max_workers=1) as pool:
        working = pool.submit(running.run, lambda tx: tx.rows(sleep, seconds=8), given.cause())
        while not (found := given.rows(database, sleeping)):
            assert not working.done()
        database.statement(text("SELECT pg_terminate_backend(:pid, 5000)"), pid=found[0][0])
        with pytest.raises(DatabaseUnavailable):
            working.result(timeout=30)

        running.run(lambda tx: tx.write(put("A")), given.cause())

    assert weights(database) == [("A", 1)]


def test_a_backend_that_says_nothing_is_taken_for_gone_and_the_next_call_works(
    config: Config, clock: TestClock, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Goal: a machine that hangs keeps no thread of ours for ever; its own time-outs end a statement
    # only while it is there to do so.
    monkeypatch.setattr(pool, "SILENCE_S", 0.2)
    with closing(small(config, clock, statement_timeout_ms=100)) as running:
        (row,) = running.statement(text("SELECT pg_backend_pid() AS pid"))
        os.kill(row.pid, signal.SIGSTOP)
        try:
            with pytest.raises(DatabaseUnavailable):
                running.run(lambda tx: tx.write(put("A")), given.cause())

            running.run(lambda tx: tx.write(put("B")), given.cause())
        finally:
            os.kill(row.pid, signal.SIGCONT)
    assert weights(database) == [("B", 1)]


def test_a_database_that_is_not_there_is_unavailable(clock: TestClock) -> None:
    nowhere = "postgresql+pg8000://nobody:nothing@127.0.0.1:1/none"

    with closing(connect(settings(nowhere), clock)) as missing, pytest.raises(DatabaseUnavailable):
        missing.run(lambda tx: tx.rows(text("SELECT 1")), given.cause())


def test_when_every_connection_is_in_use_the_database_is_unavailable(
    config: Config, clock: TestClock
) -> None:
    with closing(small(config, clock)) as running:
        running._pool._patience_s = 0.05

        def step(_tx: Transaction) -> None:
            with pytest.raises(DatabaseUnavailable):
                running.run(lambda tx: tx.rows(text("SELECT 1")), given.cause())
            with pytest.raises(DatabaseUnavailable):
                running.statement(text("SELECT 1"))

        running.run(step, given.cause())


def test_a_statement_that_postgres_refuses_is_a_fault_that_names_its_sqlstate(
    database: Database,
) -> None:
    with pytest.raises(BrokenStatement) as caught:
        database.run(lambda tx: tx.write(put("A", weight_g=-1)), given.cause())

    assert caught.value.facts == {"sqlstate": "23514"}
    assert "-1" not in str(caught.value)


def test_a_step_sees_one_moment_for_everything_it_writes(
    database: Database, clock: TestClock
) -> None:
    def step(tx: Transaction) -> None:
        before = tx.now
        clock.advance(hours=1)
        assert tx.now == before

    database.run(step, given.cause())


def test_a_reader_waits_for_a_lock_and_then_sees_what_it_waited_for(database: Database) -> None:
    # Goal: stores lock first and read in a statement of its own; this is why that is enough.
    database.run(lambda tx: tx.write(put("A")), given.cause())
    lock = text("SELECT weight_g FROM skus WHERE sku = :sku FOR UPDATE")
    locked, seen = Event(), []

    def writer(tx: Transaction) -> None:
        tx.rows(lock, sku="A")
        locked.set()
        tx.write(Write(HEAVIER, {"by": 41, "limit": 10}, rows=1))
        until_somebody_waits(database)

    def reader(tx: Transaction) -> None:
        seen.append(tx.rows(lock, sku="A")[0].weight_g)

    with ThreadPoolExecutor(max_workers=2) as pool:
        writing = pool.submit(database.run, writer, given.cause())
        assert locked.wait(timeout=10)
        reading = pool.submit(database.run, reader, given.cause())
        writing.result(timeout=30)
        reading.result(timeout=30)

    assert seen == [42]


def test_a_step_may_begin_with_an_attempt(database: Database) -> None:
    def step(tx: Transaction) -> None:
        with tx.attempt():
            tx.write(put("A"))
        with contextlib.suppress(ValueError), tx.attempt():
            tx.write(put("B"))
            raise ValueError

    database.run(step, given.cause())

    assert weights(database) == [("A", 1)]
