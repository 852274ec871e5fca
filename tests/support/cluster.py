"""A Postgres cluster that is made once a process and copied where a test wants one of its own.

Its database `dispatch` is migrated.
"""

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from emulators.laptop import postgres
from shared.platform.migrate import migrate
from tests.support.database import settings


def lay_out(directory: Path) -> None:
    """Put into `directory` what a first start makes there, in a fraction of its time."""
    directory.mkdir(parents=True, exist_ok=True)
    # With owners and modes: the server refuses a folder that others may enter.
    subprocess.run(["cp", "-a", _made(), directory / "postgres"], check=True)


def remove() -> None:
    """Leave nothing behind; to be called when the last test is over."""
    if _folder.cache_info().currsize:
        shutil.rmtree(_folder())


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="dispatch-cluster-")).resolve()
    folder.chmod(0o755)
    return folder


@cache
def _made() -> Path:
    with postgres.start(_folder() / "postgres", durable=False) as server:
        migrate(settings(server.url))
        return server.home.folder
