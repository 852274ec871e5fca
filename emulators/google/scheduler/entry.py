"""A job that exists, with what became of it."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from emulators.google.scheduler.jobs import Job


@dataclass(slots=True, eq=False)
class Entry:
    """`raw` is the job's JSON as its owner wrote it; `last_code` a google.rpc.Code, 0 for well."""

    job: Job
    raw: dict[str, Any]
    updated: datetime
    paused: bool = False
    next_run: datetime | None = None
    last_attempt: datetime | None = None
    last_code: int = 0
    timer: asyncio.TimerHandle | None = field(default=None, repr=False)

    def shown(self) -> dict[str, Any]:
        """The job's JSON as clients see it."""
        resource = {
            **self.raw,
            "state": "PAUSED" if self.paused else "ENABLED",
            "userUpdateTime": _zulu(self.updated),
        }
        if self.next_run is not None:
            resource["scheduleTime"] = _zulu(self.next_run)
        if self.last_attempt is not None:
            resource["lastAttemptTime"] = _zulu(self.last_attempt)
            resource["status"] = {"code": self.last_code} if self.last_code else {}
        return resource


def _zulu(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
