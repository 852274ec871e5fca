"""One queue at work: its order, its pace, and the attempts under way."""

import asyncio
import heapq
import itertools
import time
from collections import OrderedDict

from emulators.google.outbound import CALLER_TIMED_OUT, NO_ANSWER, Answer, Outbound
from emulators.google.tasks.bucket import TokenBucket
from emulators.google.tasks.settings import Settings
from emulators.google.tasks.target import request_of
from emulators.google.tasks.task import Task
from emulators.google.timing import Alarm, Throttle
from emulators.google.tokens import TokenIssuer

OVERLOADED = frozenset({429, 503})
# Production backs a queue off when its handler is overloaded; how far is not documented.
THROTTLE_FIRST_S = 0.5
THROTTLE_LIMIT_S = 10.0
RETRY_AFTER_LIMIT_S = 60.0

# google.rpc.Code of an attempt's outcome; what is not listed is UNKNOWN.
CODES = {
    400: 3,
    401: 16,
    403: 7,
    404: 5,
    409: 10,
    429: 8,
    499: 1,
    500: 13,
    501: 12,
    503: 14,
    504: 4,
}
UNKNOWN = 2


class Queue:
    """The tasks of one queue; `pause` stops new attempts, not those under way."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        outbound: Outbound,
        tokens: TokenIssuer,
        tombstone_s: float,
    ) -> None:
        self.name = name
        self.settings = settings
        self.tasks: dict[str, Task] = {}
        self.in_flight = 0
        self.dispatched = 0
        self.failed = 0
        self.dropped = 0
        self._outbound = outbound
        self._tokens = tokens
        self._tombstone_s = tombstone_s
        self._tombstones: OrderedDict[str, float] = OrderedDict()
        self._order: list[tuple[float, int, int, Task]] = []
        self._numbers = itertools.count()
        self._bucket = TokenBucket(settings.rate, settings.burst, time.time())
        self._throttle = Throttle(THROTTLE_FIRST_S, THROTTLE_LIMIT_S)
        self._alarm = Alarm(self._advance)
        self._attempts: set[asyncio.Task[None]] = set()
        self._paused = False

    def configure(self, settings: Settings) -> None:
        self._bucket.reshape(settings.rate, settings.burst, time.time())
        self.settings = settings
        self._advance()

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        self._advance()

    def existed_recently(self, task_name: str) -> bool:
        """Whether the name belonged to a task that ended within the tombstone window."""
        now_s = time.time()
        while self._tombstones and next(iter(self._tombstones.values())) <= now_s:
            self._tombstones.popitem(last=False)
        return task_name in self._tombstones

    def add(self, task: Task) -> None:
        self.tasks[task.name] = task
        self._enqueue(task)
        self._advance()

    def remove(self, task: Task) -> None:
        """Forget a task; an attempt under way is not recalled, but not repeated either."""
        del self.tasks[task.name]
        if task.named:
            self._tombstones[task.name] = time.time() + self._tombstone_s

    def purge(self) -> None:
        for task in list(self.tasks.values()):
            self.remove(task)

    def force(self, task: Task) -> None:
        """Run the task now, past every limit, even in a paused queue."""
        if not task.running:
            task.turn += 1
            self._start(task)

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

    def _start(self, task: Task) -> None:
        self.in_flight += 1
        self.dispatched += 1
        attempt = asyncio.get_running_loop().create_task(self._attempt(task))
        self._attempts.add(attempt)
        attempt.add_done_callback(self._attempted)

    def _attempted(self, attempt: asyncio.Task[None]) -> None:
        self._attempts.discard(attempt)
        self.in_flight -= 1
        self._advance()

    async def _attempt(self, task: Task) -> None:
        request = request_of(task.resource.http_request, self.settings.target)
        headers = request.headers | self._own_headers(task)
        if request.account:
            headers["Authorization"] = self._tokens.bearer(request.account, request.audience)
        timeout_s = task.resource.dispatch_deadline.ToTimedelta().total_seconds()
        task.begin(time.time())
        answer = await self._outbound.send(
            request.method, request.url, headers, request.body, timeout_s
        )
        self._judge(task, answer)

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

    def _judge(self, task: Task, answer: Answer) -> None:
        now_s = time.time()
        # Production speaks of 503 as UNAVAILABLE; that it does so when nothing listens is a guess.
        status = answer.status if answer.status != NO_ANSWER else 503
        succeeded = 200 <= status < 300
        code = 0 if succeeded else CODES.get(status, UNKNOWN)
        task.end(status, code, now_s, answered=answer.status not in {NO_ANSWER, CALLER_TIMED_OUT})
        if succeeded:
            self._throttle.clear()
        else:
            self.failed += 1
            if answer.status in OVERLOADED:
                self._throttle.trip(now_s, min(answer.retry_after_s, RETRY_AFTER_LIMIT_S))
        if self.tasks.get(task.name) is not task:
            return
        retry = self.settings.retry
        if succeeded:
            self.remove(task)
        elif retry.is_over(task.attempts, now_s - task.first_attempt_s):
            self.dropped += 1
            self.remove(task)
        else:
            task.postpone(now_s + retry.delay_s(task.attempts))
            self._enqueue(task)
