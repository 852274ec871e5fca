"""The switchboard: what each fault does to deliveries, and what it refuses to do."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from emulators.chaos.switchboard import Switchboard
from emulators.laptop.cli import UserMistake
from tests.conformance.cloud import LOCATION, Cloud, connect, eventually, start, stop, unique
from tests.conformance.recorder import Recorder

QUICK = {"min_backoff": timedelta(milliseconds=10), "max_backoff": timedelta(milliseconds=10)}


@pytest.fixture
def switchboard(cloud: Cloud) -> Iterator[Switchboard]:
    """Nothing is ordered before and after a test."""
    found = Switchboard(cloud.addresses["http"], dict)
    yield found
    found.clear()


def _short(name: str) -> str:
    return name.rpartition("/")[2]


def _counts(cloud: Cloud, queue: str) -> Mapping[str, int]:
    found: Mapping[str, int] = cloud.stats()["queues"][queue]
    return found


def test_the_next_deliveries_of_a_queue_fail_as_ordered(
    cloud: Cloud, switchboard: Switchboard, recorder: Recorder, path: str
) -> None:
    queue, other = cloud.queue(retry_config=QUICK), cloud.queue()
    switchboard.order("fail", _short(queue), next=2, status=500)

    cloud.task(other, recorder.url(f"{path}-other"))
    cloud.task(queue, recorder.url(path))

    (seen,) = recorder.wait(path, 1)
    assert seen.headers["X-CloudTasks-TaskRetryCount"] == "2"
    assert seen.headers["X-CloudTasks-TaskPreviousResponse"] == "500"
    assert len(recorder.wait(f"{path}-other", 1)) == 1
    assert switchboard.state()["waiting"] == []
    assert switchboard.state()["happened"]["fail"] >= 2


def test_the_next_push_of_a_subscription_fails_and_comes_again(
    cloud: Cloud, switchboard: Switchboard, recorder: Recorder, path: str
) -> None:
    topic = cloud.topic()
    subscription = cloud.subscribe(topic, recorder.url(path))
    switchboard.order("fail", _short(subscription), next=3)

    cloud.publish(topic, {"data": b"x"})

    recorder.wait(path, 1)
    counts = cloud.stats()["subscriptions"][subscription]
    assert counts["failed"] == 3


def test_a_function_is_hit_whoever_calls_it(
    cloud: Cloud, switchboard: Switchboard, recorder: Recorder, path: str
) -> None:
    # Goal: a function's name is the first step of the path that pushes, tasks and jobs call.
    function = path.strip("/")
    topic = cloud.topic()
    subscription = cloud.subscribe(topic, recorder.url(path))
    queue = cloud.queue(
        retry_config=QUICK,
        http_target={
            "uri_override": {
                "scheme": "HTTP",
                "host": "127.0.0.1",
                "port": recorder.port,
                "path_override": {"path": path},
            }
        },
    )
    switchboard.order("fail", function, next=1)
    cloud.publish(topic, {"data": b"x"})
    recorder.wait(path, 1)
    switchboard.order("fail", function, next=1)
    cloud.task(queue, "https://placeholder.invalid/")
    recorder.wait(path, 2)

    assert cloud.stats()["subscriptions"][subscription]["failed"] == 1
    assert _counts(cloud, queue)["failed"] == 1


def test_a_delayed_delivery_comes_late(
    cloud: Cloud, switchboard: Switchboard, recorder: Recorder, path: str
) -> None:
    queue = cloud.queue()
    switchboard.order("delay", _short(queue), delay_s=0.5)

    made = cloud.task(queue, recorder.url(path))

    (seen,) = recorder.wait(path, 1)
    assert seen.at_s - made.schedule_time.timestamp() == pytest.approx(0.5, abs=0.2)


def test_a_doubled_delivery_comes_twice_at_once(
    cloud: Cloud, switchboard: Switchboard, recorder: Recorder, path: str
) -> None:
    queue = cloud.queue()
    switchboard.order("twice", _short(queue))
    recorder.hold(path)

    cloud.task(queue, recorder.url(path))

    first, second = recorder.wait(path, 2)
    assert first.headers["X-CloudTasks-TaskName"] == second.headers["X-CloudTasks-TaskName"]
    assert recorder.most_under_way(path) == 2
    recorder.release(path)
    eventually(lambda: _counts(cloud, queue)["depth"] == 0)


def test_a_reordered_delivery_is_overtaken_by_the_next(
    cloud: Cloud, switchboard: Switchboard, recorder: Recorder, path: str
) -> None:
    queue = cloud.queue()
    switchboard.order("reorder", _short(queue), delay_s=10)

    cloud.task(queue, recorder.url(path), http={"body": b"first"})
    eventually(lambda: switchboard.state()["waiting"] == [])
    assert recorder.seen(path) == []
    cloud.task(queue, recorder.url(path), http={"body": b"second"})

    assert [seen.body for seen in recorder.wait(path, 2)] == [b"second", b"first"]


def test_a_delivery_that_nothing_overtakes_leaves_in_the_end(
    cloud: Cloud, switchboard: Switchboard, recorder: Recorder, path: str
) -> None:
    queue = cloud.queue()
    switchboard.order("reorder", _short(queue), delay_s=0.2)

    cloud.task(queue, recorder.url(path))

    recorder.wait(path, 1)


def test_a_lost_answer_leads_to_a_second_delivery(
    cloud: Cloud, switchboard: Switchboard, recorder: Recorder, path: str
) -> None:
    queue = cloud.queue(retry_config=QUICK)
    switchboard.order("lose_answer", _short(queue))

    cloud.task(queue, recorder.url(path))

    _, second = recorder.wait(path, 2)
    assert second.headers["X-CloudTasks-TaskRetryCount"] == "1"
    eventually(lambda: _counts(cloud, queue)["depth"] == 0)
    assert len(recorder.seen(path)) == 2


def test_a_paused_name_gets_nothing_until_it_is_resumed(
    cloud: Cloud, switchboard: Switchboard, recorder: Recorder, path: str
) -> None:
    queue = cloud.queue()
    for name in (_short(queue), "tasks"):
        switchboard.pause(name)
    assert switchboard.state()["paused"] == sorted([_short(queue), "tasks"])

    cloud.task(queue, recorder.url(path))
    eventually(lambda: _counts(cloud, queue)["in_flight"] == 1)
    switchboard.resume("tasks")
    assert recorder.seen(path) == []
    switchboard.resume(_short(queue))

    recorder.wait(path, 1)


def test_clear_takes_everything_back(
    cloud: Cloud, switchboard: Switchboard, recorder: Recorder, path: str
) -> None:
    queue = cloud.queue()
    switchboard.order("reorder", _short(queue), delay_s=600)
    cloud.task(queue, recorder.url(path))
    eventually(lambda: switchboard.state()["waiting"] == [])
    switchboard.order("fail", _short(queue), next=9)
    switchboard.pause("scheduler")

    switchboard.clear()

    recorder.wait(path, 1)
    state = switchboard.state()
    assert (state["waiting"], state["paused"]) == ([], [])


def test_a_job_can_be_hit_by_its_name(
    cloud: Cloud, switchboard: Switchboard, recorder: Recorder, path: str
) -> None:
    name = f"{LOCATION}/jobs/{unique('job')}"
    job = {"name": name, "schedule": "17 3 * * *", "httpTarget": {"uri": recorder.url(path)}}
    requests.post(f"{cloud.http}/v1/{LOCATION}/jobs", json=job, timeout=5).raise_for_status()
    switchboard.order("fail", _short(name), status=404)

    requests.post(f"{cloud.http}/v1/{name}:run", timeout=5).raise_for_status()

    def status() -> Any:
        return requests.get(f"{cloud.http}/v1/{name}", timeout=5).json().get("status")

    eventually(lambda: status() == {"code": 5})
    assert recorder.seen(path) == []


@pytest.mark.parametrize(
    ("kind", "target", "how", "problem"),
    [
        ("explode", "tasks", {}, "possible: fail, delay, twice, reorder, lose_answer"),
        ("fail", "nobody", {}, "There is service: pubsub, tasks, scheduler; subscription:"),
        ("fail", "tasks", {"next": 0}, "next must be a whole number above 0"),
        ("fail", "tasks", {"status": 200}, "status must be between 300 and 599"),
        ("delay", "tasks", {"delay_s": -1}, "delay_s must be between 0 and 600"),
        ("delay", "tasks", {"delay_s": "1"}, "delay_s must be between 0 and 600"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(
    switchboard: Switchboard, kind: str, target: str, how: dict[str, Any], problem: str
) -> None:
    with pytest.raises(UserMistake, match=problem):
        switchboard.order(kind, target, **how)


def test_only_what_is_paused_can_be_resumed(switchboard: Switchboard) -> None:
    switchboard.pause("tasks")

    with pytest.raises(UserMistake, match="'pubsub' is not paused; possible: tasks"):
        switchboard.resume("pubsub")


def test_a_body_that_is_no_object_is_refused(cloud: Cloud) -> None:
    for body in (b"", b"[]", b"{"):
        answer = requests.post(f"{cloud.http}/control/faults", data=body, timeout=5)

        assert answer.status_code == 400
        assert "JSON object" in answer.json()["problem"]


def test_an_unknown_process_is_refused_and_one_that_starts_is_left_alone(cloud: Cloud) -> None:
    # Goal: to the system the number 0 means whoever asks; nobody may ever be sent a signal by it.
    found = Switchboard(cloud.addresses["http"], lambda: {"functions": 0})

    with pytest.raises(UserMistake, match="There is functions"):
        found.kill("function")
    for act in (found.kill, found.pause, found.resume):
        with pytest.raises(UserMistake, match="is being started anew"):
            act("functions")
    with pytest.raises(UserMistake, match="DATABASE_URL"):
        found.restart_database("fast")


def test_a_process_that_starts_paused_delivers_when_it_is_told_to(
    tmp_path: Path, recorder: Recorder, path: str
) -> None:
    # Goal: what an earlier run left does not use up its attempts before anybody is ready.
    process, addresses = start("--state-dir", str(tmp_path))
    cloud = connect(addresses)
    queue = cloud.queue()
    cloud.tasks.pause_queue(request={"name": queue})
    cloud.task(queue, recorder.url(path))
    assert stop(process) == 0

    process, addresses = start("--state-dir", str(tmp_path), "--paused")
    cloud, switchboard = connect(addresses), Switchboard(addresses["http"], dict)
    cloud.tasks.resume_queue(request={"name": queue})
    eventually(lambda: _counts(cloud, queue)["in_flight"] == 1)
    assert recorder.seen(path) == []
    switchboard.clear()

    (seen,) = recorder.wait(path, 1)
    assert seen.headers["X-CloudTasks-TaskRetryCount"] == "0"
    assert stop(process) == 0
