"""The CloudTasks service: requests in, resources out."""

import time
from collections.abc import Sequence
from typing import Any

import grpc
from google.cloud.tasks_v2 import types
from google.protobuf.empty_pb2 import Empty

from emulators.google.rpc import Method, invalid, page, service
from emulators.google.tasks import settings
from emulators.google.tasks.queues import Held, Queues
from emulators.google.tasks.task import set_time

LARGEST_PAGE = 1_000

QueueMessage = types.Queue.pb()


def services(queues: Queues) -> Sequence[grpc.GenericRpcHandler]:
    return [service("google.cloud.tasks.v2.CloudTasks", CloudTasks(queues).methods())]


class CloudTasks:
    """google.cloud.tasks.v2.CloudTasks over `queues`."""

    def __init__(self, queues: Queues) -> None:
        self._queues = queues

    def methods(self) -> dict[str, Method]:
        task = types.Task.pb()
        return {
            "CreateQueue": _method("CreateQueue", QueueMessage, self._create_queue),
            "GetQueue": _method("GetQueue", QueueMessage, self._get_queue),
            "UpdateQueue": _method("UpdateQueue", QueueMessage, self._update_queue),
            "ListQueues": _method("ListQueues", types.ListQueuesResponse.pb(), self._list_queues),
            "DeleteQueue": _method("DeleteQueue", Empty, self._delete_queue),
            "PauseQueue": _method("PauseQueue", QueueMessage, self._pause),
            "ResumeQueue": _method("ResumeQueue", QueueMessage, self._resume),
            "PurgeQueue": _method("PurgeQueue", QueueMessage, self._purge),
            "CreateTask": _method("CreateTask", task, self._create_task),
            "GetTask": _method("GetTask", task, self._get_task),
            "ListTasks": _method("ListTasks", types.ListTasksResponse.pb(), self._list_tasks),
            "DeleteTask": _method("DeleteTask", Empty, self._delete_task),
            "RunTask": _method("RunTask", task, self._run_task),
        }

    async def _create_queue(self, request: Any) -> Any:
        return self._queues.create(request.parent, request.queue).resource

    async def _get_queue(self, request: Any) -> Any:
        return self._queues.get(request.name).resource

    async def _update_queue(self, request: Any) -> Any:
        """Also creates the queue when there is none, as documented."""
        name = request.queue.name
        if not self._queues.exists(name):
            return self._queues.create(name.partition("/queues/")[0], request.queue).resource
        held = self._queues.get(name)
        changed = _changed(held, request)
        settings.complete(changed)
        held.queue.configure(settings.read(changed))
        held.resource = changed
        return changed

    async def _list_queues(self, request: Any) -> Any:
        prefix = f"{request.parent}/queues/"
        names = sorted(held.queue.name for held in self._queues.all())
        found = [name for name in names if name.startswith(prefix)]
        shown, token = page(found, request.page_size, request.page_token, LARGEST_PAGE)
        resources = [self._queues.get(name).resource for name in shown]
        return types.ListQueuesResponse.pb()(queues=resources, next_page_token=token)

    async def _delete_queue(self, request: Any) -> Any:
        self._queues.delete(request.name)
        return Empty()

    async def _pause(self, request: Any) -> Any:
        held = self._queues.get(request.name)
        held.queue.pause()
        held.resource.state = types.Queue.State.PAUSED
        return held.resource

    async def _resume(self, request: Any) -> Any:
        held = self._queues.get(request.name)
        held.queue.resume()
        held.resource.state = types.Queue.State.RUNNING
        return held.resource

    async def _purge(self, request: Any) -> Any:
        held = self._queues.get(request.name)
        held.queue.purge()
        set_time(held.resource.purge_time, time.time())
        return held.resource

    async def _create_task(self, request: Any) -> Any:
        return self._queues.add_task(request.parent, request.task).view(request.response_view)

    async def _get_task(self, request: Any) -> Any:
        _, task = self._queues.task(request.name)
        return task.view(request.response_view)

    async def _list_tasks(self, request: Any) -> Any:
        tasks = self._queues.get(request.parent).queue.tasks
        names, token = page(sorted(tasks), request.page_size, request.page_token, LARGEST_PAGE)
        shown = [tasks[name].view(request.response_view) for name in names]
        return types.ListTasksResponse.pb()(tasks=shown, next_page_token=token)

    async def _delete_task(self, request: Any) -> Any:
        queue, task = self._queues.task(request.name)
        queue.remove(task)
        return Empty()

    async def _run_task(self, request: Any) -> Any:
        queue, task = self._queues.task(request.name)
        queue.force(task)
        return task.view(request.response_view)


def _method(verb: str, response: Any, run: Any) -> Method:
    return Method(getattr(types, f"{verb}Request").pb(), response, run)


def _changed(held: Held, request: Any) -> Any:
    changed = QueueMessage()
    changed.CopyFrom(held.resource)
    if not request.HasField("update_mask"):
        changed.CopyFrom(request.queue)
        changed.state = held.resource.state
        return changed
    try:
        request.update_mask.MergeMessage(
            request.queue, changed, replace_message_field=True, replace_repeated_field=True
        )
    except ValueError as error:
        raise invalid(f"Invalid update_mask: {error}.") from None
    changed.name, changed.state = held.resource.name, held.resource.state
    return changed
