"""Queues and tasks as resources: what exists, what is refused, and with which status."""

from datetime import UTC, datetime, timedelta

import pytest
from google.api_core import exceptions
from google.cloud.tasks_v2 import types
from google.protobuf.field_mask_pb2 import FieldMask

from tests.conformance.cloud import LOCATION, Cloud, connect, eventually, start, stop, unique
from tests.conformance.recorder import Recorder

TOMORROW = timedelta(days=1)


def _later() -> datetime:
    return datetime.now(UTC) + TOMORROW


def test_a_queue_shows_its_defaults(cloud: Cloud) -> None:
    found = cloud.tasks.get_queue(request={"name": cloud.queue()})

    assert found.state == types.Queue.State.RUNNING
    assert found.rate_limits.max_dispatches_per_second == 500
    assert found.rate_limits.max_burst_size == 100
    assert found.rate_limits.max_concurrent_dispatches == 1000
    assert found.retry_config.max_attempts == 100
    assert found.retry_config.min_backoff == timedelta(milliseconds=100)
    assert found.retry_config.max_backoff == timedelta(hours=1)
    assert found.retry_config.max_doublings == 16


def test_a_queue_name_is_taken_once(cloud: Cloud) -> None:
    name = cloud.queue()

    with pytest.raises(exceptions.AlreadyExists, match="Queue already exists"):
        cloud.tasks.create_queue(request={"parent": LOCATION, "queue": {"name": name}})


@pytest.mark.parametrize("name", ["queue", f"{LOCATION}/queues/a_b", "projects/p/queues/q"])
def test_a_malformed_queue_name_is_refused(cloud: Cloud, name: str) -> None:
    with pytest.raises(exceptions.InvalidArgument, match="must be formatted"):
        cloud.tasks.create_queue(request={"parent": LOCATION, "queue": {"name": name}})


@pytest.mark.parametrize(
    "fields",
    [
        {"rate_limits": {"max_dispatches_per_second": 501}},
        {"rate_limits": {"max_concurrent_dispatches": 5001}},
        {"retry_config": {"max_attempts": -2}},
        {"retry_config": {"min_backoff": {"seconds": 9}, "max_backoff": {"seconds": 8}}},
        {"http_target": {"uri_override": {"host": ""}}},
    ],
)
def test_a_queue_out_of_bounds_is_refused(cloud: Cloud, fields: dict[str, object]) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        cloud.queue(**fields)


def test_an_update_changes_what_its_mask_names_and_nothing_else(cloud: Cloud) -> None:
    name = cloud.queue(retry_config={"max_attempts": 7})

    cloud.tasks.update_queue(
        request={
            "queue": {
                "name": name,
                "rate_limits": {"max_dispatches_per_second": 5, "max_concurrent_dispatches": 3},
                "retry_config": {"max_attempts": 9},
            },
            "update_mask": FieldMask(paths=["rate_limits.max_dispatches_per_second"]),
        }
    )

    found = cloud.tasks.get_queue(request={"name": name})
    assert found.rate_limits.max_dispatches_per_second == 5
    assert found.rate_limits.max_concurrent_dispatches == 1000
    assert found.retry_config.max_attempts == 7


def test_an_update_of_an_absent_queue_creates_it(cloud: Cloud) -> None:
    name = f"{LOCATION}/queues/{unique('updated')}"

    cloud.tasks.update_queue(request={"queue": {"name": name}})

    assert cloud.tasks.get_queue(request={"name": name}).name == name


def test_queues_are_listed_and_deleted(cloud: Cloud) -> None:
    name = cloud.queue()
    assert name in [queue.name for queue in cloud.tasks.list_queues(request={"parent": LOCATION})]

    cloud.tasks.delete_queue(request={"name": name})

    with pytest.raises(exceptions.NotFound, match="Queue does not exist"):
        cloud.tasks.get_queue(request={"name": name})
    with pytest.raises(exceptions.NotFound, match="Queue does not exist"):
        cloud.task(name, "http://127.0.0.1/")


