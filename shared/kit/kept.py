"""Something that changes seldom, read anew by a process when what it keeps has become old."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

KEPT_FOR = timedelta(seconds=30)

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """A value of one process; several threads may read it anew at once, which does no harm."""

    def __init__(self) -> None:
        self._kept: tuple[datetime, Value] | None = None

    def get(self, now: datetime, read: Callable[[], Value]) -> Value:
        """The kept value, or a fresh one from `read` where it is older than `KEPT_FOR`."""
        kept = self._kept
        if kept is None or now - kept[0] >= KEPT_FOR:
            kept = self._kept = (now, read())
        return kept[1]
