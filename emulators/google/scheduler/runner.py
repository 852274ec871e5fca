"""Jobs by name, each run at its times until it is paused or deleted."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from emulators.google.faults import Faults, function_at
from emulators.google.outbound import NO_ANSWER, Answer, Outbound
from emulators.google.scheduler.entry import Entry
from emulators.google.scheduler.jobs import Job
from emulators.google.scheduler.shelf import Shelf
from emulators.google.status import code_of
from emulators.google.tokens import TokenIssuer

UNAVAILABLE = 503  # what a job shows when nothing listens; a guess


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Outside:
    """What jobs need of the process around them."""

    outbound: Outbound
    tokens: TokenIssuer
    faults: Faults
    shelf: Shelf


class Runner:
    """Executions by the clock never overlap: one that falls due during another begins after it.

    `run` is the exception: it executes at once, whatever is under way.
    """

    def __init__(self, outside: Outside, now: Callable[[], datetime] = utc_now) -> None:
        self.entries: dict[str, Entry] = {}
        self._outside = outside
        self._now = now
        self._runs: dict[str, set[asyncio.Task[None]]] = defaultdict(set)
        self._late: dict[str, datetime] = {}

    def restore(self) -> None:
        """Take up what an earlier process left; a time that passed meanwhile is made up for once.

        Needs a running event loop.
        """
        for entry in self._outside.shelf.entries():
            self.entries[entry.job.name] = entry
            missed = entry.next_run
            if missed is not None and missed <= self._now():
                self._execute_soon(entry, missed)
            entry.next_run = None
            self._arm(entry)

    async def saved(self) -> None:
        """Wait until all that was done so far is on the disk."""
        await self._outside.shelf.saved()

    def put(self, job: Job, raw: dict[str, Any]) -> Entry:
        """Add the job, or replace the one of its name, which keeps its state and its past."""
        old = self.entries.get(job.name)
        entry = Entry(job, raw, updated=self._now())
        if old is not None:
            entry.paused, entry.last_code = old.paused, old.last_code
            entry.last_attempt = old.last_attempt
            _disarm(old)
        self.entries[job.name] = entry
        self._arm(entry)
        return entry

    def delete(self, name: str) -> None:
        self._forget(name)
        self._outside.shelf.drop(name)

    def pause(self, entry: Entry) -> None:
        entry.paused = True
        _disarm(entry)
        self._outside.shelf.put(entry)

    def resume(self, entry: Entry) -> None:
        entry.paused = False
        _disarm(entry)
        self._arm(entry)

    def run(self, entry: Entry) -> None:
        """Execute now, even when the job runs already, without waiting for the outcome."""
        self._execute_soon(entry, self._now())

    def under_way(self, name: str) -> int:
        """How many executions of a job have begun and not ended."""
        return len(self._runs.get(name, ()))

    def close(self) -> None:
        for name in list(self.entries):
            self._forget(name)

    def _forget(self, name: str) -> None:
        _disarm(self.entries.pop(name))
        self._late.pop(name, None)
        for run in self._runs.pop(name, ()):
            run.cancel()

    def _arm(self, entry: Entry) -> None:
        if not entry.paused:
            now = self._now()
            # After a timer that rang early the same minute would come again.
            entry.next_run = entry.job.next_run(max(now, entry.next_run or now))
            delay_s = (entry.next_run - now).total_seconds()
            entry.timer = asyncio.get_running_loop().call_later(delay_s, self._fall_due, entry)
        self._outside.shelf.put(entry)

    def _fall_due(self, entry: Entry) -> None:
        scheduled = entry.next_run or self._now()
        if self._runs[entry.job.name]:
            self._late[entry.job.name] = scheduled
        else:
            self._execute_soon(entry, scheduled)
        self._arm(entry)

    def _execute_soon(self, entry: Entry, scheduled: datetime) -> None:
        name = entry.job.name
        run = asyncio.get_running_loop().create_task(self._execute(entry, scheduled))
        self._runs[name].add(run)
        run.add_done_callback(lambda done: self._executed(name, done))

    def _executed(self, name: str, run: asyncio.Task[None]) -> None:
        self._runs[name].discard(run)
        entry = self.entries.get(name)
        if entry is not None and not self._runs[name] and name in self._late:
            self._execute_soon(entry, self._late.pop(name))

    async def _execute(self, entry: Entry, scheduled: datetime) -> None:
        job = entry.job
        began = self._now()
        failures = 0
        while True:
            entry.last_attempt = self._now()
            answer = await self._attempt(job, scheduled)
            status = answer.status if answer.status != NO_ANSWER else UNAVAILABLE
            entry.last_code = code_of(status)
            if self.entries.get(job.name) is entry:
                self._outside.shelf.put(entry)
            failures += 1
            elapsed_s = (self._now() - began).total_seconds()
            if entry.last_code == 0 or job.retry.is_over(failures, elapsed_s):
                return
            await asyncio.sleep(job.retry.delay_s(failures))

    async def _attempt(self, job: Job, scheduled: datetime) -> Answer:
        short_name = job.name.rsplit("/", 1)[-1]
        headers = {
            "Content-Type": "application/octet-stream",
            **job.headers,
            "User-Agent": "Google-Cloud-Scheduler",
            "X-CloudScheduler": "true",
            "X-CloudScheduler-JobName": short_name,
            "X-CloudScheduler-ScheduleTime": scheduled.isoformat(timespec="seconds"),
        }
        if job.account:
            headers["Authorization"] = self._outside.tokens.bearer(job.account, job.audience)
        send = self._outside.outbound.send
        return await self._outside.faults.apply(
            ("scheduler", short_name, function_at(job.uri)),
            partial(send, job.method, job.uri, headers, job.body, job.deadline_s),
        )


def _disarm(entry: Entry) -> None:
    if entry.timer is not None:
        entry.timer.cancel()
        entry.timer = None
    entry.next_run = None
