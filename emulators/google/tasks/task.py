"""A task of a queue: what it is, what became of its attempts, and its shape on the wire."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from google.cloud.tasks_v2 import types

TaskMessage = types.Task.pb()


@dataclass(slots=True, eq=False)
class Task:
    """`resource` is the protobuf Task as clients see it; moments are seconds since 1970.

    `turn` counts how often the task was put in the queue's order, so that an older place in the
    order can be told from the present one.
    """

    resource: Any
    named: bool
    due_s: float
    turn: int = 0
    attempts: int = 0
    executions: int = 0  # attempts that the handler answered, other than with a 5xx
    first_attempt_s: float = 0.0
    previous_status: int = 0

    @property
    def name(self) -> str:
        return str(self.resource.name)

    def begin(self, now_s: float) -> None:
        if self.attempts == 0:
            self.first_attempt_s = now_s
        self.attempts += 1
        self.resource.dispatch_count = self.attempts
        attempt = self.resource.last_attempt
        attempt.Clear()
        set_time(attempt.schedule_time, self.due_s)
        set_time(attempt.dispatch_time, now_s)
        if self.attempts == 1:
            self.resource.first_attempt.dispatch_time.CopyFrom(attempt.dispatch_time)

    def end(self, status: int, code: int, now_s: float, *, answered: bool) -> None:
        """Note an attempt's HTTP status and its google.rpc.Code."""
        self.previous_status = status
        self.resource.last_attempt.response_status.code = code
        self.resource.last_attempt.response_status.message = f"HTTP status code {status}"
        if not answered:
            return
        self.resource.response_count += 1
        set_time(self.resource.last_attempt.response_time, now_s)
        if status < 500:
            self.executions += 1

    def postpone(self, due_s: float) -> None:
        self.due_s = due_s
        set_time(self.resource.schedule_time, due_s)

    def view(self, view: int) -> Any:
        """The resource, with its body only in the FULL view."""
        shown = TaskMessage()
        shown.CopyFrom(self.resource)
        if view == types.Task.View.FULL:
            shown.view = types.Task.View.FULL
        else:
            shown.http_request.ClearField("body")
            shown.view = types.Task.View.BASIC
        return shown


def set_time(timestamp: Any, moment_s: float) -> None:
    timestamp.FromDatetime(datetime.fromtimestamp(moment_s, UTC))
