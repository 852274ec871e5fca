"""Commands of the laptop, as a person types them: each in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from emulators.laptop.stack import ROOT

TIMEOUT_S = 90


def typed(home: Path, *words: str) -> tuple[int, str, str]:
    """Exit code, output and errors of a command about the stack that keeps its state in `home`."""
    ran = subprocess.run(
        [sys.executable, "-m", "emulators", *words],
        cwd=ROOT,
        env={**os.environ, "DISPATCH_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return ran.returncode, ran.stdout, ran.stderr


def said(home: Path, *words: str) -> Any:
    """What a command that succeeds says to programs."""
    code, out, err = typed(home, *words, "--json")
    assert code == 0, err
    return json.loads(out)
