"""`down`: stop what `up` started."""

import argparse
import json
import os
import signal
import sys
import time

from emulators.laptop.cli import UserMistake, add_json
from emulators.laptop.processes import POLL_S
from emulators.laptop.stack import read_state, state_directory

TIMEOUT_S = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `down`."""
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Tell the running stack to stop, and wait until it has."""
    directory = state_directory()
    state = read_state(directory)
    if state is not None:
        os.kill(state["pid"], signal.SIGTERM)
    deadline_s = time.monotonic() + TIMEOUT_S
    while read_state(directory) is not None:
        if time.monotonic() > deadline_s:
            raise UserMistake(f"The stack did not stop within {TIMEOUT_S:g} s; see its logs.")
        time.sleep(POLL_S)
    stopped = state["pid"] if state else None
    if arguments.json:
        sys.stdout.write(json.dumps({"stopped_pid": stopped}) + "\n")
    else:
        sys.stdout.write(f"Stopped pid {stopped}.\n" if stopped else "Nothing ran here.\n")
    return 0
