"""Jobs as they lie on the disk."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from emulators.disk import Disk
from emulators.google.scheduler import jobs
from emulators.google.scheduler.entry import Entry
from emulators.rows import Rows

JOB = "scheduler.job"


class Shelf:
    """Writes through to `disk`."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._rows = Rows(disk)

    async def saved(self) -> None:
        await self._disk.saved()

    def put(self, entry: Entry) -> None:
        stored = {
            "raw": entry.raw,
            "paused": entry.paused,
            "updated": entry.updated.isoformat(),
            "next_run": _text(entry.next_run),
            "last_attempt": _text(entry.last_attempt),
            "last_code": entry.last_code,
        }
        self._rows.put(JOB, entry.job.name, json.dumps(stored).encode())

    def drop(self, name: str) -> None:
        self._rows.drop(JOB, name)

    def entries(self) -> Iterator[Entry]:
        for _, stored in self._rows.all(JOB):
            found: dict[str, Any] = json.loads(stored)
            yield Entry(
                job=jobs.read(found["raw"]),
                raw=found["raw"],
                updated=datetime.fromisoformat(found["updated"]),
                paused=found["paused"],
                next_run=_moment(found["next_run"]),
                last_attempt=_moment(found["last_attempt"]),
                last_code=found["last_code"],
            )


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
