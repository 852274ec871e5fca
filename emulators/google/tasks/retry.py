"""When a failed task is tried again, and when it is given up."""

from dataclasses import dataclass

from emulators.google import backoff

UNLIMITED = -1


@dataclass(frozen=True, slots=True)
class Retry:
    """A RetryConfig in seconds; `max_attempts` may be UNLIMITED, `max_duration_s` 0 for no end."""

    max_attempts: int
    max_duration_s: float
    min_backoff_s: float
    max_backoff_s: float
    max_doublings: int

    def delay_s(self, failures: int) -> float:
        return backoff.delay_s(failures, self.min_backoff_s, self.max_backoff_s, self.max_doublings)

    def is_over(self, attempts: int, elapsed_s: float) -> bool:
        """Whether a task that failed `attempts` times, first tried `elapsed_s` ago, is given up.

        Where both limits are set, both must be reached.
        """
        out_of_attempts = self.max_attempts != UNLIMITED and attempts >= self.max_attempts
        if self.max_duration_s == 0:
            return out_of_attempts
        out_of_time = elapsed_s >= self.max_duration_s
        return out_of_time and (out_of_attempts or self.max_attempts == UNLIMITED)
