"""A benchmark as a person runs it, small."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

FIGURE_KEYS = {"what", "value", "unit", "floor", "ratio", "goal", "met"}  # those of DESIGN.md


def quick_run(name: str, directory: Path, *words: str, timeout_s: int) -> dict[str, Any]:
    """What a quick run of the benchmark says; it found nothing wrong, and leaves nothing."""
    ran = subprocess.run(
        [sys.executable, "-m", "emulators", "bench", name, "--quick", "--json", *words],
        env={**os.environ, "DISPATCH_HOME": str(directory)},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr + ran.stdout[-2_000:]
    found: dict[str, Any] = json.loads(ran.stdout)
    assert found["benchmark"] == name
    assert found["faults"] == []
    assert found["machine"]["cores"] >= 1
    assert all(figure.keys() >= FIGURE_KEYS for figure in found["figures"])
    assert [entry.name for entry in directory.iterdir() if entry.name.startswith("bench-")] == []
    return found
