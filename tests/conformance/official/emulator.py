"""Google's own Pub/Sub emulator, where this machine has one."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conformance.cloud import eventually

HOST = "127.0.0.1"
READY_WITHIN_S = 60
MISSING = (
    "NOT CHECKED AGAINST GOOGLE'S PUB/SUB EMULATOR, because there is none: set "
    "PUBSUB_EMULATOR_HOST, or have java and gcloud's component pubsub-emulator installed"
)


class Missing(Exception):
    """There is no emulator to be found."""


@contextmanager
def running() -> Iterator[str]:
    """The address of an emulator, which is started and stopped unless it runs already.

    Raises:
        Missing: none runs and none is installed.
    """
    address = os.environ.get("PUBSUB_EMULATOR_HOST")
    if address:
        yield address
        return
    port = _free_port()
    command = [_java(), "-jar", str(_jar()), f"--host={HOST}", f"--port={port}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: _listens(port), timeout_s=READY_WITHIN_S)
        yield f"{HOST}:{port}"
    finally:
        process.terminate()
        process.wait(timeout=READY_WITHIN_S)


def _java() -> str:
    java = shutil.which("java")
    if java is None:
        raise Missing
    return java


def _jar() -> Path:
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        raise Missing
    home = Path(gcloud).resolve().parent.parent
    jars = sorted(home.glob("platform/pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar"))
    if not jars:
        raise Missing
    return jars[-1]


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as server:
        return int(server.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex((HOST, port)) == 0
