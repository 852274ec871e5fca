"""What is kept over a restart: queues, tasks, the names that are taken, jobs and the key."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from google.api_core import exceptions
from google.cloud.tasks_v2 import types

from tests.conformance.cloud import LOCATION, Cloud, connect, eventually, start, unique
from tests.conformance.recorder import Recorder

NEVER = {"min_backoff": timedelta(hours=1), "max_backoff": timedelta(hours=1)}


@contextlib.contextmanager
def running(state: Path) -> Iterator[tuple[Cloud, "subprocess.Popen[str]"]]:
    """A process that keeps its state; killed without a warning at the end of the block."""
    process, addresses = start("--state-dir", str(state))
    try:
        yield connect(addresses), process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _later() -> datetime:
    return datetime.now(UTC) + timedelta(days=1)


def _tasks(cloud: Cloud, queue: str) -> list[Any]:
    view = types.Task.View.FULL
    return list(cloud.tasks.list_tasks(request={"parent": queue, "response_view": view}))


def test_a_killed_process_has_lost_no_task_that_it_answered_for(
    tmp_path: Path, recorder: Recorder, path: str
) -> None:
    # Goal: an answer is a promise. The process dies while many tasks are being created at once.
    answered: list[str] = []
    with running(tmp_path) as (cloud, process):
        queue = cloud.queue()
        cloud.tasks.pause_queue(request={"name": queue})

        def fill(_number: int) -> None:
            with contextlib.suppress(exceptions.GoogleAPICallError):
                while True:
                    answered.append(cloud.task(queue, recorder.url(path)).name)

        with ThreadPoolExecutor(4) as pool:
            filling = pool.map(fill, range(4))
            eventually(lambda: len(answered) >= 100)
            process.kill()
            list(filling)

    with running(tmp_path) as (cloud, _):
        kept = {task.name for task in _tasks(cloud, queue)}

        assert set(answered) <= kept
        assert cloud.tasks.get_queue(request={"name": queue}).state == types.Queue.State.PAUSED
        cloud.tasks.resume_queue(request={"name": queue})
        recorder.wait(path, len(kept))


def test_a_task_goes_on_where_it_stood(tmp_path: Path, recorder: Recorder, path: str) -> None:
    http_target = {"header_overrides": [{"header": {"key": "X-Queue", "value": "kept"}}]}
    recorder.answer(path, [404, 200])
    with running(tmp_path) as (cloud, _):
        queue = cloud.queue(retry_config={**NEVER, "max_attempts": 7}, http_target=http_target)
        name = cloud.task(queue, recorder.url(path), http={"body": b"work"}).name
        eventually(lambda: cloud.stats()["queues"][queue]["failed"] == 1)
        before = cloud.tasks.get_task(request={"name": name})
        # One more write that is answered for, so that what came before it is on the disk.
        cloud.task(queue, recorder.url(path), schedule_time=_later())

    with running(tmp_path) as (cloud, _):
        assert cloud.tasks.get_queue(request={"name": queue}).retry_config.max_attempts == 7
        after = cloud.tasks.get_task(request={"name": name})
        assert after == before
        assert after.dispatch_count == 1

        cloud.tasks.run_task(request={"name": name})

        _, second = recorder.wait(path, 2)
        assert second.body == b"work"
        assert second.headers["X-Queue"] == "kept"
        assert second.headers["X-CloudTasks-TaskRetryCount"] == "1"
        assert second.headers["X-CloudTasks-TaskExecutionCount"] == "1"
        assert second.headers["X-CloudTasks-TaskPreviousResponse"] == "404"


def test_a_task_whose_attempt_was_cut_off_is_dispatched_again(
    tmp_path: Path, recorder: Recorder, path: str
) -> None:
    recorder.hold(path)
    with running(tmp_path) as (cloud, _):
        cloud.task(cloud.queue(), recorder.url(path))
        recorder.wait(path, 1)
    recorder.release(path)

    with running(tmp_path):
        recorder.wait(path, 2)


def test_tasks_keep_their_order(tmp_path: Path, recorder: Recorder, path: str) -> None:
    with running(tmp_path) as (cloud, _):
        queue = cloud.queue(rate_limits={"max_concurrent_dispatches": 1})
        cloud.tasks.pause_queue(request={"name": queue})
        for number in range(20):
            cloud.task(queue, recorder.url(path), http={"body": b"%d" % number})

    with running(tmp_path) as (cloud, _):
        cloud.tasks.resume_queue(request={"name": queue})

        assert [int(seen.body) for seen in recorder.wait(path, 20)] == list(range(20))


def test_names_stay_taken_and_what_was_deleted_stays_away(
    tmp_path: Path, recorder: Recorder, path: str
) -> None:
    with running(tmp_path) as (cloud, _):
        queue, deleted = cloud.queue(), cloud.queue()
        cloud.task(queue, recorder.url(path), task_id="done")
        eventually(lambda: cloud.stats()["queues"][queue]["depth"] == 0)
        for task_id in ("removed", "purged"):
            cloud.task(queue, recorder.url(path), task_id=task_id, schedule_time=_later())
        cloud.tasks.delete_task(request={"name": f"{queue}/tasks/removed"})
        cloud.tasks.purge_queue(request={"name": queue})
        purged = cloud.tasks.get_queue(request={"name": queue}).purge_time
        cloud.task(deleted, recorder.url(path), schedule_time=_later())
        cloud.tasks.delete_queue(request={"name": deleted})

    with running(tmp_path) as (cloud, _):
        assert _tasks(cloud, queue) == []
        assert cloud.tasks.get_queue(request={"name": queue}).purge_time == purged
        for task_id in ("done", "removed", "purged"):
            with pytest.raises(exceptions.AlreadyExists):
                cloud.task(queue, recorder.url(path), task_id=task_id)
        with pytest.raises(exceptions.NotFound):
            cloud.tasks.get_queue(request={"name": deleted})
        with pytest.raises(exceptions.FailedPrecondition):
            cloud.tasks.create_queue(request={"parent": LOCATION, "queue": {"name": deleted}})


def test_jobs_are_kept_with_what_became_of_them(
    tmp_path: Path, recorder: Recorder, path: str
) -> None:
    jobs = [
        {
            "name": f"{LOCATION}/jobs/{unique('job')}",
            "schedule": "17 3 * * *",
            "httpTarget": {"uri": recorder.url(path)},
        }
        for _ in range(3)
    ]
    recorder.answer(path, [500])
    with running(tmp_path) as (cloud, _):
        base = f"{cloud.http}/v1"
        for job in jobs:
            requests.post(f"{base}/{LOCATION}/jobs", json=job, timeout=30).raise_for_status()
        failed, paused, deleted = (str(job["name"]) for job in jobs)
        requests.post(f"{base}/{failed}:run", timeout=30)
        eventually(lambda: "status" in requests.get(f"{base}/{failed}", timeout=30).json())
        eventually(lambda: requests.get(f"{base}/{failed}", timeout=30).json()["status"] != {})
        requests.delete(f"{base}/{deleted}", timeout=30).raise_for_status()
        requests.post(f"{base}/{paused}:pause", timeout=30).raise_for_status()
        before = requests.get(f"{base}/{LOCATION}/jobs", timeout=30).json()

    with running(tmp_path) as (cloud, _):
        after = requests.get(f"{cloud.http}/v1/{LOCATION}/jobs", timeout=30).json()

        assert after == before
        assert [job["state"] for job in after["jobs"]] == ["ENABLED", "PAUSED"]
        assert after["jobs"][0]["status"] == {"code": 13}


def test_tokens_of_before_a_restart_can_still_be_verified(tmp_path: Path) -> None:
    certificates = []
    for _ in range(2):
        with running(tmp_path) as (cloud, _):
            answer = requests.get(f"{cloud.http}/oauth2/v1/certs", timeout=30)
            certificates.append(list(answer.json()))

    assert certificates[0] == certificates[1]
    assert (tmp_path / "signing-key.pem").stat().st_mode & 0o077 == 0


def test_a_folder_serves_one_process_at_a_time(tmp_path: Path) -> None:
    with running(tmp_path):
        ports = ("--pubsub-port", "0", "--tasks-port", "0", "--http-port", "0")
        second = subprocess.run(
            [sys.executable, "-m", "emulators.google", *ports, "--state-dir", str(tmp_path)],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    assert second.returncode == 1
    assert second.stderr.startswith("Cannot keep state in")
    assert second.stderr.count("\n") == 1


def test_thousands_of_tasks_are_taken_up_in_a_moment(
    tmp_path: Path, recorder: Recorder, path: str
) -> None:
    with running(tmp_path) as (cloud, _):
        queue = cloud.queue()
        request = {
            "parent": queue,
            "task": {"http_request": {"url": recorder.url(path)}, "schedule_time": _later()},
        }
        for _ in range(30):
            batch = {"parent": queue, "requests": [request] * 100}
            cloud.tasks.batch_create_tasks(request=batch).result(timeout=30)

    began_s = time.monotonic()
    with running(tmp_path) as (cloud, _):
        assert cloud.stats()["queues"][queue]["depth"] == 3_000
        assert time.monotonic() - began_s < 5  # one second on an idle machine
