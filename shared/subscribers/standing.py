"""How calls to a subscriber go, and what follows from it. Pure.

One that does not answer must not hold up the others, who share a queue and the functions behind
it. So few calls to one subscriber are under way at once, and after some failures in a row it is
called by one probe at a time, ever more rarely (kit/breaker.py). Who fails for days is disabled.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.kit.breaker import OPENS_AFTER, Breaker, BreakerState

MOST_AT_ONCE = 8  # a quarter of what the queue lets run
# Longer than a weekend and the day after it, and so often that it is no single event's fault.
DISABLED_AFTER = timedelta(days=5)
DISABLED_AFTER_FAILURES = 20


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of the last calls.

    Attributes:
        failures: in a row.
        failed_at: the last of them; None where there is none.
        failing_since: the first of them; None where there is none.
    """

    failures: int = 0
    failed_at: datetime | None = None
    failing_since: datetime | None = None

    @property
    def breaker(self) -> Breaker:
        """Whether it is called, as the rule of breakers has it."""
        return Breaker(self.failures, self.failed_at)

    def is_paused(self, now: datetime, under_way: int) -> bool:
        """Whether it is left alone now: the pause is not over, or the probe is under way."""
        state = self.breaker.state(now)
        return state is BreakerState.OPEN or (state is BreakerState.HALF_OPEN and under_way > 0)

    def after_failure(self, now: datetime, started_at: datetime) -> "Standing":
        """One more. What had begun before the breaker opened has nothing to add to it."""
        opened = self.failures >= OPENS_AFTER and self.failed_at is not None
        if opened and self.failed_at is not None and started_at <= self.failed_at:
            return self
        return replace(
            self,
            failures=self.failures + 1,
            failed_at=now,
            failing_since=self.failing_since or started_at,
        )

    def is_hopeless(self, now: datetime) -> bool:
        """Whether it has failed for so long that it is called no more."""
        if self.failing_since is None:
            return False
        lasts = now - self.failing_since
        return self.failures >= DISABLED_AFTER_FAILURES and lasts >= DISABLED_AFTER
