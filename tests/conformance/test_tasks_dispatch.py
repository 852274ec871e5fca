"""Dispatch: headers, pace, retries, and where a queue's `http_target` sends its tasks."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from google.api_core import exceptions
from google.cloud import tasks_v2
from google.protobuf.field_mask_pb2 import FieldMask

from emulators.google.tasks.retry import UNLIMITED, Retry
from emulators.google.tasks.target import overridden
from tests.conformance.cloud import Cloud, about, eventually
from tests.conformance.recorder import Recorder

PREFIX = "X-CloudTasks-"


def _backoff(min_ms: int, max_ms: int, doublings: int = 16, **more: object) -> dict[str, object]:
    return {
        "min_backoff": timedelta(milliseconds=min_ms),
        "max_backoff": timedelta(milliseconds=max_ms),
        "max_doublings": doublings,
        **more,
    }


def test_a_first_attempt_says_what_it_is(cloud: Cloud, recorder: Recorder, path: str) -> None:
    queue = cloud.queue()
    http = {"body": b"\x00work", "headers": {"X-Mine": "1", "User-Agent": "me", "Host": "no"}}

    task = cloud.task(queue, recorder.url(f"{path}?a=1"), task_id="one", http=http)

    (seen,) = recorder.wait(path, 1)
    assert (seen.method, seen.query, seen.body) == ("POST", "a=1", b"\x00work")
    assert seen.headers["User-Agent"] == "Google-Cloud-Tasks"
    assert seen.headers["Host"] == f"127.0.0.1:{recorder.port}"
    assert seen.headers["X-Mine"] == "1"
    assert seen.headers[f"{PREFIX}QueueName"] == queue.rsplit("/", 1)[-1]
    assert seen.headers[f"{PREFIX}TaskName"] == "one"
    assert seen.headers[f"{PREFIX}TaskRetryCount"] == "0"
    assert seen.headers[f"{PREFIX}TaskExecutionCount"] == "0"
    eta_s = float(seen.headers[f"{PREFIX}TaskETA"])
    assert eta_s == pytest.approx(task.schedule_time.timestamp(), abs=0.001)
    assert f"{PREFIX}TaskPreviousResponse" not in seen.headers
    assert "Content-Type" not in seen.headers


def test_a_retry_says_what_went_before(cloud: Cloud, recorder: Recorder, path: str) -> None:
    # Goal: every attempt counts as a retry, but one that ended in a 5xx is no execution.
    queue = cloud.queue(retry_config=_backoff(10, 10))
    recorder.answer(path, [500, 404, 302, 200])

    cloud.task(queue, recorder.url(path))

    retries = [
        tuple(
            seen.headers[f"{PREFIX}{name}"]
            for name in (
                "TaskRetryCount",
                "TaskExecutionCount",
                "TaskPreviousResponse",
                "TaskRetryReason",
            )
        )
        for seen in recorder.wait(path, 4)[1:]
    ]
    assert retries == [("1", "0", "500", ""), ("2", "1", "404", ""), ("3", "2", "302", "")]


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_every_2xx_ends_a_task(cloud: Cloud, recorder: Recorder, path: str, status: int) -> None:
    queue = cloud.queue()
    recorder.answer(path, [status])

    cloud.task(queue, recorder.url(path))

    recorder.wait(path, 1)
    eventually(lambda: cloud.stats()["queues"][queue]["depth"] == 0)
    counts = cloud.stats()["queues"][queue]
    assert counts.pop("attempt_delay_s") < 10
    assert counts == {"depth": 0, "in_flight": 0, "dispatched": 1, "failed": 0, "dropped": 0}


def test_a_failed_task_shows_its_attempts(cloud: Cloud, recorder: Recorder, path: str) -> None:
    queue = cloud.queue(retry_config=_backoff(60_000, 60_000))
    recorder.answer(path, [404])
    name = cloud.task(queue, recorder.url(path)).name
    eventually(lambda: cloud.stats()["queues"][queue]["failed"] == 1)

    task = cloud.tasks.get_task(request={"name": name})

    assert (task.dispatch_count, task.response_count) == (1, 1)
    assert task.last_attempt.response_status.code == 5
    assert task.first_attempt.dispatch_time == task.last_attempt.dispatch_time
    assert task.schedule_time > datetime.now(UTC) + timedelta(seconds=50)


def test_retries_double_and_then_grow_linearly(cloud: Cloud, recorder: Recorder, path: str) -> None:
    queue = cloud.queue(retry_config=_backoff(100, 500, doublings=1))
    recorder.answer(path, [500] * 5 + [200])

    cloud.task(queue, recorder.url(path))

    gaps_s = [b.at_s - a.at_s for a, b in pairwise(recorder.wait(path, 6))]
    assert all(map(about, gaps_s, [0.1, 0.2, 0.4, 0.5, 0.5])), gaps_s


def test_the_documented_example_of_back_off() -> None:
    retry = Retry(UNLIMITED, 0, min_backoff_s=10, max_backoff_s=300, max_doublings=3)

    assert [retry.delay_s(n) for n in range(1, 9)] == [10, 20, 40, 80, 160, 240, 300, 300]


@pytest.mark.parametrize(
    ("max_attempts", "max_duration_s", "attempts", "elapsed_s", "over"),
    [
        (3, 0, 2, 1e9, False),
        (3, 0, 3, 0, True),
        (3, 60, 3, 59, False),  # where both are set, both must be reached
        (3, 60, 2, 61, False),
        (3, 60, 3, 60, True),
        (UNLIMITED, 60, 99, 59, False),
        (UNLIMITED, 60, 1, 60, True),
        (UNLIMITED, 0, 10**6, 1e9, False),
    ],
)
def test_when_a_task_is_given_up(
    max_attempts: int, max_duration_s: float, attempts: int, elapsed_s: float, *, over: bool
) -> None:
    retry = Retry(max_attempts, max_duration_s, 1, 1, 1)

    assert retry.is_over(attempts, elapsed_s) is over


def test_after_its_attempts_a_task_is_dropped(cloud: Cloud, recorder: Recorder, path: str) -> None:
    queue = cloud.queue(retry_config=_backoff(10, 10, max_attempts=3))
    recorder.answer(path, [500])

    cloud.task(queue, recorder.url(path))

    eventually(lambda: cloud.stats()["queues"][queue]["dropped"] == 1)
    assert len(recorder.seen(path)) == 3
    assert cloud.stats()["queues"][queue]["depth"] == 0


def test_a_task_is_not_dispatched_before_its_time(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    due = datetime.now(UTC) + timedelta(seconds=0.6)

    cloud.task(cloud.queue(), recorder.url(path), schedule_time=due)

    (seen,) = recorder.wait(path, 1)
    assert about(seen.at_s - due.timestamp(), 0, early_s=0)


def test_the_rate_of_a_queue_is_kept(cloud: Cloud, recorder: Recorder, path: str) -> None:
    queue = cloud.queue(rate_limits={"max_dispatches_per_second": 20})
    cloud.tasks.pause_queue(request={"name": queue})
    for _ in range(24):
        cloud.task(queue, recorder.url(path))

    cloud.tasks.resume_queue(request={"name": queue})

    # A burst of four, and then twenty at twenty a second.
    seen = recorder.wait(path, 24)
    assert about(seen[-1].at_s - seen[0].at_s, 1.0, early_s=0.2)


def test_a_rate_below_one_is_kept(cloud: Cloud, recorder: Recorder, path: str) -> None:
    queue = cloud.queue(rate_limits={"max_dispatches_per_second": 0.8})

    for _ in range(2):
        cloud.task(queue, recorder.url(path))

    first, second = recorder.wait(path, 2)
    assert about(second.at_s - first.at_s, 1.25, early_s=0.15)


def test_no_more_run_at_once_than_allowed(cloud: Cloud, recorder: Recorder, path: str) -> None:
    queue = cloud.queue(rate_limits={"max_concurrent_dispatches": 3})
    recorder.hold(path)
    for _ in range(9):
        cloud.task(queue, recorder.url(path))
    recorder.wait(path, 3)
    assert cloud.stats()["queues"][queue]["in_flight"] == 3

    recorder.release(path)

    recorder.wait(path, 9)
    assert recorder.most_under_way(path) == 3


@pytest.mark.parametrize("status", [429, 503])
def test_an_overloaded_handler_slows_the_whole_queue(
    cloud: Cloud, recorder: Recorder, path: str, status: int
) -> None:
    queue, other = cloud.queue(retry_config=_backoff(10, 10)), f"{path}-other"
    recorder.answer(path, [status, 200])
    cloud.task(queue, recorder.url(path))
    (overloaded,) = recorder.wait(path, 1)
    eventually(lambda: cloud.stats()["queues"][queue]["failed"] == 1)

    cloud.task(queue, recorder.url(other))

    (delayed,) = recorder.wait(other, 1)
    assert delayed.at_s - overloaded.at_s > 0.4


def test_retry_after_lengthens_the_pause(cloud: Cloud, recorder: Recorder, path: str) -> None:
    queue = cloud.queue(retry_config=_backoff(10, 10))
    recorder.answer(path, [(503, {"Retry-After": "1"}), 200])

    cloud.task(queue, recorder.url(path))

    first, second = recorder.wait(path, 2)
    assert about(second.at_s - first.at_s, 1)


def test_a_paused_queue_dispatches_nothing_until_it_is_resumed(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    queue = cloud.queue()
    cloud.tasks.pause_queue(request={"name": queue})
    cloud.task(queue, recorder.url(path))
    assert cloud.stats()["queues"][queue]["depth"] == 1
    assert recorder.seen(path) == []

    cloud.tasks.resume_queue(request={"name": queue})

    recorder.wait(path, 1)


def test_run_task_passes_every_limit(cloud: Cloud, recorder: Recorder, path: str) -> None:
    queue = cloud.queue()
    cloud.tasks.pause_queue(request={"name": queue})
    due = datetime.now(UTC) + timedelta(hours=1)
    task = cloud.task(queue, recorder.url(path), schedule_time=due)

    cloud.tasks.run_task(request={"name": task.name})

    recorder.wait(path, 1)
    eventually(lambda: cloud.stats()["queues"][queue]["depth"] == 0)
    with pytest.raises(exceptions.NotFound):
        cloud.tasks.run_task(request={"name": task.name})


def test_the_target_of_the_queue_decides_where_its_tasks_go(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    # Goal: our enqueuers know neither a host nor a token; the queue knows both.
    queue = cloud.queue(
        http_target={
            "http_method": "PUT",
            "uri_override": {
                "scheme": "HTTP",
                "host": "127.0.0.1",
                "port": recorder.port,
                "path_override": {"path": path},
                "query_override": {"query_params": "q=1"},
            },
            "header_overrides": [{"header": {"key": "X-Both", "value": "queue"}}],
        }
    )
    headers = {"x-both": "task", "X-Task": "1"}

    cloud.task(queue, "https://placeholder.invalid/", http={"body": b"w", "headers": headers})

    (seen,) = recorder.wait(path, 1)
    assert (seen.method, seen.query, seen.body) == ("PUT", "q=1", b"w")
    assert seen.headers.get_all("X-Both") == ["queue"]
    assert seen.headers["X-Task"] == "1"


def test_a_target_can_be_given_to_a_queue_later(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    queue = cloud.queue()
    uri = {"scheme": "HTTP", "host": "127.0.0.1", "port": recorder.port}
    cloud.tasks.update_queue(
        request={
            "queue": {"name": queue, "http_target": {"uri_override": uri}},
            "update_mask": FieldMask(paths=["http_target"]),
        }
    )

    cloud.task(queue, f"https://placeholder.invalid{path}?kept=1")

    (seen,) = recorder.wait(path, 1)
    assert seen.query == "kept=1"


@pytest.mark.parametrize(
    ("url", "override", "expected"),
    [
        ("https://a.com:8080/x?q=1", {}, "https://a.com:8080/x?q=1"),
        ("http://a.com/x", {"scheme": "HTTPS"}, "https://a.com/x"),
        ("http://a.com/x", {"scheme": 0}, "https://a.com/x"),
        ("https://a.com:8080/x", {"host": "b.com"}, "https://b.com:8080/x"),
        ("https://a.com:8080/x", {"port": 0}, "https://a.com/x"),
        ("https://a.com/x", {"path_override": {"path": ""}}, "https://a.com/"),
        ("https://a.com/x?q=1", {"query_override": {"query_params": ""}}, "https://a.com/x"),
        ("https://a.com", {"path_override": {"path": "y"}}, "https://a.com/y"),
    ],
)
@pytest.mark.parametrize("mode", ["ALWAYS", "URI_OVERRIDE_ENFORCE_MODE_UNSPECIFIED"])
def test_what_an_override_sets_replaces_its_part_of_the_url(
    url: str, override: dict[str, object], expected: str, mode: str
) -> None:
    message = tasks_v2.UriOverride({**override, "uri_override_enforce_mode": mode})

    assert overridden(url, tasks_v2.UriOverride.pb(message)) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.com", "https://a.com:99/p?q=1"),
        ("https://a.com/x", "https://a.com:99/x?q=1"),
        ("https://a.com:80/x?y=2", "https://a.com:80/x?y=2"),
    ],
)
def test_if_not_exists_fills_only_what_the_url_lacks(url: str, expected: str) -> None:
    message = tasks_v2.UriOverride(
        scheme="HTTP",
        host="b.com",
        port=99,
        path_override={"path": "/p"},
        query_override={"query_params": "q=1"},
        uri_override_enforce_mode="IF_NOT_EXISTS",
    )

    assert overridden(url, tasks_v2.UriOverride.pb(message)) == expected


def test_how_late_an_attempt_began_is_told(cloud: Cloud, recorder: Recorder, path: str) -> None:
    queue = cloud.queue(rate_limits={"max_dispatches_per_second": 2})

    for _ in range(3):
        cloud.task(queue, recorder.url(path))

    recorder.wait(path, 3)
    assert about(cloud.stats()["queues"][queue]["attempt_delay_s"], 1.0, early_s=0.2)
