"""`fault` on a stack that `up` runs, typed as a person would."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from emulators.laptop.stack import ROOT
from tests.journeys.stage import open_directory
from tests.support.cluster import lay_out
from tests.support.terminal import said, typed


@contextmanager
def _up(directory: Path, *words: str) -> Iterator["subprocess.Popen[str]"]:
    lay_out(directory)
    with subprocess.Popen(
        [sys.executable, "-m", "emulators", "up", "--json", *words],
        cwd=ROOT,
        env={**os.environ, "DISPATCH_HOME": str(directory)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            running.terminate()
            running.communicate(timeout=60)


def _json(directory: Path, *words: str) -> Any:
    return said(directory, "fault", *words)


def test_faults_are_ordered_listed_cleared_and_processes_come_back() -> None:
    with open_directory() as directory:
        code, _, err = typed(directory, "fault", "list")
        assert (code, "Nothing runs here" in err) == (1, True)
        with _up(directory, "--orders-per-minute", "0") as up:
            assert up.stdout is not None
            json.loads(up.stdout.readline())

            ordered = _json(directory, "fail", "order_intake", "--next", "3", "--status", "429")
            assert ordered["waiting"] == [
                {
                    "kind": "fail",
                    "target": "order_intake",
                    "left": 3,
                    "status": 429,
                    "delay_s": 0.0,
                }
            ]
            assert _json(directory, "pause", "easypost")["paused"] == ["easypost"]
            assert _json(directory, "resume", "easypost")["paused"] == []
            # Whoever stands still cannot say so; it can be told to go on all the same.
            assert _json(directory, "pause", "google")["paused"] == ["google"]
            assert _json(directory, "resume", "google")["paused"] == []
            _json(directory, "pause", "labels-jadlog")
            code, out, _ = typed(directory, "fault", "list")
            assert (code, "order_intake" in out, "labels-jadlog" in out) == (0, True, True)
            cleared = _json(directory, "clear")
            assert (cleared["waiting"], cleared["paused"]) == ([], [])

            killed = _json(directory, "kill", "google")
            assert killed["new_pid"] != killed["old_pid"]
            restarted = _json(directory, "restart-database", "immediate")
            assert restarted["new_pid"] != restarted["old_pid"]
            # The stand-ins came back with all that they knew.
            targets = _json(directory, "list")["targets"]
            assert "order_intake.orders" in targets["subscription"]
            assert "labels-jadlog" in targets["queue"]

            code, _, err = typed(directory, "fault", "fail", "nobody")
            assert code == 1
            assert "order_intake.orders" in err
            code, _, err = typed(directory, "fault", "kill", "nobody")
            assert (code, "google" in err) == (1, True)
            code, _, err = typed(directory, "fault", "restart-database", "slow")
            assert (code, "fast" in err) == (2, True)


def test_up_with_chaos_says_what_it_does() -> None:
    with open_directory() as directory, _up(directory, "--chaos", "3") as up:
        assert up.stderr is not None
        told = iter(up.stderr.readline, "")

        assert any("chaos begins, with seed 3" in line for line in told)
        assert any("chaos: " in line for line in told)
