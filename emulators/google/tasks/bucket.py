"""The token bucket that paces a queue."""


class TokenBucket:
    """Refills at `rate` tokens a second, which may be below one, up to `burst` tokens."""

    def __init__(self, rate: float, burst: int, now_s: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = float(burst)
        self._filled_at_s = now_s

    def wait_s(self, now_s: float) -> float:
        """How long until a token is there; 0 when one is."""
        self._refill(now_s)
        # A timer may ring a hair early; a thousandth of a token is not worth another one.
        return max(0.0, (0.999 - self._tokens) / self._rate)

    def take(self, now_s: float) -> None:
        self._refill(now_s)
        self._tokens -= 1

    def reshape(self, rate: float, burst: int, now_s: float) -> None:
        """Go on with another rate and burst, without a gift of tokens."""
        self._refill(now_s)
        self._rate, self._burst = rate, burst
        self._tokens = min(self._tokens, burst)

    def _refill(self, now_s: float) -> None:
        gained = max(0.0, now_s - self._filled_at_s) * self._rate
        self._tokens = min(float(self._burst), self._tokens + gained)
        self._filled_at_s = now_s
