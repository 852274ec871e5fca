"""Batches: long-running operations with a result for each item."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud.tasks_v2 import types

from tests.conformance.cloud import Cloud
from tests.conformance.recorder import Recorder

NOWHERE = "http://127.0.0.1:9/"
States = types.BatchCreateTasksMetadata.State


def _later() -> datetime:
    return datetime.now(UTC) + timedelta(days=1)


def _request(queue: str, task_id: str = "", url: str = NOWHERE) -> dict[str, Any]:
    task: dict[str, Any] = {"http_request": {"url": url}, "schedule_time": _later()}
    if task_id:
        task["name"] = f"{queue}/tasks/{task_id}"
    return {"parent": queue, "task": task}


def _create(cloud: Cloud, queue: str, *requests: dict[str, Any], **more: str) -> Any:
    batch = {"parent": queue, "requests": list(requests), **more}
    return cloud.tasks.batch_create_tasks(request=batch)


def _names(cloud: Cloud, queue: str) -> list[str]:
    listed = cloud.tasks.list_tasks(request={"parent": queue})
    return [task.name.rpartition("/")[2] for task in listed]


def test_a_batch_of_tasks_is_created_and_dispatched(
    cloud: Cloud, recorder: Recorder, path: str
) -> None:
    queue = cloud.queue()
    requests = [
        {"parent": queue, "task": {"http_request": {"url": recorder.url(path)}}} for _ in range(3)
    ]

    operation = _create(cloud, queue, *requests)

    assert len(operation.result(timeout=30).tasks) == 3
    assert operation.metadata.state == States.SUCCEEDED
    assert operation.metadata.start_time <= operation.metadata.end_time
    recorder.wait(path, 3)


def test_a_refused_task_of_a_batch_is_reported_and_stops_no_other(cloud: Cloud) -> None:
    queue = cloud.queue()
    cloud.task(queue, NOWHERE, task_id="taken", schedule_time=_later())

    operation = _create(
        cloud,
        queue,
        _request(queue, "first"),
        _request(queue, "taken"),
        _request(queue, "last", url="ftp://127.0.0.1/"),
    )

    made = operation.result(timeout=30).tasks
    assert [task.name for task in made] == [f"{queue}/tasks/first"]
    assert operation.metadata.state == States.PARTIALLY_SUCCEEDED
    refused = {index: status.code for index, status in operation.metadata.failed_requests.items()}
    assert refused == {1: 6, 2: 3}  # ALREADY_EXISTS, INVALID_ARGUMENT


def test_a_batch_of_which_nothing_succeeds_is_an_error(cloud: Cloud) -> None:
    queue = cloud.queue()

    operation = _create(cloud, queue, _request(queue, url="ftp://127.0.0.1/"))

    with pytest.raises(exceptions.Aborted, match="None of the requests succeeded"):
        operation.result(timeout=30)


def test_the_same_request_id_is_the_same_batch(cloud: Cloud) -> None:
    queue = cloud.queue()
    first = _create(cloud, queue, _request(queue), request_id="mine")

    second = _create(cloud, queue, _request(queue), request_id="mine")

    assert second.operation.name == first.operation.name
    assert len(_names(cloud, queue)) == 1
    found = cloud.tasks.get_operation(request={"name": first.operation.name})
    assert found.done


def test_a_batch_belongs_to_one_queue_and_has_at_most_a_hundred_tasks(cloud: Cloud) -> None:
    queue, other = cloud.queue(), cloud.queue()

    with pytest.raises(exceptions.InvalidArgument, match="parent"):
        _create(cloud, queue, _request(queue), _request(other))
    with pytest.raises(exceptions.InvalidArgument, match="between 1 and 100"):
        _create(cloud, queue, *[_request(queue)] * 101)
    with pytest.raises(exceptions.NotFound, match="Queue does not exist"):
        _create(cloud, f"{queue}-absent", _request(f"{queue}-absent"))

    assert _names(cloud, queue) == []


def test_a_batch_of_tasks_is_deleted_item_by_item(cloud: Cloud) -> None:
    queue = cloud.queue()
    for task_id in ("a", "b", "c"):
        cloud.task(queue, NOWHERE, task_id=task_id, schedule_time=_later())
    names = [f"{queue}/tasks/{task_id}" for task_id in ("a", "unknown", "c")]

    operation = cloud.tasks.batch_delete_tasks(request={"parent": queue, "names": names})

    operation.result(timeout=30)
    assert {i: s.code for i, s in operation.metadata.failed_requests.items()} == {1: 5}
    assert _names(cloud, queue) == ["b"]


def test_an_unknown_operation_is_not_found(cloud: Cloud) -> None:
    with pytest.raises(exceptions.NotFound):
        cloud.tasks.get_operation(request={"name": "projects/demo/operations/none"})
