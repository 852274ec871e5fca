"""Jobs by name, each run at its times until it is paused or deleted."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from emulators.google.outbound import Outbound
from emulators.google.scheduler.jobs import Job
from emulators.google.tokens import TokenIssuer


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True, eq=False)
class Entry:
    """`raw` is the job's JSON as clients see it; `last_code` is a google.rpc.Code, 0 for well."""

    job: Job
    raw: dict[str, Any]
    paused: bool = False
    next_run: datetime | None = None
    last_attempt: datetime | None = None
    last_code: int = 0
    timer: asyncio.TimerHandle | None = field(default=None, repr=False)


class Runner:
    """Executions of one job never overlap: a time that comes during one is skipped."""

    def __init__(
        self, outbound: Outbound, tokens: TokenIssuer, now: Callable[[], datetime] = utc_now
    ) -> None:
        self.entries: dict[str, Entry] = {}
        self._outbound = outbound
        self._tokens = tokens
        self._now = now
        self._runs: dict[str, asyncio.Task[None]] = {}

    def put(self, job: Job, raw: dict[str, Any]) -> Entry:
        """Add the job, or replace the one of its name; a paused job stays paused."""
        old = self.entries.get(job.name)
        entry = Entry(job, raw, paused=old is not None and old.paused)
        if old is not None:
            _disarm(old)
        self.entries[job.name] = entry
        self._arm(entry)
        return entry

    def delete(self, name: str) -> None:
        _disarm(self.entries.pop(name))
        run = self._runs.pop(name, None)
        if run is not None:
            run.cancel()

    def pause(self, entry: Entry) -> None:
        entry.paused = True
        _disarm(entry)

    def resume(self, entry: Entry) -> None:
        entry.paused = False
        _disarm(entry)
        self._arm(entry)

    def run(self, entry: Entry) -> None:
        """Execute now, without waiting for the outcome."""
        name = entry.job.name
        if name in self._runs:
            return
        task = asyncio.get_running_loop().create_task(self._execute(entry, self._now()))
        self._runs[name] = task
        task.add_done_callback(lambda _task: self._runs.pop(name, None))

    def close(self) -> None:
        for name in list(self.entries):
            self.delete(name)

    def _arm(self, entry: Entry) -> None:
        if entry.paused:
            return
        now = self._now()
        # After a timer that rang early the same minute would come again.
        entry.next_run = entry.job.next_run(max(now, entry.next_run or now))
        delay_s = (entry.next_run - now).total_seconds()
        entry.timer = asyncio.get_running_loop().call_later(delay_s, self._fall_due, entry)

    def _fall_due(self, entry: Entry) -> None:
        self.run(entry)
        self._arm(entry)

    async def _execute(self, entry: Entry, scheduled: datetime) -> None:
        job = entry.job
        headers = {
            "Content-Type": "application/octet-stream",
            **job.headers,
            "User-Agent": "Google-Cloud-Scheduler",
            "X-CloudScheduler": "true",
            "X-CloudScheduler-JobName": job.name.rsplit("/", 1)[-1],
            "X-CloudScheduler-ScheduleTime": scheduled.isoformat(timespec="seconds"),
        }
        for failures in range(1, job.retry.count + 2):
            if job.account:
                headers["Authorization"] = self._tokens.bearer(job.account, job.audience)
            entry.last_attempt = self._now()
            answer = await self._outbound.send(
                job.method, job.uri, headers, job.body, job.deadline_s
            )
            entry.last_code = 0 if 200 <= answer.status < 300 else 2
            if entry.last_code == 0 or failures > job.retry.count:
                return
            await asyncio.sleep(job.retry.delay_s(failures))


def _disarm(entry: Entry) -> None:
    if entry.timer is not None:
        entry.timer.cancel()
        entry.timer = None
    entry.next_run = None
