"""SQL as it is written in this house: values are named in it, and bound when it runs.

A class of our own instead of SQLAlchemy's `text`, which is the same to read and costs every cold
start 0.1 s of import; migrations, which Alembic runs, use SQLAlchemy.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import count

PARAMETER = re.compile(r"(?<![:\w]):(\w+)(?!:)")  # not of a cast, `::`, nor of a time, `10:30`


class Statement:
    """One statement, whose parameters are written `:name`."""

    __slots__ = ("_names", "_numbered", "written")

    def __init__(self, written: str) -> None:
        self.written = written
        self._numbered: str | None = None  # most statements of a process never run
        self._names: tuple[str, ...] = ()

    @property
    def numbered(self) -> str:
        """The text that Postgres itself prepares: with `$1`, `$2`, … for the places of `names`."""
        if self._numbered is None:
            numbers = count(1)
            self._names = tuple(PARAMETER.findall(self.written))
            self._numbered = PARAMETER.sub(lambda _: f"${next(numbers)}", self.written)
        return self._numbered

    @property
    def names(self) -> tuple[str, ...]:
        """The parameter of each place, in order; one that is written twice has two."""
        return self._names if self.numbered else ()

    def bound(self, parameters: Mapping[str, object]) -> tuple[str, Sequence[object]]:
        """The statement as it is prepared, and a value for each of its places.

        Raises:
            KeyError: a parameter has no value.
        """
        sql = self.numbered
        return sql, [parameters[name] for name in self._names]


def text(written: str) -> Statement:
    """A statement; what it is made of are constants of the code, data travels as parameters."""
    return Statement(written)
