"""Statements of lists with only the conditions that were asked for, so that each has its own plan.

Plans are made for any parameters: a condition that may be off would keep an index from being used.
"""

from collections.abc import Iterable
from functools import lru_cache

from shared.platform.sql import Statement, text

PLACE = "{conditions}"  # where they come in


def narrowed(statement: str, conditions: Iterable[str]) -> Statement:
    """The statement with these conditions; both are constants, what was asked are parameters."""
    return _narrowed(statement, tuple(conditions))


@lru_cache(maxsize=512)
def _narrowed(statement: str, conditions: tuple[str, ...]) -> Statement:
    return text(statement.replace(PLACE, " AND ".join(conditions) or "true"))
