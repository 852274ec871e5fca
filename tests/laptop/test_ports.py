"""Who starts at the same moment does not choose the same port."""

import socket
import subprocess
import sys

from emulators.laptop.processes import choose_port
from emulators.laptop.stack import ROOT

CHOOSES = """
import sys
from emulators.laptop.processes import choose_port
print(choose_port(None, int(sys.argv[1]), "a test"), flush=True)
sys.stdin.read()
"""


def test_a_port_that_another_stack_has_chosen_is_left_to_it_until_it_ends() -> None:
    # Goal: nobody listens there yet, and it is taken all the same.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    other = subprocess.Popen(
        [sys.executable, "-c", CHOOSES, str(port)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == f"{port}\n"
        assert choose_port(None, port, "a test") != port

    assert choose_port(None, port, "a test") == port
    assert choose_port(None, port, "a test") == port  # a stack that is started again