def test_a_task_waits_for_its_time_and_can_be_read_listed_and_deleted(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    queue, due = cloud.queue(), _later()
    task = cloud.task(queue, recorder.url(path), schedule_time=due, http={"body": b"secret"})
    full = {"name": task.name, "response_view": types.Task.View.FULL}

    listed = list(cloud.tasks.list_tasks(request={"parent": queue}))

    assert [each.name for each in listed] == [task.name]
    assert cloud.tasks.get_task(request={"name": task.name}).http_request.body == b""
    assert cloud.tasks.get_task(request=full).http_request.body == b"secret"
    assert abs(task.schedule_time - due) < timedelta(seconds=1)
    assert task.dispatch_deadline == timedelta(minutes=10)
    cloud.tasks.delete_task(request={"name": task.name})
    with pytest.raises(exceptions.NotFound):
        cloud.tasks.get_task(request={"name": task.name})
    assert recorder.seen(path) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"http": {"url": "ftp://example.com"}},
        {"http": {"http_method": "GET", "body": b"x"}},
        {"http": {"body": b"x" * 1_048_577}},
        {"dispatch_deadline": timedelta(seconds=14)},
        {"dispatch_deadline": timedelta(minutes=31)},
        {"schedule_time": datetime(2999, 1, 1, tzinfo=UTC)},
        {"task_id": "not a valid id"},
    ],
)
def test_a_task_out_of_bounds_is_refused(cloud: Cloud, fields: dict[str, object]) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        cloud.task(cloud.queue(), "http://127.0.0.1/", **fields)  # type: ignore[arg-type]


def test_a_task_name_belongs_to_its_queue(cloud: Cloud) -> None:
    task = {"name": f"{cloud.queue()}/tasks/a", "http_request": {"url": "http://127.0.0.1/"}}

    with pytest.raises(exceptions.InvalidArgument, match="must be the same"):
        cloud.tasks.create_task(request={"parent": cloud.queue(), "task": task})


def test_a_name_is_taken_while_its_task_exists(cloud: Cloud) -> None:
    queue = cloud.queue()
    cloud.task(queue, "http://127.0.0.1/", task_id="once", schedule_time=_later())

    with pytest.raises(exceptions.AlreadyExists, match="Requested entity already exists"):
        cloud.task(queue, "http://127.0.0.1/", task_id="once")


def test_a_name_stays_taken_after_its_task_is_done(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    queue = cloud.queue()
    name = cloud.task(queue, recorder.url(path), task_id="done").name
    recorder.wait(path, 1)
    eventually(lambda: cloud.stats()["queues"][queue]["depth"] == 0)

    with pytest.raises(exceptions.AlreadyExists):
        cloud.task(queue, recorder.url(path), task_id="done")
    with pytest.raises(exceptions.NotFound, match="existed recently"):
        cloud.tasks.get_task(request={"name": name})


def test_a_name_is_free_again_after_the_window(recorder: Recorder, path: str) -> None:
    process, addresses = start("--tombstone-s", "0.2")
    cloud = connect(addresses)
    queue = cloud.queue()
    cloud.task(queue, recorder.url(path), task_id="again")
    recorder.wait(path, 1)

    def free() -> bool:
        try:
            cloud.task(queue, recorder.url(path), task_id="again")
        except exceptions.AlreadyExists:
            return False
        return True

    eventually(free)
    recorder.wait(path, 2)
    assert stop(process) == 0


def test_a_purge_empties_a_queue(cloud: Cloud, recorder: Recorder, path: str) -> None:
    queue = cloud.queue()
    for _ in range(3):
        cloud.task(queue, recorder.url(path), schedule_time=_later())

    cloud.tasks.purge_queue(request={"name": queue})

    assert list(cloud.tasks.list_tasks(request={"parent": queue})) == []
    assert cloud.tasks.get_queue(request={"name": queue}).purge_time is not None
