"""The machine that a figure was measured on: without it a figure says nothing."""

import os
import platform
from functools import cache
from pathlib import Path


@cache
def machine() -> dict[str, str | int | float]:
    """Processor, cores, how busy they were, system and Python."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "load_1m": round(os.getloadavg()[0], 2),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def _processor() -> str:
    described = Path("/proc/cpuinfo")  # Linux alone has it
    if described.exists():
        for line in described.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
