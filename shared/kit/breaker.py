"""When somebody who does not answer is called no more, and when they are tried again. Pure.

They are carriers, and subscribers to webhooks.

    closed      all may call
    open        nobody calls, until the pause is over
    half-open   one may call, the probe: it closes the breaker, or opens it for twice as long

Failures are counted in a row, not as a share of the last calls: it needs no window, and one answer
shows that they work. Who fails half of the time is found out after 62 calls on average, who fails
nine times out of ten after 7, who fails once in ten after 111,110, which is what retries are for.
Source: the mean waiting time for a run of r failures of probability p is
(1 - p^r) / (p^r (1 - p)); Feller, An Introduction to Probability Theory, XIII.7.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# Fewer would open for the retries of a single call; more would let all that run at once fail first.
OPENS_AFTER = 5
FIRST_PAUSE = timedelta(seconds=30)  # a restart is over by then
# As long as the longest back-off of label queues: a carrier that is back is found by the next try.
LONGEST_PAUSE = timedelta(minutes=5)
PROBE_LEASE = timedelta(seconds=90)  # longer than a function may run, so the prober is dead


class BreakerState(StrEnum):
    """Who may call."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Breaker:
    """What is known of the last calls.

    Attributes:
        failures: in a row; those beyond `OPENS_AFTER` are probes.
        failed_at: the last of them; None where there never was one.
        quiet_until: how long they asked to be left alone, with that failure.
        since: when it last opened or closed; None where it never has.
        probe_until: the lease of the probe that is under way; None where none is.
    """

    failures: int = 0
    failed_at: datetime | None = None
    quiet_until: datetime | None = None
    since: datetime | None = None
    probe_until: datetime | None = None

    @property
    def next_probe_at(self) -> datetime | None:
        """From when on one may try again; None while it is closed."""
        if self.failures < OPENS_AFTER or self.failed_at is None:
            return None
        probe_at = self.failed_at + pause(self.failures)
        if self.quiet_until is not None:
            # However long they ask for: they may be back earlier, and one call is no storm.
            probe_at = max(probe_at, min(self.quiet_until, self.failed_at + LONGEST_PAUSE))
        return max(probe_at, self.probe_until or probe_at)

    def state(self, now: datetime) -> BreakerState:
        """Who may call at this moment."""
        probe_at = self.next_probe_at
        if probe_at is None:
            return BreakerState.CLOSED
        is_probed = self.probe_until is not None and now < self.probe_until
        return BreakerState.HALF_OPEN if is_probed or probe_at <= now else BreakerState.OPEN

    def may_probe(self, now: datetime) -> bool:
        """Whether a call may be the probe: the pause is over, and no other probe is under way."""
        probe_at = self.next_probe_at
        return probe_at is not None and probe_at <= now


def seconds_until(moment: datetime | None, now: datetime) -> int:
    """Whole seconds until then, at least one as long as it is to come; 0: it is over, or never."""
    return 0 if moment is None or moment <= now else math.ceil((moment - now).total_seconds())


def pause(failures: int) -> timedelta:
    """How long nobody calls after so many failures in a row: doubled by each failed probe."""
    doublings = max(0, failures - OPENS_AFTER)
    # Beyond a dozen doublings the limit has long been reached, and numbers stay small.
    return min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(doublings, 12)))
