"""Batches of tasks: each is a long-running operation that is done by the time it is answered."""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

import grpc
from google.cloud.tasks_v2 import types
from google.longrunning.operations_pb2 import Operation  # type: ignore[import-untyped]
from google.protobuf.empty_pb2 import Empty
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]

from emulators.google.rpc import Refused, invalid
from emulators.google.tasks.queues import Queues, not_found
from emulators.google.tasks.task import set_time

MOST_CREATED = 100
MOST_DELETED = 1_000
MOST_REMEMBERED = 1_000

ABORTED = 10


class Batches:
    """Creates and deletes item by item: one that is refused does not stop the others.

    An operation is found again by its request_id, so that a caller who asks twice is served once.
    """

    def __init__(self, queues: Queues) -> None:
        self._queues = queues
        self._operations: OrderedDict[str, Any] = OrderedDict()

    def operation(self, name: str) -> Any:
        try:
            return self._operations[name]
        except KeyError:
            raise not_found() from None

    def create(self, request: Any) -> Any:
        """The operation for a BatchCreateTasksRequest; its response has the tasks that were made.

        Raises:
            Refused: the request as a whole is wrong.
        """
        _check_size(len(request.requests), MOST_CREATED)
        if any(each.parent != request.parent for each in request.requests):
            raise invalid("The parent of every request must be the parent of the batch.")
        self._queues.get(request.parent)

        def make(each: Any) -> Any:
            return self._queues.add_task(each.parent, each.task).view(each.response_view)

        def run() -> tuple[Any, Mapping[int, Any]]:
            made, refused = _each(request.requests, make)
            return types.BatchCreateTasksResponse.pb()(tasks=made), refused

        return self._operation(request, len(request.requests), types.BatchCreateTasksMetadata, run)

    def delete(self, request: Any) -> Any:
        """The operation for a BatchDeleteTasksRequest; its response is empty.

        Raises:
            Refused: the request as a whole is wrong.
        """
        _check_size(len(request.names), MOST_DELETED)
        if any(name.partition("/tasks/")[0] != request.parent for name in request.names):
            raise invalid("Every task must belong to the queue of the batch.")
        self._queues.get(request.parent)

        def remove(name: str) -> None:
            queue, task = self._queues.task(name)
            queue.remove(task)

        def run() -> tuple[Any, Mapping[int, Any]]:
            return Empty(), _each(request.names, remove)[1]

        return self._operation(request, len(request.names), types.BatchDeleteTasksMetadata, run)

    def _operation(
        self,
        request: Any,
        size: int,
        metadata_type: Any,
        run: Callable[[], tuple[Any, Mapping[int, Any]]],
    ) -> Any:
        location = request.parent.partition("/queues/")[0]
        name = f"{location}/operations/{request.request_id or uuid4()}"
        if name in self._operations:
            return self._operations[name]
        metadata = metadata_type.pb()()
        set_time(metadata.start_time, time.time())
        response, refused = run()
        set_time(metadata.end_time, time.time())
        states = metadata_type.State
        metadata.state = states.PARTIALLY_SUCCEEDED if refused else states.SUCCEEDED
        for index, status in refused.items():
            metadata.failed_requests[index].CopyFrom(status)
        operation = Operation(name=name, done=True)
        operation.metadata.Pack(metadata)
        if len(refused) == size:
            operation.error.code = ABORTED
            operation.error.message = (
                f"None of the requests succeeded, refer to {metadata_type.__name__}"
                ".failed_requests for individual error details"
            )
        else:
            operation.response.Pack(response)
        self._operations[name] = operation
        if len(self._operations) > MOST_REMEMBERED:
            self._operations.popitem(last=False)
        return operation


def _each(items: Sequence[Any], act: Callable[[Any], Any]) -> tuple[list[Any], dict[int, Any]]:
    """What came of each item, and by its place why it was refused."""
    done: list[Any] = []
    refused: dict[int, Any] = {}
    for index, item in enumerate(items):
        try:
            done.append(act(item))
        except Refused as refusal:
            refused[index] = Status(code=_number(refusal.code), message=refusal.message)
    return done, refused


def _number(code: grpc.StatusCode) -> int:
    number: int = code.value[0]
    return number


def _check_size(size: int, limit: int) -> None:
    if not 1 <= size <= limit:
        raise invalid(f"A batch must have between 1 and {limit} requests.")
