"""When functions are started by the clock, read from the manifests with the standard library.

The manifests write a job's schedule in one line; a test holds this reader to the real one.
"""

import re
from pathlib import Path

_SCHEDULE = re.compile(r'schedule: "([^"]+)"')


def schedules(functions: Path) -> list[str]:
    """The cron expression of every job."""
    return [
        found
        for path in sorted(functions.glob("*/function.yaml"))
        for found in _SCHEDULE.findall(path.read_text())
    ]
