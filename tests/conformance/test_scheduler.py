"""Cloud Scheduler in its REST shape."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import requests

from emulators.google.outbound import Outbound
from emulators.google.scheduler.jobs import read
from emulators.google.scheduler.runner import Runner
from emulators.google.tokens import TokenIssuer
from tests.conformance.cloud import LOCATION, Cloud, unique
from tests.conformance.recorder import Recorder

NIGHTLY = "17 3 * * *"


def _job(url: str, **fields: Any) -> dict[str, Any]:
    target = {"uri": url, **fields.pop("httpTarget", {})}
    name = f"{LOCATION}/jobs/{unique('job')}"
    return {"name": name, "schedule": NIGHTLY, "httpTarget": target, **fields}


def _create(cloud: Cloud, job: dict[str, Any]) -> requests.Response:
    return requests.post(f"{cloud.http}/v1/{LOCATION}/jobs", json=job, timeout=5)


def _call(cloud: Cloud, verb: str, name: str, **more: Any) -> requests.Response:
    return requests.request(verb, f"{cloud.http}/v1/{name}", timeout=5, **more)


def test_a_job_that_is_run_calls_its_target(cloud: Cloud, recorder: Recorder, path: str) -> None:
    target = {
        "httpMethod": "PUT",
        "headers": {"X-Mine": "1", "Content-Type": "application/json"},
        "body": base64.b64encode(b"{}").decode(),
    }
    job = _job(recorder.url(path), httpTarget=target)
    _create(cloud, job).raise_for_status()

    assert _call(cloud, "POST", f"{job['name']}:run").status_code == 200

    (seen,) = recorder.wait(path, 1)
    assert (seen.method, seen.body) == ("PUT", b"{}")
    assert seen.headers["User-Agent"] == "Google-Cloud-Scheduler"
    assert seen.headers["X-CloudScheduler"] == "true"
    assert seen.headers["X-CloudScheduler-JobName"] == job["name"].rsplit("/", 1)[-1]
    scheduled = datetime.fromisoformat(seen.headers["X-CloudScheduler-ScheduleTime"])
    assert abs(scheduled.timestamp() - seen.at_s) < 2
    assert (seen.headers["X-Mine"], seen.headers["Content-Type"]) == ("1", "application/json")


def test_a_job_shows_when_it_runs_next_in_its_time_zone(cloud: Cloud) -> None:
    job = _job("http://127.0.0.1/", schedule="0 12 * * *", timeZone="Asia/Tokyo")

    created = _create(cloud, job).json()

    assert created["state"] == "ENABLED"
    assert created["scheduleTime"].endswith("T03:00:00Z")
    assert datetime.fromisoformat(created["scheduleTime"]) > datetime.now(UTC)


def test_jobs_are_listed_changed_and_deleted(cloud: Cloud) -> None:
    job = _job("http://127.0.0.1/", description="kept")
    _create(cloud, job)

    changed = _call(
        cloud,
        "PATCH",
        job["name"],
        params={"updateMask": "schedule"},
        json={"schedule": "0 4 * * *", "description": "not in the mask"},
    ).json()

    assert (changed["schedule"], changed["description"]) == ("0 4 * * *", "kept")
    listed = requests.get(f"{cloud.http}/v1/{LOCATION}/jobs", timeout=5).json()["jobs"]
    assert changed in listed
    assert _call(cloud, "DELETE", job["name"]).status_code == 200
    absent = _call(cloud, "GET", job["name"])
    assert (absent.status_code, absent.json()["error"]["status"]) == (404, "NOT_FOUND")


def test_a_paused_job_has_no_next_run_until_it_is_resumed(cloud: Cloud) -> None:
    job = _job("http://127.0.0.1/")
    _create(cloud, job)

    paused = _call(cloud, "POST", f"{job['name']}:pause").json()
    resumed = _call(cloud, "POST", f"{job['name']}:resume").json()

    assert (paused["state"], "scheduleTime" in paused) == ("PAUSED", False)
    assert (resumed["state"], "scheduleTime" in resumed) == ("ENABLED", True)


def test_a_name_is_taken_once(cloud: Cloud) -> None:
    job = _job("http://127.0.0.1/")
    _create(cloud, job)

    again = _create(cloud, job)

    assert (again.status_code, again.json()["error"]["status"]) == (409, "ALREADY_EXISTS")


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "job"},
        {"schedule": "* * * *"},
        {"schedule": "* * * * * *"},
        {"schedule": "61 * * * *"},
        {"timeZone": "Nowhere/At all"},
        {"attemptDeadline": "14s"},
        {"attemptDeadline": "3 minutes"},
        {"retryConfig": {"retryCount": 6}},
        {"httpTarget": {"uri": ""}},
        {"httpTarget": {"httpMethod": "FETCH"}},
        {"httpTarget": {"body": "not base64!"}},
    ],
)
def test_a_malformed_job_is_refused(cloud: Cloud, fields: dict[str, Any]) -> None:
    refused = _create(cloud, _job("http://127.0.0.1/", **fields))

    assert refused.status_code == 400
    assert refused.json()["error"]["status"] == "INVALID_ARGUMENT"


def test_a_failed_run_is_tried_again_as_often_as_it_may(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    retry = {"retryCount": 2, "minBackoffDuration": "0.1s", "maxBackoffDuration": "1s"}
    job = _job(recorder.url(path), retryConfig=retry)
    recorder.answer(path, [500])
    _create(cloud, job)

    _call(cloud, "POST", f"{job['name']}:run")

    gaps_s = [b.at_s - a.at_s for a, b in pairwise(recorder.wait(path, 3))]
    assert gaps_s == pytest.approx([0.1, 0.2], abs=0.09)
    assert _call(cloud, "GET", job["name"]).json()["status"] == {"code": 2}


def test_without_a_retry_count_a_failed_run_is_over(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    job = _job(recorder.url(path), retryConfig={"minBackoffDuration": "0s"})
    recorder.answer(path, [500])
    _create(cloud, job)

    _call(cloud, "POST", f"{job['name']}:run")

    recorder.wait(path, 1)
    with pytest.raises(AssertionError):
        recorder.wait(path, 2, timeout_s=0.2)


def test_a_job_runs_when_its_time_comes(recorder: Recorder, path: str) -> None:
    # Goal: the timer itself. The clock is set so that the next minute begins in a moment.
    begins = datetime(2030, 1, 1, 3, 16, 59, 800_000, tzinfo=UTC)

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        outbound = Outbound()
        runner = Runner(
            outbound,
            TokenIssuer(),
            now=lambda: begins + timedelta(seconds=loop.time() - started_s),
        )
        raw = _job(recorder.url(path))
        entry = runner.put(read(raw), raw)
        await asyncio.to_thread(recorder.wait, path, 1)
        assert entry.next_run == datetime(2030, 1, 2, 3, 17, tzinfo=UTC)
        runner.close()
        await outbound.close()

    asyncio.run(scenario())

    (seen,) = recorder.seen(path)
    assert seen.headers["X-CloudScheduler-ScheduleTime"] == "2030-01-01T03:17:00+00:00"
