"""What the laptop's tests share."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest


@pytest.fixture
def directory() -> Iterator[Path]:
    """A folder that every account may enter, unlike pytest's own: Postgres is not root."""
    with TemporaryDirectory(prefix="dispatch-test-") as name:
        path = Path(name).resolve()
        path.chmod(0o755)
        yield path


def wait_until(true: Callable[[], object], what: str, timeout_s: float = 60.0) -> None:
    """Wait for a condition; a test fails with `what` when it does not come about."""
    deadline_s = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline_s, f"waited {timeout_s:g} s in vain: {what}"
        time.sleep(0.01)


def runs(pid: int) -> bool:
    """Whether a process is there and not merely waiting to be collected by its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
