"""When a message that was not acknowledged comes again."""

from dataclasses import dataclass

DEFAULT_MINIMUM_S = 10.0
DEFAULT_MAXIMUM_S = 600.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential back-off of each message by itself, both bounds in seconds."""

    minimum_s: float
    maximum_s: float

    def delay_s(self, failures: int) -> float:
        """The pause after the given number of failures, at least 1: doubled each time, bounded.

        Google documents the bounds but not the factor; two, without jitter, is our choice.
        """
        doublings = min(failures - 1, 32)  # 2^32 seconds are beyond any bound
        return float(min(self.maximum_s, self.minimum_s * 2**doublings))
