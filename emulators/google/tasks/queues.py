"""Everything that exists in this Cloud Tasks: queues by name, and the tasks put into them."""

import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import grpc
from google.cloud.tasks_v2 import types

from emulators.google.rpc import Refused, invalid, unimplemented
from emulators.google.tasks import settings
from emulators.google.tasks.dispatch import Outside, Queue
from emulators.google.tasks.names import Tombstones
from emulators.google.tasks.shelf import DELETED_QUEUE, ENDED_TASK
from emulators.google.tasks.target import METHODS_WITH_BODY, is_own
from emulators.google.tasks.task import Task, TaskMessage, set_time

MAX_TASK_BYTES = 1_048_576
MAX_AHEAD_S = 30 * 24 * 3600
LONGEST_LIFE_S = 31 * 24 * 3600
DEFAULT_DEADLINE_S = 600
MAX_URL_LENGTH = 2_083

_QUEUE = re.compile(r"projects/[^/]+/locations/[^/]+/queues/[A-Za-z0-9-]{1,100}")
_TASK_ID = re.compile(r"[A-Za-z0-9_-]{1,500}")


@dataclass(frozen=True, slots=True)
class Windows:
    """For how long the name of a task that ended, and of a queue that was deleted, stays taken."""

    task_s: float
    queue_s: float


@dataclass(slots=True, eq=False)
class Held:
    """`resource` is the protobuf Queue as clients see it."""

    resource: Any
    queue: Queue


class Queues:
    """Raises Refused with Google's status and words when a name is taken, unknown or malformed."""

    def __init__(self, outside: Outside, windows: Windows) -> None:
        self._outside = outside
        self._ended = Tombstones(outside.shelf, ENDED_TASK, windows.task_s)
        self._deleted = Tombstones(outside.shelf, DELETED_QUEUE, windows.queue_s)
        self._held: dict[str, Held] = {}

    def restore(self) -> None:
        """Take up what an earlier process left on the disk; needs a running event loop."""
        for resource in self._outside.shelf.queues():
            self._hold(resource)
        oldest_s = time.time() - LONGEST_LIFE_S
        for task in list(self._outside.shelf.tasks()):
            held = self._held.get(task.name.partition("/tasks/")[0])
            if held is None or task.resource.create_time.ToSeconds() < oldest_s:
                self._outside.shelf.drop_task(task.name)
            else:
                held.queue.restore(task)

    async def saved(self) -> None:
        """Wait until all that was done so far is on the disk."""
        await self._outside.shelf.saved()

    def all(self) -> Iterable[Held]:
        return self._held.values()

    def exists(self, name: str) -> bool:
        return name in self._held

    def get(self, name: str) -> Held:
        try:
            return self._held[name]
        except KeyError:
            raise Refused(
                grpc.StatusCode.NOT_FOUND,
                "Queue does not exist. If you just created the queue, wait at least a minute "
                "for the queue to initialize.",
            ) from None

    def create(self, parent: str, resource: Any) -> Held:
        name = resource.name
        if _QUEUE.fullmatch(name) is None or not name.startswith(f"{parent}/queues/"):
            raise invalid(
                'Queue name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/'
                'queues/<QUEUE_ID>".'
            )
        if name in self._held:
            raise Refused(grpc.StatusCode.ALREADY_EXISTS, "Queue already exists")
        if name in self._deleted:
            raise Refused(
                grpc.StatusCode.FAILED_PRECONDITION,
                "The queue cannot be created because a queue with this name existed too recently.",
            )
        settings.complete(resource)
        resource.ClearField("purge_time")
        resource.state = types.Queue.State.RUNNING
        held = self._hold(resource)
        self._outside.shelf.put_queue(resource)
        return held

    def change(self, name: str, resource: Any) -> Held:
        """Give a queue another resource, whose settings hold from now on."""
        held = self.get(name)
        held.queue.configure(settings.read(resource))
        held.resource = resource
        self._outside.shelf.put_queue(resource)
        return held

    def pause(self, name: str) -> Held:
        held = self.get(name)
        held.queue.pause()
        held.resource.state = types.Queue.State.PAUSED
        self._outside.shelf.put_queue(held.resource)
        return held

    def resume(self, name: str) -> Held:
        held = self.get(name)
        held.queue.resume()
        held.resource.state = types.Queue.State.RUNNING
        self._outside.shelf.put_queue(held.resource)
        return held

    def purge(self, name: str) -> Held:
        """Delete every task that is there now."""
        held = self.get(name)
        held.queue.purge()
        set_time(held.resource.purge_time, time.time())
        self._outside.shelf.put_queue(held.resource)
        return held

    def delete(self, name: str) -> None:
        if name not in self._held:
            raise not_found()
        queue = self._held.pop(name).queue
        queue.close()
        for task_name in queue.tasks:
            self._outside.shelf.drop_task(task_name)
        self._outside.shelf.drop_queue(name)
        self._deleted.add(name)

    def task(self, name: str) -> tuple[Queue, Task]:
        """The task of that full name, and the queue that holds it."""
        held = self._held.get(name.partition("/tasks/")[0])
        if held is None:
            raise not_found()
        if name in held.queue.tasks:
            return held.queue, held.queue.tasks[name]
        if name in self._ended:
            raise Refused(
                grpc.StatusCode.NOT_FOUND,
                "The task no longer exists, though a task with this name existed recently. The "
                "task either successfully completed or was deleted.",
            )
        raise not_found()

    def add_task(self, queue_name: str, resource: Any) -> Task:
        queue = self.get(queue_name).queue
        named = bool(resource.name)
        if named:
            _check_name(queue_name, resource.name)
            if resource.name in queue.tasks or resource.name in self._ended:
                raise Refused(grpc.StatusCode.ALREADY_EXISTS, "Requested entity already exists")
        else:
            resource.name = f"{queue_name}/tasks/{secrets.randbelow(9 * 10**18) + 10**18}"
        now_s = time.time()
        task = Task(_completed(resource, now_s), named, _due_s(resource, now_s))
        task.postpone(task.due_s)
        queue.add(task)
        return task

    def _hold(self, resource: Any) -> Held:
        paused = resource.state == types.Queue.State.PAUSED
        queue = Queue(
            resource.name, settings.read(resource), self._ended, self._outside, paused=paused
        )
        held = self._held[resource.name] = Held(resource, queue)
        return held

    def close(self) -> None:
        for held in self._held.values():
            held.queue.close()


