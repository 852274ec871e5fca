"""Cloud Scheduler in its REST shape."""

import asyncio
import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests

from emulators.disk import Disk
from emulators.google.faults import Faults
from emulators.google.outbound import Outbound
from emulators.google.scheduler.entry import Entry
from emulators.google.scheduler.jobs import Job, read
from emulators.google.scheduler.runner import Outside, Runner
from emulators.google.scheduler.shelf import Shelf
from emulators.google.tokens import TokenIssuer
from tests.conformance.cloud import LOCATION, Cloud, about, eventually, unique
from tests.conformance.recorder import Recorder

NIGHTLY = "17 3 * * *"


def _job(url: str, **fields: Any) -> dict[str, Any]:
    target = {"uri": url, **fields.pop("httpTarget", {})}
    name = f"{LOCATION}/jobs/{unique('job')}"
    return {"name": name, "schedule": NIGHTLY, "httpTarget": target, **fields}


def _create(cloud: Cloud, job: dict[str, Any]) -> requests.Response:
    return requests.post(f"{cloud.http}/v1/{LOCATION}/jobs", json=job, timeout=30)


def _call(cloud: Cloud, verb: str, name: str, **more: Any) -> requests.Response:
    return requests.request(verb, f"{cloud.http}/v1/{name}", timeout=30, **more)


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
    listed = requests.get(f"{cloud.http}/v1/{LOCATION}/jobs", timeout=30).json()["jobs"]
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
        {"retryConfig": {"maxDoublings": 17}},
        {"retryConfig": {"maxRetryDuration": "soon"}},
        {"description": "x" * 501},
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
    assert all(map(about, gaps_s, [0.1, 0.2])), gaps_s
    assert _call(cloud, "GET", job["name"]).json()["status"] == {"code": 13}


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
        outbound = Outbound()
        runner = Runner(
            Outside(outbound, TokenIssuer(), Faults(), Shelf(Disk(None))),
            now=lambda: begins + timedelta(seconds=loop.time() - started_s),
        )
        raw = _job(recorder.url(path))
        started_s = loop.time()
        entry = runner.put(read(raw), raw)
        await asyncio.to_thread(recorder.wait, path, 1)
        assert entry.next_run == datetime(2030, 1, 2, 3, 17, tzinfo=UTC)
        runner.close()
        await outbound.close()

    asyncio.run(scenario())

    (seen,) = recorder.seen(path)
    assert seen.headers["X-CloudScheduler-ScheduleTime"] == "2030-01-01T03:17:00+00:00"


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        # On 29 March 2026 the clocks of Berlin go from 01:59 to 03:00.
        ("30 2 * * *", "2026-03-29T00:00+01:00", ["03-29 03:00 +0200", "03-30 02:30 +0200"]),
        ("30 * * * *", "2026-03-29T01:00+01:00", ["03-29 01:30 +0100", "03-29 03:30 +0200"]),
        ("0 12 * * *", "2026-03-28T13:00+01:00", ["03-29 12:00 +0200", "03-30 12:00 +0200"]),
        # On 25 October 2026 they go from 02:59 back to 02:00.
        ("30 2 * * *", "2026-10-25T00:00+02:00", ["10-25 02:30 +0200", "10-26 02:30 +0100"]),
        ("30 * * * *", "2026-10-25T02:00+02:00", ["10-25 02:30 +0200", "10-25 02:30 +0100"]),
        ("0 12 * * *", "2026-10-24T13:00+02:00", ["10-25 12:00 +0100", "10-26 12:00 +0100"]),
    ],
)
def test_a_schedule_goes_by_the_clock_on_the_wall(
    schedule: str, after: str, expected: list[str]
) -> None:
    # Goal: a time that does not exist is made up for at the end of the gap, and one that comes
    # twice is taken once, unless the schedule means every hour.
    job = read(_job("http://127.0.0.1/", schedule=schedule, timeZone="Europe/Berlin"))

    first = job.next_run(datetime.fromisoformat(after))
    second = job.next_run(first)

    shown = [moment.astimezone(BERLIN).strftime("%m-%d %H:%M %z") for moment in (first, second)]
    assert shown == expected


@pytest.mark.parametrize(
    ("retry", "failures", "elapsed_s", "over"),
    [
        ({}, 1, 0, True),
        ({"retryCount": 2}, 2, 1e6, False),
        ({"retryCount": 2}, 3, 0, True),
        ({"retryCount": 2, "maxRetryDuration": "60s"}, 3, 59, False),
        ({"retryCount": 2, "maxRetryDuration": "60s"}, 2, 61, False),
        ({"retryCount": 2, "maxRetryDuration": "60s"}, 3, 60, True),
        ({"maxRetryDuration": "60s"}, 9, 59, False),
    ],
)
def test_an_execution_is_given_up_when_both_its_limits_are_reached(
    retry: dict[str, Any], failures: int, elapsed_s: float, *, over: bool
) -> None:
    job = read(_job("http://127.0.0.1/", retryConfig=retry))

    assert job.retry.is_over(failures, elapsed_s) is over


@pytest.mark.parametrize(
    ("status", "code"), [(200, None), (404, 5), (403, 7), (429, 8), (500, 13), (503, 14), (302, 2)]
)
def test_a_job_shows_how_its_last_attempt_ended(
    cloud: Cloud, recorder: Recorder, path: str, status: int, code: int | None
) -> None:
    job = _job(recorder.url(path))
    recorder.answer(path, [status])
    created = _create(cloud, job).json()
    assert "lastAttemptTime" not in created
    assert "status" not in created

    _call(cloud, "POST", f"{job['name']}:run")

    eventually(lambda: "status" in _call(cloud, "GET", job["name"]).json())
    (seen,) = recorder.wait(path, 1)
    eventually(lambda: (_call(cloud, "GET", job["name"]).json()["status"].get("code")) == code)
    found = _call(cloud, "GET", job["name"]).json()
    began = datetime.fromisoformat(found["lastAttemptTime"])
    assert began.timestamp() == pytest.approx(seen.at_s, abs=1)


