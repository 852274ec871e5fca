"""Chance that is the same on every machine, and time that passes only when it is told to."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random
from typing import TypeVar

T = TypeVar("T")

BEGINNING = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


class Chance:
    """Draws from one seed.

    Everything is made of `Random.random()`, the only method whose numbers Python promises to keep
    from version to version. Source: https://docs.python.org/3/library/random.html#notes-on-reproducibility
    """

    def __init__(self, seed: int) -> None:
        self._share = Random(seed).random  # noqa: S311  a script, not a secret

    def happens(self, share: float) -> bool:
        """True in this share of all cases."""
        return self._share() < share

    def below(self, limit: int) -> int:
        """A whole number from 0 to `limit` - 1."""
        return int(self._share() * limit)

    def between(self, low: float, high: float) -> float:
        """A number from `low` up to `high`."""
        return low + self._share() * (high - low)

    def pick(self, things: Sequence[T]) -> T:
        """One of these, each as likely as the others."""
        return things[self.below(len(things))]

    def weighted(self, weights: Mapping[T, float]) -> T:
        """One of the keys, as often as its weight says."""
        left = self._share() * sum(weights.values())
        for thing, weight in weights.items():  # noqa: B007  the last one, should rounding leave some
            left -= weight
            if left < 0:
                break
        return thing


class Numbers:
    """Fresh 128 bits from a seed; apart from `Chance`, so that a new id shifts no choice."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._count = 0

    def __call__(self) -> bytes:
        self._count += 1
        return sha256(f"{self._seed}:{self._count}".encode()).digest()[:16]


class VirtualClock:
    """Callable like any `Clock`. Two steps never share a moment."""

    def __init__(self) -> None:
        self.now = BEGINNING

    def __call__(self) -> datetime:
        """The moment that it is."""
        return self.now

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(milliseconds=1 + int(seconds * 1_000))

    def reach(self, moment: datetime) -> None:
        """Let time pass until `moment`, unless that is over already."""
        self.now = max(self.now, moment)
