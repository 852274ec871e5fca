"""The CloudTasks service: requests in, resources out."""

import base64
import binascii
import bisect
import re
from collections.abc import Iterable, Sequence
from typing import Any

import grpc
from google.cloud.tasks_v2 import types
from google.longrunning.operations_pb2 import GetOperationRequest, Operation  # type: ignore[import-untyped]
from google.protobuf.empty_pb2 import Empty

from emulators.google.rpc import Method, invalid, service, unimplemented
from emulators.google.tasks import settings
from emulators.google.tasks.batches import Batches
from emulators.google.tasks.queues import Held, Queues

LARGEST_TASK_PAGE = 1_000
LARGEST_QUEUE_PAGE = 9_800
OUTPUT_ONLY = frozenset({"name", "state", "purge_time", "rate_limits.max_burst_size"})

QueueMessage = types.Queue.pb()

_STATE_FILTER = re.compile(r"\s*state\s*[:=]\s*(RUNNING|PAUSED|DISABLED)\s*")


def services(queues: Queues) -> Sequence[grpc.GenericRpcHandler]:
    server = CloudTasks(queues)
    return [
        service("google.cloud.tasks.v2.CloudTasks", server.methods()),
        service("google.longrunning.Operations", server.operations()),
    ]


class CloudTasks:
    """google.cloud.tasks.v2.CloudTasks over `queues`."""

    def __init__(self, queues: Queues) -> None:
        self._queues = queues
        self._batches = Batches(queues)

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
            "BatchCreateTasks": _method("BatchCreateTasks", Operation, self._batch_create),
            "BatchDeleteTasks": _method("BatchDeleteTasks", Operation, self._batch_delete),
        }

    def operations(self) -> dict[str, Method]:
        return {"GetOperation": Method(GetOperationRequest, Operation, self._get_operation)}

    async def _create_queue(self, request: Any) -> Any:
        held = self._queues.create(request.parent, request.queue)
        await self._queues.saved()
        return held.resource

    async def _get_queue(self, request: Any) -> Any:
        return self._queues.get(request.name).resource

    async def _update_queue(self, request: Any) -> Any:
        """Also creates the queue when there is none, as documented."""
        name = request.queue.name
        if self._queues.exists(name):
            changed = _changed(self._queues.get(name), request)
            settings.complete(changed)
            held = self._queues.change(name, changed)
        else:
            held = self._queues.create(name.partition("/queues/")[0], request.queue)
        await self._queues.saved()
        return held.resource

    async def _list_queues(self, request: Any) -> Any:
        prefix = f"{request.parent}/queues/"
        found = {
            held.queue.name: held.resource
            for held in _filtered(self._queues.all(), request.filter)
            if held.queue.name.startswith(prefix)
        }
        names, token = _page(found, request.page_size, request.page_token, LARGEST_QUEUE_PAGE)
        resources = [found[name] for name in names]
        return types.ListQueuesResponse.pb()(queues=resources, next_page_token=token)

    async def _delete_queue(self, request: Any) -> Any:
        self._queues.delete(request.name)
        await self._queues.saved()
        return Empty()

    async def _pause(self, request: Any) -> Any:
        held = self._queues.pause(request.name)
        await self._queues.saved()
        return held.resource

    async def _resume(self, request: Any) -> Any:
        held = self._queues.resume(request.name)
        await self._queues.saved()
        return held.resource

    async def _purge(self, request: Any) -> Any:
        held = self._queues.purge(request.name)
        await self._queues.saved()
        return held.resource

    async def _create_task(self, request: Any) -> Any:
        # The task may begin before it is saved: were both lost, the caller would ask again.
        made = self._queues.add_task(request.parent, request.task).view(request.response_view)
        await self._queues.saved()
        return made

    async def _get_task(self, request: Any) -> Any:
        _, task = self._queues.task(request.name)
        return task.view(request.response_view)

    async def _list_tasks(self, request: Any) -> Any:
        tasks = self._queues.get(request.parent).queue.tasks
        names, token = _page(tasks, request.page_size, request.page_token, LARGEST_TASK_PAGE)
        shown = [tasks[name].view(request.response_view) for name in names]
        return types.ListTasksResponse.pb()(tasks=shown, next_page_token=token)

    async def _delete_task(self, request: Any) -> Any:
        queue, task = self._queues.task(request.name)
        queue.remove(task)
        await self._queues.saved()
        return Empty()

    async def _run_task(self, request: Any) -> Any:
        queue, task = self._queues.task(request.name)
        queue.force(task)
        return task.view(request.response_view)

    async def _batch_create(self, request: Any) -> Any:
        operation = self._batches.create(request)
        await self._queues.saved()
        return operation

    async def _batch_delete(self, request: Any) -> Any:
        operation = self._batches.delete(request)
        await self._queues.saved()
        return operation

    async def _get_operation(self, request: Any) -> Any:
        return self._batches.operation(request.name)


def _method(verb: str, response: Any, run: Any) -> Method:
    return Method(getattr(types, f"{verb}Request").pb(), response, run)


def _changed(held: Held, request: Any) -> Any:
    """The queue as the request wants it; what is output only stays as it is."""
    changed = QueueMessage()
    changed.CopyFrom(held.resource)
    paths = [path for path in request.update_mask.paths if path not in OUTPUT_ONLY]
    if not request.update_mask.paths:
        changed.CopyFrom(request.queue)
    elif paths:
        mask = type(request.update_mask)(paths=paths)
        try:
            mask.MergeMessage(
                request.queue, changed, replace_message_field=True, replace_repeated_field=True
            )
        except ValueError as error:
            raise invalid(f"Invalid update_mask: {error}.") from None
    changed.name, changed.state = held.resource.name, held.resource.state
    changed.ClearField("purge_time")
    if held.resource.HasField("purge_time"):
        changed.purge_time.CopyFrom(held.resource.purge_time)
    return changed


def _filtered(queues: Iterable[Held], expression: str) -> Iterable[Held]:
    if not expression:
        return queues
    wanted = _STATE_FILTER.fullmatch(expression)
    if wanted is None:
        raise unimplemented("filters of queues other than by their state")
    state = getattr(types.Queue.State, wanted[1])
    return [held for held in queues if held.resource.state == state]


def _page(names: Iterable[str], size: int, token: str, limit: int) -> tuple[list[str], str]:
    """The page of sorted names that `token` begins, and the token of the next one.

    A token names the last one shown, so that nothing is left out when names go in between.
    """
    if size < 0:
        raise invalid("The page size must not be negative.")
    ordered = sorted(names)
    try:
        shown = base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise invalid("The page token is invalid.") from None
    start = bisect.bisect_right(ordered, shown)
    end = start + min(size or limit, limit)
    page = ordered[start:end]
    more = end < len(ordered)
    return page, base64.urlsafe_b64encode(page[-1].encode()).decode() if more else ""
