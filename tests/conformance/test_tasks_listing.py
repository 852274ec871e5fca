"""Pages, views, filters and updates of what exists."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud.tasks_v2 import types
from google.protobuf.field_mask_pb2 import FieldMask

from tests.conformance.cloud import LOCATION, PROJECT, Cloud, connect, start, stop, unique

NOWHERE = "http://127.0.0.1:9/"
View = types.Task.View


def _later() -> datetime:
    return datetime.now(UTC) + timedelta(days=1)


def _filled(cloud: Cloud, *task_ids: str) -> str:
    queue = cloud.queue()
    for task_id in task_ids:
        http = {"body": b"secret"}
        cloud.task(queue, NOWHERE, task_id=task_id, schedule_time=_later(), http=http)
    return queue


def _page(cloud: Cloud, queue: str, size: int, token: str = "") -> tuple[list[str], str]:
    request = {"parent": queue, "page_size": size, "page_token": token}
    page = next(cloud.tasks.list_tasks(request=request).pages)
    return [task.name.rpartition("/")[2] for task in page.tasks], page.next_page_token


def test_tasks_come_in_pages_until_there_is_no_token(cloud: Cloud) -> None:
    queue = _filled(cloud, "a", "b", "c", "d", "e")

    first, token = _page(cloud, queue, 2)
    second, token = _page(cloud, queue, 2, token)
    third, end = _page(cloud, queue, 2, token)

    assert [*first, *second, *third] == ["a", "b", "c", "d", "e"]
    assert end == ""


def test_a_task_that_ends_between_two_pages_hides_no_other(cloud: Cloud) -> None:
    # Goal: a token is a place among the names; an offset would leave out "c".
    queue = _filled(cloud, "a", "b", "c")
    _, token = _page(cloud, queue, 2)
    cloud.tasks.delete_task(request={"name": f"{queue}/tasks/a"})

    assert _page(cloud, queue, 2, token) == (["c"], "")


@pytest.mark.parametrize("fields", [{"page_size": -1}, {"page_token": "?"}])
def test_a_page_that_cannot_be_is_refused(cloud: Cloud, fields: dict[str, Any]) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        cloud.tasks.list_tasks(request={"parent": cloud.queue(), **fields})


@pytest.mark.parametrize(
    ("view", "shown", "body"),
    [
        (View.VIEW_UNSPECIFIED, View.BASIC, b""),
        (View.BASIC, View.BASIC, b""),
        (View.FULL, View.FULL, b"secret"),
    ],
)
def test_only_the_full_view_has_the_body(
    cloud: Cloud, view: types.Task.View, shown: types.Task.View, body: bytes
) -> None:
    queue = _filled(cloud, "a")

    [listed] = cloud.tasks.list_tasks(request={"parent": queue, "response_view": view})
    found = cloud.tasks.get_task(request={"name": f"{queue}/tasks/a", "response_view": view})

    for task in (listed, found):
        assert (task.view, task.http_request.body) == (shown, body)


def test_queues_are_listed_by_name_in_pages_of_their_location(cloud: Cloud) -> None:
    parent = f"{PROJECT}/locations/{unique('place')}"
    names = [f"{parent}/queues/{word}" for word in ("b", "c", "a")]
    for name in names:
        cloud.tasks.create_queue(request={"parent": parent, "queue": {"name": name}})

    first = next(cloud.tasks.list_queues(request={"parent": parent, "page_size": 2}).pages)
    everything = cloud.tasks.list_queues(request={"parent": parent, "page_size": 1})

    assert [queue.name for queue in first.queues] == sorted(names)[:2]
    assert [queue.name for queue in everything] == sorted(names)


def test_queues_can_be_filtered_by_their_state(cloud: Cloud) -> None:
    paused, running = cloud.queue(), cloud.queue()
    cloud.tasks.pause_queue(request={"name": paused})

    found = cloud.tasks.list_queues(request={"parent": LOCATION, "filter": "state: PAUSED"})

    names = [queue.name for queue in found]
    assert paused in names
    assert running not in names


def test_an_update_without_a_mask_replaces_every_setting(cloud: Cloud) -> None:
    name = cloud.queue(retry_config={"max_attempts": 7})

    changed = cloud.tasks.update_queue(
        request={"queue": {"name": name, "rate_limits": {"max_dispatches_per_second": 5}}}
    )

    assert changed.rate_limits.max_dispatches_per_second == 5
    assert changed.retry_config.max_attempts == 100


def test_what_is_output_only_cannot_be_updated(cloud: Cloud) -> None:
    name = cloud.queue()
    cloud.tasks.pause_queue(request={"name": name})
    purged = cloud.tasks.purge_queue(request={"name": name}).purge_time
    wanted = {"name": name, "state": "RUNNING", "purge_time": _later()}

    for paths in ([], ["state", "purge_time"]):
        mask = FieldMask(paths=paths)
        changed = cloud.tasks.update_queue(request={"queue": wanted, "update_mask": mask})

        assert changed.state == types.Queue.State.PAUSED
        assert changed.purge_time == purged


def test_an_update_may_name_one_setting_of_a_group(cloud: Cloud) -> None:
    name = cloud.queue(retry_config={"max_attempts": 7, "max_doublings": 3})
    wanted = {"name": name, "retry_config": {"max_attempts": 9, "max_doublings": 9}}
    mask = FieldMask(paths=["retry_config.max_attempts"])

    changed = cloud.tasks.update_queue(request={"queue": wanted, "update_mask": mask})

    assert (changed.retry_config.max_attempts, changed.retry_config.max_doublings) == (9, 3)


def test_an_update_out_of_bounds_changes_nothing(cloud: Cloud) -> None:
    name = cloud.queue()
    wanted = {"name": name, "rate_limits": {"max_dispatches_per_second": 501}}

    with pytest.raises(exceptions.InvalidArgument):
        cloud.tasks.update_queue(request={"queue": wanted})

    found = cloud.tasks.get_queue(request={"name": name})
    assert found.rate_limits.max_dispatches_per_second == 500


def test_a_queue_that_an_update_creates_runs_whatever_it_asks_for(cloud: Cloud) -> None:
    name = f"{LOCATION}/queues/{unique('made')}"

    made = cloud.tasks.update_queue(request={"queue": {"name": name, "state": "PAUSED"}})

    assert made.state == types.Queue.State.RUNNING


def test_the_name_of_a_deleted_queue_stays_taken(cloud: Cloud) -> None:
    name = cloud.queue()
    cloud.tasks.delete_queue(request={"name": name})

    with pytest.raises(exceptions.FailedPrecondition, match="existed too recently"):
        cloud.tasks.create_queue(request={"parent": LOCATION, "queue": {"name": name}})
    with pytest.raises(exceptions.FailedPrecondition, match="existed too recently"):
        cloud.tasks.update_queue(request={"queue": {"name": name}})


def test_the_window_of_deleted_queues_can_be_switched_off() -> None:
    process, addresses = start("--queue-tombstone-s", "0")
    cloud = connect(addresses)
    name = cloud.queue()
    cloud.task(name, NOWHERE, task_id="old", schedule_time=_later())
    cloud.tasks.delete_queue(request={"name": name})

    cloud.tasks.create_queue(request={"parent": LOCATION, "queue": {"name": name}})

    assert list(cloud.tasks.list_tasks(request={"parent": name})) == []
    assert stop(process) == 0