def not_found() -> Refused:
    return Refused(grpc.StatusCode.NOT_FOUND, "Requested entity was not found.")


def _check_name(queue_name: str, task_name: str) -> None:
    named_queue, _, task_id = task_name.partition("/tasks/")
    if named_queue != queue_name:
        raise invalid(
            f"The queue name from request ('{queue_name}') must be the same as the queue name in "
            f"the named task ('{named_queue}')."
        )
    if _TASK_ID.fullmatch(task_id) is None:
        raise invalid(
            f'Task ID "{task_id}" can contain only letters ([A-Za-z]), numbers ([0-9]), hyphens '
            "(-), or underscores (_). Task ID must between 1 and 500 characters."
        )


def _completed(resource: Any, now_s: float) -> Any:
    if resource.WhichOneof("message_type") != "http_request":
        raise unimplemented("tasks without an HTTP request")
    request = resource.http_request
    if not request.url.startswith(("http://", "https://")) or len(request.url) > MAX_URL_LENGTH:
        raise invalid('Task.http_request.url must start with "http://" or "https://".')
    if request.HasField("oauth_token"):
        raise unimplemented("OAuth tokens")
    request.http_method = request.http_method or types.HttpMethod.POST
    if request.body and types.HttpMethod(request.http_method).name not in METHODS_WITH_BODY:
        raise invalid("HTTP request body can only be set for the methods POST, PUT and PATCH.")
    settings.check_headers(request.headers)
    if resource.ByteSize() > MAX_TASK_BYTES:
        raise invalid("Task size too large.")
    if not resource.HasField("dispatch_deadline"):
        resource.dispatch_deadline.FromSeconds(DEFAULT_DEADLINE_S)
    if not 15 <= resource.dispatch_deadline.ToTimedelta().total_seconds() <= 1_800:
        raise invalid("Task.dispatch_deadline must be between [15s, 30m].")
    for key in [key for key in request.headers if is_own(key)]:
        del request.headers[key]
    request.headers["User-Agent"] = "Google-Cloud-Tasks"
    completed = TaskMessage(
        name=resource.name,
        http_request=request,
        dispatch_deadline=resource.dispatch_deadline,
    )
    if resource.HasField("retry_config"):
        completed.retry_config.CopyFrom(resource.retry_config)
        settings.complete_retry(completed.retry_config)
        settings.read_retry(completed.retry_config)
    completed.create_time.FromSeconds(int(now_s))  # whole seconds, as documented
    return completed


def _due_s(resource: Any, now_s: float) -> float:
    due_s = float(resource.schedule_time.ToNanoseconds() / 1e9)
    if due_s > now_s + MAX_AHEAD_S:
        raise invalid("The schedule_time may be at most 30 days in the future.")
    return max(due_s, now_s)
