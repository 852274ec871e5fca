"""Queues, tasks and the names that are still taken, as they lie on the disk."""

import json
from collections.abc import Iterator
from typing import Any

from google.cloud.tasks_v2 import types

from emulators.disk import Disk
from emulators.google import rpc
from emulators.google.tasks.task import Task, TaskMessage
from emulators.rows import Rows

QUEUE = "tasks.queue"
TASK = "tasks.task"
ENDED_TASK = "tasks.ended-task"
DELETED_QUEUE = "tasks.deleted-queue"

QueueMessage = types.Queue.pb()


class Shelf:
    """Writes through to `disk`; moments are seconds since 1970."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._rows = Rows(disk)

    async def saved(self) -> None:
        await rpc.saved(self._disk)

    def put_queue(self, resource: Any) -> None:
        self._rows.put(QUEUE, resource.name, resource.SerializeToString())

    def drop_queue(self, name: str) -> None:
        self._rows.drop(QUEUE, name)

    def queues(self) -> Iterator[Any]:
        """The resources, in the order in which they were created."""
        for _, stored in self._rows.all(QUEUE):
            yield QueueMessage.FromString(stored)

    def put_task(self, task: Task) -> None:
        # What clients do not see stands before the resource, on a line of its own.
        hidden = {
            "named": task.named,
            "due_s": task.due_s,
            "attempts": task.attempts,
            "executions": task.executions,
            "first_attempt_s": task.first_attempt_s,
            "previous_status": task.previous_status,
        }
        stored = json.dumps(hidden).encode() + b"\n" + task.resource.SerializeToString()
        self._rows.put(TASK, task.name, stored)

    def drop_task(self, name: str) -> None:
        self._rows.drop(TASK, name)

    def tasks(self) -> Iterator[Task]:
        """Every task, in the order in which they were created."""
        for _, stored in self._rows.all(TASK):
            hidden, _, resource = stored.partition(b"\n")
            yield Task(resource=TaskMessage.FromString(resource), **json.loads(hidden))

    def block(self, kind: str, name: str, until_s: float) -> None:
        """Remember that a name is taken; `kind` is ENDED_TASK or DELETED_QUEUE."""
        self._rows.put(kind, name, str(until_s).encode())

    def free(self, kind: str, name: str) -> None:
        self._rows.drop(kind, name)

    def blocked(self, kind: str) -> Iterator[tuple[str, float]]:
        """(name, until_s), the oldest first."""
        for name, stored in self._rows.all(kind):
            yield name, float(stored)
