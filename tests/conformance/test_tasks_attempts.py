"""Attempts beyond the usual: bounds of a retry, forced runs, order, and the queue's own token."""

import base64
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from typing import Any

import pytest
from google.api_core import exceptions

from tests.conformance.cloud import Cloud, about, eventually
from tests.conformance.recorder import Recorder

QUICK = {"min_backoff": timedelta(milliseconds=10), "max_backoff": timedelta(milliseconds=10)}
NEVER = {"min_backoff": timedelta(hours=1), "max_backoff": timedelta(hours=1)}


def _counts(cloud: Cloud, queue: str) -> dict[str, int]:
    found: dict[str, int] = cloud.stats()["queues"][queue]
    return found


def test_a_task_is_given_up_only_when_both_its_limits_are_reached(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    # Goal: two attempts are over at once, one second is not; so it is tried until then.
    queue = cloud.queue(
        retry_config={
            "min_backoff": timedelta(milliseconds=100),
            "max_backoff": timedelta(milliseconds=100),
            "max_attempts": 2,
            "max_retry_duration": timedelta(seconds=1),
        }
    )
    recorder.answer(path, [500])

    cloud.task(queue, recorder.url(path))

    eventually(lambda: _counts(cloud, queue)["dropped"] == 1)
    seen = recorder.seen(path)
    assert len(seen) > 2
    assert seen[-1].at_s - seen[0].at_s == pytest.approx(1, abs=0.25)


def test_a_task_may_bring_a_retry_rule_of_its_own(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    queue = cloud.queue(retry_config={**NEVER, "max_attempts": 1})
    recorder.answer(path, [500])

    task = cloud.task(queue, recorder.url(path), retry_config={**QUICK, "max_attempts": 3})

    assert task.retry_config.max_attempts == 3
    eventually(lambda: _counts(cloud, queue)["dropped"] == 1)
    assert len(recorder.seen(path)) == 3


def test_a_task_with_an_impossible_retry_rule_is_refused(cloud: Cloud) -> None:
    with pytest.raises(exceptions.InvalidArgument, match="max_attempts"):
        cloud.task(cloud.queue(), "http://127.0.0.1:9/", retry_config={"max_attempts": -2})


def test_retry_after_may_be_a_date(cloud: Cloud, recorder: Recorder, path: str) -> None:
    queue = cloud.queue(retry_config=QUICK)
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    recorder.answer(path, [(503, {"Retry-After": format_datetime(until, usegmt=True)}), 200])

    cloud.task(queue, recorder.url(path))

    _, second = recorder.wait(path, 2)
    assert about(second.at_s - until.timestamp(), 0)


def test_a_task_that_runs_already_can_be_run_once_more(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    queue = cloud.queue()
    recorder.hold(path)
    task = cloud.task(queue, recorder.url(path))
    recorder.wait(path, 1)

    cloud.tasks.run_task(request={"name": task.name})

    recorder.wait(path, 2)
    assert _counts(cloud, queue)["in_flight"] == 2
    recorder.release(path)
    eventually(lambda: _counts(cloud, queue)["depth"] == 0)


def test_after_a_forced_run_the_back_off_counts_from_the_call(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    queue = cloud.queue(retry_config=NEVER)
    due = datetime.now(UTC) + timedelta(days=2)
    task = cloud.task(queue, recorder.url(path), schedule_time=due)
    recorder.answer(path, [500])
    recorder.hold(path)
    called = datetime.now(UTC)

    cloud.tasks.run_task(request={"name": task.name})

    # The attempt takes two seconds, which must not be added.
    eventually(lambda: datetime.now(UTC) - called > timedelta(seconds=2))
    recorder.release(path)
    eventually(lambda: _counts(cloud, queue)["failed"] == 1)
    found = cloud.tasks.get_task(request={"name": task.name})
    assert abs(found.schedule_time - called - timedelta(hours=1)) < timedelta(seconds=1.5)
    assert found.dispatch_count == 1


def test_a_paused_queue_goes_on_in_the_order_of_its_schedule(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    queue = cloud.queue(rate_limits={"max_concurrent_dispatches": 1})
    cloud.tasks.pause_queue(request={"name": queue})
    soon = datetime.now(UTC) + timedelta(seconds=2)  # longer than making five tasks may take
    cloud.task(queue, recorder.url(path), http={"body": b"later"}, schedule_time=soon)
    for number in range(5):
        cloud.task(queue, recorder.url(path), http={"body": b"%d" % number})

    cloud.tasks.resume_queue(request={"name": queue})

    bodies = [seen.body for seen in recorder.wait(path, 6)]
    assert bodies == [b"0", b"1", b"2", b"3", b"4", b"later"]


def test_an_attempt_under_way_ends_although_its_queue_is_paused(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    queue = cloud.queue()
    recorder.hold(path)
    cloud.task(queue, recorder.url(path))
    recorder.wait(path, 1)

    cloud.tasks.pause_queue(request={"name": queue})
    recorder.release(path)

    eventually(lambda: _counts(cloud, queue)["depth"] == 0)


def test_a_purge_spares_what_comes_after_it(cloud: Cloud, recorder: Recorder, path: str) -> None:
    queue = cloud.queue()
    due = datetime.now(UTC) + timedelta(milliseconds=400)
    cloud.task(queue, recorder.url(path), http={"body": b"before"}, schedule_time=due)
    cloud.tasks.purge_queue(request={"name": queue})

    cloud.task(queue, recorder.url(path), http={"body": b"after"}, schedule_time=due)

    recorder.wait(path, 1)
    eventually(lambda: _counts(cloud, queue)["depth"] == 0)
    assert [seen.body for seen in recorder.seen(path)] == [b"after"]


def test_a_failed_attempt_of_a_purged_task_is_not_repeated(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    queue = cloud.queue(retry_config=QUICK)
    recorder.answer(path, [500])
    recorder.hold(path)
    cloud.task(queue, recorder.url(path))
    recorder.wait(path, 1)
    cloud.tasks.purge_queue(request={"name": queue})

    recorder.release(path)

    eventually(lambda: _counts(cloud, queue)["in_flight"] == 0)
    assert (_counts(cloud, queue)["failed"], len(recorder.seen(path))) == (1, 1)


def test_a_rate_far_below_one_is_kept_over_an_update(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    queue = cloud.queue(rate_limits={"max_dispatches_per_second": 0.01})
    for _ in range(3):
        cloud.task(queue, recorder.url(path))
    recorder.wait(path, 1)

    wanted = {"name": queue, "rate_limits": {"max_dispatches_per_second": 4}}
    cloud.tasks.update_queue(request={"queue": wanted})

    # The bucket was empty, and an update fills it no faster than the new rate.
    gaps_s = [b.at_s - a.at_s for a, b in pairwise(recorder.wait(path, 3)[1:])]
    assert all(about(gap_s, 0.25, early_s=0.1) for gap_s in gaps_s), gaps_s


def test_the_token_of_the_queue_wins_over_that_of_its_tasks(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    token = {"service_account_email": "queue@example.com", "audience": "https://queue"}
    queue = cloud.queue(http_target={"oidc_token": token})
    own = {"service_account_email": "task@example.com", "audience": "https://task"}

    cloud.task(queue, recorder.url(path), http={"oidc_token": own})

    (seen,) = recorder.wait(path, 1)
    claims = _claims(seen.headers["Authorization"])
    assert (claims["email"], claims["aud"]) == ("queue@example.com", "https://queue")


def test_a_queue_that_asks_with_get_sends_no_body(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    queue = cloud.queue(http_target={"http_method": "GET"})

    cloud.task(queue, recorder.url(path), http={"body": b"ignored"})

    (seen,) = recorder.wait(path, 1)
    assert (seen.method, seen.body) == ("GET", b"")


def test_headers_that_cloud_tasks_sets_itself_cannot_be_overridden(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    headers = {"X-CloudTasks-TaskRetryCount": "9", "User-Agent": "me", "Host": "elsewhere"}
    overrides = [{"header": {"key": key, "value": value}} for key, value in headers.items()]
    queue = cloud.queue(http_target={"header_overrides": overrides})

    cloud.task(queue, recorder.url(path), http={"headers": headers})

    (seen,) = recorder.wait(path, 1)
    assert seen.headers["X-CloudTasks-TaskRetryCount"] == "0"
    assert seen.headers["User-Agent"] == "Google-Cloud-Tasks"
    assert seen.headers["Host"] == f"127.0.0.1:{recorder.port}"


@pytest.mark.parametrize(
    "target",
    [
        {"oidc_token": {"service_account_email": "a@example.com"}},
        {"oidc_token": {"audience": "https://a"}},
        {"header_overrides": [{"header": {"key": "X", "value": "x" * 80 * 1024}}]},
    ],
)
def test_a_target_out_of_bounds_is_refused(cloud: Cloud, target: dict[str, Any]) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        cloud.queue(http_target=target)


@pytest.mark.parametrize(
    "fields",
    [
        {"dispatch_deadline": timedelta(seconds=15)},
        {"dispatch_deadline": timedelta(minutes=30)},
        {"schedule_time": datetime.now(UTC) + timedelta(days=29, hours=23)},
        {"schedule_time": datetime(2001, 1, 1, tzinfo=UTC)},
        {"task_id": "A-z_0" * 100},
        {"http": {"body": b"x" * 1_048_000}},
        {"http": {"headers": {"X": "x" * 80_000}}},
    ],
)
def test_a_task_at_its_bounds_is_taken(
    cloud: Cloud, recorder: Recorder, path: str, fields: dict[str, Any]
) -> None:
    queue = cloud.queue()
    cloud.tasks.pause_queue(request={"name": queue})

    made = cloud.task(queue, recorder.url(path), **fields)

    assert made.schedule_time > datetime.now(UTC) - timedelta(minutes=1)
    assert made.create_time.microsecond == 0


def _claims(bearer: str) -> dict[str, Any]:
    payload = bearer.split(".")[1]
    found: dict[str, Any] = json.loads(
        base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    )
    return found
