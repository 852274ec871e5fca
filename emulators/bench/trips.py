"""How often a process waits for Postgres."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from pg8000 import core


@contextmanager
def counted() -> Iterator[list[None]]:
    """A list that gets one longer with every packet that is sent in the block."""
    trips: list[None] = []
    flush = core._flush  # noqa: SLF001  every packet to Postgres goes through it

    def count(sock: object) -> None:
        trips.append(None)
        flush(sock)

    with patch.object(core, "_flush", count):
        yield trips
