"""How many pushes of a subscription may be under way at once."""

LIMIT = 64
FIRST = 4  # production begins with "a small single-digit" window


class Window:
    """Begins at the limit; with `slow_start` small, and then every success adds one to it.

    One more per success doubles the window with each round of pushes, which is the exponential
    growth that Google documents; halving on failure is our choice.

    Source: https://cloud.google.com/pubsub/docs/push, "Manage message delivery rate"
    """

    def __init__(self, *, slow_start: bool) -> None:
        self._slow_start = slow_start
        self.size = FIRST if slow_start else LIMIT

    def grow(self) -> None:
        self.size = min(LIMIT, self.size + 1)

    def shrink(self) -> None:
        if self._slow_start:
            self.size = max(1, self.size // 2)
