"""The file below every stand-in's state: what is kept, together with what, and what fails how."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from emulators import disk as disk_module
from emulators.disk import Broken, Disk, Statement, Unusable
from emulators.easypost.ledger import Ledger
from emulators.easypost.server import Server
from emulators.easypost.shipments import Shipments
from emulators.easypost.trackers import Trackers
from emulators.google.faults import Faults
from emulators.google.outbound import Outbound
from emulators.google.pubsub.journal import Journal
from emulators.google.rpc import Refused
from emulators.google.scheduler.routes import routes
from emulators.google.scheduler.runner import Outside, Runner
from emulators.google.scheduler.shelf import Shelf as JobShelf
from emulators.google.tasks.shelf import Shelf as TaskShelf
from emulators.google.tokens import TokenIssuer
from emulators.rows import Rows
from emulators.sellers.hooks import Hooks
from emulators.sellers.journeys import Pace
from tests.conformance.cloud import LOCATION
from tests.easypost.test_simulator import shipment

LETTERS = "CREATE TABLE IF NOT EXISTS letters (letter TEXT PRIMARY KEY)"
ADD = "INSERT INTO letters (letter) VALUES (?)"
ALL = "SELECT letter FROM letters ORDER BY letter"


def _opened(path: Path | None) -> Disk:
    disk = Disk(path)
    disk.lay_out(LETTERS)
    return disk


def _kept(path: Path) -> list[str]:
    """What the next process finds."""

    async def read() -> list[str]:
        disk = _opened(path)
        found = [letter for (letter,) in disk.read(ALL)]
        await disk.close()
        return found

    return asyncio.run(read())


def _fill(disk: Disk) -> None:
    """Leave no room for anything more, as SQLite itself sees it."""
    assert disk._connection is not None
    disk._connection.execute("PRAGMA max_page_count = 1")


def _commits(disk: Disk) -> list[str]:
    """Grows by one with every group that is committed from now on."""
    seen: list[str] = []

    def trace(statement: str) -> None:
        if statement == "COMMIT":
            seen.append(statement)

    assert disk._connection is not None
    disk._connection.set_trace_callback(trace)
    return seen


def test_what_is_saved_is_there_for_the_next_process(tmp_path: Path) -> None:
    async def scenario() -> None:
        disk = _opened(tmp_path / "new" / "state")
        disk.note(ADD, "a")
        await disk.saved()
        disk.note(ADD, "b")
        await disk.close()

    asyncio.run(scenario())

    assert _kept(tmp_path / "new" / "state") == ["a", "b"]


def test_without_a_path_nothing_is_kept_and_nothing_fails() -> None:
    async def scenario() -> None:
        disk = _opened(None)
        disk.note(ADD, "a")
        await disk.saved()
        assert not disk.keeps
        assert list(disk.read(ALL)) == []
        await disk.close()

    asyncio.run(scenario())


def test_a_hundred_callers_share_a_commit(tmp_path: Path) -> None:
    async def scenario() -> None:
        disk = _opened(tmp_path / "state")
        commits = _commits(disk)

        async def call(number: int) -> None:
            disk.note(ADD, f"{number:03}")
            await disk.saved()

        await asyncio.gather(*(call(number) for number in range(100)))
        assert len(commits) <= 2
        await disk.close()

    asyncio.run(scenario())

    assert len(_kept(tmp_path / "state")) == 100


def test_a_caller_waits_for_the_group_that_its_change_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, may_commit = disk_module._commit, threading.Event()

    def held(connection: sqlite3.Connection, statements: Sequence[Statement]) -> None:
        if (ADD, ("b",)) in statements:
            assert may_commit.wait(10)
        commit(connection, statements)

    monkeypatch.setattr(disk_module, "_commit", held)

    async def scenario() -> None:
        disk = _opened(tmp_path / "state")
        disk.note(ADD, "a")
        first = asyncio.create_task(disk.saved())
        await asyncio.sleep(0)  # its group is on the way now, and takes nothing more
        disk.note(ADD, "b")
        second = asyncio.create_task(disk.saved())
        await first
        await asyncio.sleep(0)
        assert not second.done()
        may_commit.set()
        await second
        await disk.close()

    asyncio.run(scenario())

    assert _kept(tmp_path / "state") == ["a", "b"]


def test_a_caller_who_goes_away_takes_nothing_from_the_others(tmp_path: Path) -> None:
    async def scenario() -> None:
        disk = _opened(tmp_path / "state")
        disk.note(ADD, "a")
        impatient, patient = (asyncio.create_task(disk.saved()) for _ in range(2))
        await asyncio.sleep(0)
        impatient.cancel()
        await patient
        assert impatient.cancelled()
        await disk.close()

    asyncio.run(scenario())

    assert _kept(tmp_path / "state") == ["a"]


def test_what_is_noted_together_is_kept_together_or_not_at_all(tmp_path: Path) -> None:
    async def scenario() -> None:
        disk = _opened(tmp_path / "state")
        disk.note(ADD, "a")
        await disk.saved()
        disk.note(ADD, "b")
        disk.note(ADD, "a")
        with pytest.raises(Broken, match="UNIQUE"):
            await disk.saved()
        await disk.close()

    asyncio.run(scenario())

    assert _kept(tmp_path / "state") == ["a"]


def test_after_a_group_that_failed_no_other_is_written(tmp_path: Path) -> None:
    # Goal: what comes later may build on what is missing, so the file stays at the last good group.
    async def scenario() -> None:
        disk = _opened(tmp_path / "state")
        disk.note(ADD, "a")
        await disk.saved()
        disk.note(ADD, "a")
        failing = asyncio.create_task(disk.saved())
        await asyncio.sleep(0)
        disk.note(ADD, "b")
        gathered_meanwhile = asyncio.create_task(disk.saved())
        for each in (failing, gathered_meanwhile):
            with pytest.raises(Broken, match="The state cannot be written: UNIQUE"):
                await each
        disk.note(ADD, "c")
        with pytest.raises(Broken):
            await disk.saved()
        await disk.close()

    asyncio.run(scenario())

    assert _kept(tmp_path / "state") == ["a"]


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    async def scenario() -> None:
        disk = _opened(tmp_path / "state")
        _fill(disk)
        disk.note(ADD, "a" * 100_000)
        with pytest.raises(Broken, match="The state cannot be written: database or disk is full"):
            await disk.saved()
        await disk.close()

    asyncio.run(scenario())

    assert _kept(tmp_path / "state") == []


def test_a_file_serves_one_process_at_a_time(tmp_path: Path) -> None:
    async def scenario() -> None:
        await Disk(tmp_path / "state").close()
        disk = Disk(tmp_path / "state")
        with pytest.raises(Unusable, match=r"Cannot keep state in .*state: database is locked"):
            Disk(tmp_path / "state")
        await disk.close()
        await Disk(tmp_path / "state").close()

    asyncio.run(scenario())


def _a_file_in_the_way(folder: Path) -> Path:
    (folder / "taken").write_text("x")
    return folder / "taken" / "state"


def _a_folder_of_its_name(folder: Path) -> Path:
    (folder / "state").mkdir()
    return folder / "state"


def _something_else(folder: Path) -> Path:
    (folder / "state").write_text("no database, and long enough to be taken for one" * 100)
    return folder / "state"


@pytest.mark.parametrize("prepare", [_a_file_in_the_way, _a_folder_of_its_name, _something_else])
def test_a_file_that_cannot_be_opened_is_one_sentence(
    tmp_path: Path, prepare: Callable[[Path], Path]
) -> None:
    path = prepare(tmp_path)

    with pytest.raises(Unusable) as raised:
        Disk(path)

    assert str(raised.value).startswith(f"Cannot keep state in {path}: ")
    assert "\n" not in str(raised.value)


def test_rows_come_back_by_kind_in_the_order_in_which_they_were_first_put(tmp_path: Path) -> None:
    async def write() -> None:
        disk = Disk(tmp_path / "state")
        rows = Rows(disk)
        for key in ("z", "gone", "a"):
            rows.put("letter", key, b"first")
        rows.put("other", "z", b"other")
        await disk.saved()
        rows.put("letter", "z", b"second")
        rows.drop("letter", "gone")
        await disk.close()

    async def read() -> None:
        disk = Disk(tmp_path / "state")
        rows = Rows(disk)
        assert rows.all("letter") == [("z", b"second"), ("a", b"first")]
        assert rows.all("other") == [("z", b"other")]
        assert rows.all("none") == []
        await disk.close()

    asyncio.run(write())
    asyncio.run(read())


# What those are told who ask a stand-in whose disk has failed.


async def _broken(path: Path) -> Disk:
    disk = _opened(path)
    for _ in range(2):
        disk.note(ADD, "twice")
    with pytest.raises(Broken):
        await disk.saved()
    return disk


async def _post(application: web.Application, path: str, body: Any) -> tuple[int, Any]:
    """The status and the document that a POST is answered with."""
    async with TestClient(TestServer(application)) as client:
        key = {"Authorization": "Bearer any"}
        async with client.post(path, json=body, headers=key) as response:
            return response.status, await response.json()


@pytest.mark.parametrize("keeper", [Journal, TaskShelf])
def test_pubsub_and_tasks_are_unavailable(
    tmp_path: Path, keeper: type[Journal] | type[TaskShelf]
) -> None:
    async def scenario() -> None:
        disk = await _broken(tmp_path / "state")
        with pytest.raises(Refused, match="The state cannot be written") as raised:
            await keeper(disk).saved()
        assert raised.value.code == grpc.StatusCode.UNAVAILABLE
        await disk.close()

    asyncio.run(scenario())


def test_scheduler_is_unavailable(tmp_path: Path) -> None:
    async def scenario() -> None:
        disk, outbound = await _broken(tmp_path / "state"), Outbound()
        runner = Runner(Outside(outbound, TokenIssuer(), Faults(), JobShelf(disk)))
        application = web.Application()
        application.add_routes(routes(runner))
        jobs = f"{LOCATION}/jobs"
        target = {"uri": "http://127.0.0.1/"}
        job = {"name": f"{jobs}/nightly", "schedule": "17 3 * * *", "httpTarget": target}
        status, answer = await _post(application, f"/v1/{jobs}", job)
        assert (status, answer["error"]["status"]) == (503, "UNAVAILABLE")
        assert answer["error"]["message"].startswith("The state cannot be written")
        runner.close()
        await outbound.close()
        await disk.close()

    asyncio.run(scenario())


def test_easypost_answers_with_its_error_document(tmp_path: Path) -> None:
    async def scenario() -> None:
        disk = await _broken(tmp_path / "state")
        ledger = Ledger(disk)
        async with Hooks("http://127.0.0.1/", lambda _: {}, ledger) as hooks:
            trackers = Trackers(hooks, ledger, Pace(step_s=60, duplicates=0, reorder=0, seed=7))
            shipments = Shipments("http://127.0.0.1", ledger)
            application = Server(shipments, trackers, hooks, ledger).application()
            status, answer = await _post(application, "/v2/shipments", shipment())
        assert (status, answer["error"]["code"]) == (500, "INTERNAL_SERVER_ERROR")
        assert answer["error"]["message"].startswith("The state cannot be written")
        await disk.close()

    asyncio.run(scenario())