def test_only_an_enabled_job_can_be_paused_and_only_a_paused_one_resumed(cloud: Cloud) -> None:
    job = _job("http://127.0.0.1/")
    _create(cloud, job)

    resumed = _call(cloud, "POST", f"{job['name']}:resume")
    _call(cloud, "POST", f"{job['name']}:pause").raise_for_status()
    paused = _call(cloud, "POST", f"{job['name']}:pause")

    for refused in (resumed, paused):
        assert refused.status_code == 400
        assert refused.json()["error"]["status"] == "FAILED_PRECONDITION"


def test_a_paused_job_stays_paused_when_it_is_changed_and_can_be_run(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    job = _job("http://127.0.0.1/")
    created = _create(cloud, job).json()
    _call(cloud, "POST", f"{job['name']}:pause")
    change = {"httpTarget": {"uri": recorder.url(path)}, "state": "ENABLED"}

    changed = _call(cloud, "PATCH", job["name"], json=change).json()
    _call(cloud, "POST", f"{job['name']}:run")

    assert changed["state"] == "PAUSED"
    assert changed["userUpdateTime"] > created["userUpdateTime"]
    recorder.wait(path, 1)


def test_a_job_that_runs_can_be_run_once_more(cloud: Cloud, recorder: Recorder, path: str) -> None:
    job = _job(recorder.url(path))
    _create(cloud, job)
    recorder.hold(path)

    for count in (1, 2):
        _call(cloud, "POST", f"{job['name']}:run")
        recorder.wait(path, count)

    assert recorder.most_under_way(path) == 2
    recorder.release(path)


def test_jobs_come_in_pages(cloud: Cloud) -> None:
    parent = f"projects/demo/locations/{unique('place')}"
    names = [f"{parent}/jobs/{word}" for word in ("b", "a", "c")]
    for name in names:
        job = {**_job("http://127.0.0.1/"), "name": name}
        requests.post(f"{cloud.http}/v1/{parent}/jobs", json=job, timeout=30).raise_for_status()

    listed, token = [], ""
    for _ in range(2):
        parameters = {"pageSize": "2", "pageToken": token}
        page = _call(cloud, "GET", f"{parent}/jobs", params=parameters).json()
        listed += [job["name"] for job in page["jobs"]]
        token = page.get("nextPageToken", "")

    assert (listed, token) == (sorted(names), "")


def _scenario(begins: datetime, job: Job, raw: dict[str, Any], until: Callable[[], Any]) -> Entry:
    """Run the job by a clock that starts at `begins`, until the recorder has seen enough."""

    async def scenario() -> Entry:
        loop = asyncio.get_running_loop()
        outbound = Outbound()
        runner = Runner(
            Outside(outbound, TokenIssuer(), Faults(), Shelf(Disk(None))),
            now=lambda: begins + timedelta(seconds=loop.time() - started_s),
        )
        started_s = loop.time()
        entry = runner.put(job, raw)
        try:
            await asyncio.to_thread(until)
        finally:
            runner.close()
            await outbound.close()
        return entry

    return asyncio.run(scenario())


def test_an_attempt_that_outlives_its_deadline_has_failed(recorder: Recorder, path: str) -> None:
    # The documented minimum is 15 s; the job is given less behind its back.
    raw = _job(recorder.url(path), retryConfig={"retryCount": 1, "minBackoffDuration": "0.1s"})
    recorder.hold(path)
    begins = datetime(2030, 1, 1, 3, 16, 59, 0, tzinfo=UTC)

    entry = _scenario(
        begins, replace(read(raw), deadline_s=0.5), raw, lambda: recorder.wait(path, 2)
    )

    recorder.release(path)
    assert entry.last_code == 4  # DEADLINE_EXCEEDED
    first, second = recorder.seen(path)
    assert second.at_s - first.at_s == pytest.approx(0.6, abs=0.4)


def test_a_run_that_falls_due_during_another_begins_after_it(recorder: Recorder, path: str) -> None:
    # Goal: executions never overlap, and none is forgotten. Two minutes pass in no time.
    raw = _job(recorder.url(path), schedule="* * * * *")
    recorder.hold(path)

    async def scenario() -> None:
        now = [datetime(2030, 1, 1, 3, 16, 59, 0, tzinfo=UTC)]
        outbound = Outbound()
        runner = Runner(
            Outside(outbound, TokenIssuer(), Faults(), Shelf(Disk(None))), now=lambda: now[0]
        )
        entry = runner.put(read(raw), raw)
        try:
            for minute in (17, 18):
                runner._fall_due(entry)
                now[0] = datetime(2030, 1, 1, 3, minute, 1, tzinfo=UTC)
            await asyncio.to_thread(recorder.wait, path, 1)
            recorder.release(path)
            await asyncio.to_thread(recorder.wait, path, 2)
        finally:
            runner.close()
            await outbound.close()

    asyncio.run(scenario())

    times = [seen.headers["X-CloudScheduler-ScheduleTime"] for seen in recorder.seen(path)]
    assert times == ["2030-01-01T03:17:00+00:00", "2030-01-01T03:18:00+00:00"]
    assert recorder.most_under_way(path) == 1
