"""A clock for tests."""

from datetime import UTC, datetime, timedelta


class TestClock:
    """Stands still until it is moved; callable like any `Clock`."""

    __test__ = False

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The moment it was set to."""
        return self.now

    def advance(self, **units: float) -> None:
        """Let time pass: `advance(minutes=5)`."""
        self.now += timedelta(**units)
