"""Where tests keep what they need for a moment: in memory, where there is room for it.

A database cluster is a thousand and more small files, and every stack has one of its own. On a disk
these cost more processor than all that a small test asks of the database.
"""

import os
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
NEEDED_BYTES = 4 << 30


def keep_in_memory() -> None:
    """Let temporary folders be made in memory, here and in processes that are started from here.

    Not where TMPDIR says otherwise, nor where memory is scarce or programs may not lie in it.
    """
    if "TMPDIR" not in os.environ and _has_room(MEMORY):
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None  # it may have been looked for already


def _has_room(folder: Path) -> bool:
    if not os.access(folder, os.W_OK | os.X_OK):
        return False
    found = os.statvfs(folder)
    is_free = found.f_bavail * found.f_frsize >= NEEDED_BYTES
    return is_free and not found.f_flag & os.ST_NOEXEC
