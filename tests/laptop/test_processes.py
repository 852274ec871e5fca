"""Programs are started beside whatever else the process does."""

import subprocess
import sys

from emulators.laptop.stack import ROOT

# As Postgres is started by root: a fork, and not what is quicker where nothing is done in between.
STARTING = """
import os, subprocess, threading
from concurrent.futures import ThreadPoolExecutor
from emulators.laptop import processes
import grpc

server = grpc.server(ThreadPoolExecutor(2))
port = server.add_insecure_port("127.0.0.1:0")
server.start()
call = grpc.insecure_channel(f"127.0.0.1:{port}").unary_unary("/nothing/there")

def ask():
    while True:
        try:
            call(b"", timeout=5, wait_for_ready=True)
        except grpc.RpcError:
            asked.set()

asked = threading.Event()
threading.Thread(target=ask, daemon=True).start()
asked.wait()
print([subprocess.run(["true"], preexec_fn=lambda: None).returncode for _ in range(60)])
os._exit(0)
"""


def test_a_program_starts_while_grpc_is_busy() -> None:
    # Goal: no start of Postgres dies between fork and exec; one in seven did.
    ended = subprocess.run(
        [sys.executable, "-u", "-c", STARTING],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert ended.stdout.strip() == str([0] * 60)
