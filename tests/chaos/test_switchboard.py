"""What the switchboard says of a process that stands still."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from emulators.chaos.switchboard import GOOGLE, Switchboard

NOBODY = "127.0.0.1:1"  # whoever asks the stand-ins there gets no answer


@pytest.fixture
def pid() -> Iterator[int]:
    busy = [sys.executable, "-c", "while True: pass"]
    with subprocess.Popen(busy, start_new_session=True) as process:
        yield process.pid
        process.kill()


def test_stand_ins_that_were_told_to_stand_still_are_asked_nothing(pid: int) -> None:
    # Goal: `fault pause google` shows what is paused, and does not wait for who cannot answer.
    switchboard = Switchboard(NOBODY, lambda: {GOOGLE: pid})

    switchboard.pause(GOOGLE)

    assert switchboard.state()["paused"] == [GOOGLE]
    switchboard.resume(GOOGLE)
