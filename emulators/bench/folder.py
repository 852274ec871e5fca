"""Where a benchmark keeps what it needs while it runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from emulators.laptop.stack import state_directory


@contextmanager
def own_folder() -> Iterator[Path]:
    """A folder for the length of the block."""
    home = state_directory()
    home.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="bench-", dir=home) as name:
        folder = Path(name)
        folder.chmod(0o755)  # Postgres is not root
        yield folder
