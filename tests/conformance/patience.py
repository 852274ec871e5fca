"""How long a test waits for what is to come, and how much less for what is known not to come."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

_most_s = [math.inf]


def at_most(timeout_s: float) -> float:
    """The time to wait where `timeout_s` would do otherwise."""
    return min(timeout_s, _most_s[-1])


@contextmanager
def limited(most_s: float) -> Iterator[None]:
    """Nothing in the block is waited for any longer than this."""
    _most_s.append(most_s)
    try:
        yield
    finally:
        _most_s.pop()
