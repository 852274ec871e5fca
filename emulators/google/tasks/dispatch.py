"""One queue at work: its order, its pace, and the attempts under way."""

import asyncio
import heapq
import itertools
import time
from dataclasses import dataclass
from functools import partial

from emulators.google.faults import Faults, function_at
from emulators.google.outbound import CALLER_TIMED_OUT, NO_ANSWER, Answer, Outbound
from emulators.google.status import code_of
from emulators.google.tasks.bucket import TokenBucket
from emulators.google.tasks.names import Tombstones
from emulators.google.tasks.retry import Retry
from emulators.google.tasks.settings import Settings, read_retry
from emulators.google.tasks.shelf import Shelf
from emulators.google.tasks.target import request_of
from emulators.google.tasks.task import Task
from emulators.google.timing import Alarm, Throttle
from emulators.google.tokens import TokenIssuer

OVERLOADED = frozenset({429, 503})
# Production backs a queue off when its handler is overloaded; how far is not documented.
THROTTLE_FIRST_S = 0.5
THROTTLE_LIMIT_S = 10.0
RETRY_AFTER_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Outside:
    """What queues need of the process around them."""

    outbound: Outbound
    tokens: TokenIssuer
    faults: Faults
    shelf: Shelf


class Queue:
    """The tasks of one queue; `pause` stops new attempts, not those under way."""

    def __init__(
        self, name: str, settings: Settings, ended: Tombstones, outside: Outside, *, paused: bool
    ) -> None:
        self.name = name
        self.settings = settings
        self.tasks: dict[str, Task] = {}
        self.in_flight = 0
        self.dispatched = 0
        self.failed = 0
        self.dropped = 0
        self.attempt_delay_s = 0.0  # how long after it was due the latest attempt began
        self._outside = outside
        self._ended = ended
        self._order: list[tuple[float, int, int, Task]] = []
        self._numbers = itertools.count()
        self._bucket = TokenBucket(settings.rate, settings.burst, time.time())
        self._throttle = Throttle(THROTTLE_FIRST_S, THROTTLE_LIMIT_S)
        self._alarm = Alarm(self._advance)
        self._attempts: set[asyncio.Task[None]] = set()
        self._paused = paused

    def configure(self, settings: Settings) -> None:
        self._bucket.reshape(settings.rate, settings.burst, time.time())
        self.settings = settings
        self._advance()

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        self._advance()

    def add(self, task: Task) -> None:
        self._outside.shelf.put_task(task)
        self.restore(task)

    def restore(self, task: Task) -> None:
        """Take a task that is on the disk already."""
        self.tasks[task.name] = task
        self._enqueue(task)
        self._advance()

    def remove(self, task: Task) -> None:
        """Forget a task; an attempt under way is not recalled, but not repeated either."""
        del self.tasks[task.name]
        self._outside.shelf.drop_task(task.name)
        if task.named:
            self._ended.add(task.name)

    def purge(self) -> None:
        for task in list(self.tasks.values()):
            self.remove(task)

    def force(self, task: Task) -> None:
        """Run the task now, past every limit, even when it runs already or the queue is paused."""
        task.turn += 1
        self._start(task, forced_s=time.time())

    def close(self) -> None:
        self._paused = True
        self._alarm.cancel()
        for attempt in self._attempts:
            attempt.cancel()

    def _enqueue(self, task: Task) -> None:
        task.turn += 1
        heapq.heappush(self._order, (task.due_s, next(self._numbers), task.turn, task))

    def _advance(self) -> None:
        while not self._paused and self.in_flight < self.settings.max_concurrent:
            due = self._head()
            if due is None:
                return
            now_s = time.time()
            wait_s = max(
                due.due_s - now_s, self._throttle.wait_s(now_s), self._bucket.wait_s(now_s)
            )
            if wait_s > 0:
                self._alarm.within(wait_s)
                return
            heapq.heappop(self._order)
            self._bucket.take(now_s)
            self._start(due)

    def _head(self) -> Task | None:
        """The first task in order, past the places that tasks have left since."""
        while self._order:
            _, _, turn, task = self._order[0]
            if task.turn == turn and self.tasks.get(task.name) is task:
                return task
            heapq.heappop(self._order)
        return None

    def _start(self, task: Task, forced_s: float | None = None) -> None:
        self.in_flight += 1
        self.dispatched += 1
        self.attempt_delay_s = max(0.0, time.time() - task.due_s)
        attempt = asyncio.get_running_loop().create_task(self._attempt(task, forced_s))
        self._attempts.add(attempt)
        attempt.add_done_callback(self._attempted)

    def _attempted(self, attempt: asyncio.Task[None]) -> None:
        self._attempts.discard(attempt)
        self.in_flight -= 1
        self._advance()

    async def _attempt(self, task: Task, forced_s: float | None) -> None:
        request = request_of(task.resource.http_request, self.settings.target)
        headers = request.headers | self._own_headers(task)
        if request.account:
            bearer = self._outside.tokens.bearer(request.account, request.audience)
            headers["Authorization"] = bearer
        timeout_s = task.resource.dispatch_deadline.ToTimedelta().total_seconds()
        task.begin(time.time())
        self._outside.shelf.put_task(task)
        send = self._outside.outbound.send
        answer = await self._outside.faults.apply(
            ("tasks", self.name.rsplit("/", 1)[-1], function_at(request.url)),
            partial(send, request.method, request.url, headers, request.body, timeout_s),
        )
        self._judge(task, answer, forced_s)

    def _own_headers(self, task: Task) -> dict[str, str]:
        headers = {
            "User-Agent": "Google-Cloud-Tasks",
            "X-CloudTasks-QueueName": self.name.rsplit("/", 1)[-1],
            "X-CloudTasks-TaskName": task.name.rsplit("/", 1)[-1],
            "X-CloudTasks-TaskRetryCount": str(task.attempts),
            "X-CloudTasks-TaskExecutionCount": str(task.executions),
            "X-CloudTasks-TaskETA": f"{task.due_s:.6f}",
        }
        if task.attempts:
            headers["X-CloudTasks-TaskPreviousResponse"] = str(task.previous_status)
            headers["X-CloudTasks-TaskRetryReason"] = ""  # recordings of production show it empty
        return headers

    def _judge(self, task: Task, answer: Answer, forced_s: float | None) -> None:
        now_s = time.time()
        # Production speaks of 503 as UNAVAILABLE; that it does so when nothing listens is a guess.
        status = answer.status if answer.status != NO_ANSWER else 503
        code = code_of(status)
        task.end(status, code, now_s, answered=answer.status not in {NO_ANSWER, CALLER_TIMED_OUT})
        if code == 0:
            self._throttle.clear()
        else:
            self.failed += 1
            if answer.status in OVERLOADED:
                self._throttle.trip(now_s, min(answer.retry_after_s, RETRY_AFTER_LIMIT_S))
        if self.tasks.get(task.name) is not task:
            return
        retry = self._retry_of(task)
        if code == 0:
            self.remove(task)
        elif retry.is_over(task.attempts, now_s - task.first_attempt_s):
            self.dropped += 1
            self.remove(task)
        else:
            # After RunTask the pause counts from the call, as documented.
            task.postpone((forced_s or now_s) + retry.delay_s(task.attempts))
            self._outside.shelf.put_task(task)
            self._enqueue(task)

    def _retry_of(self, task: Task) -> Retry:
        if task.resource.HasField("retry_config"):
            return read_retry(task.resource.retry_config)
        return self.settings.retry
