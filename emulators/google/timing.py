"""Small clocks of the event loop that several services share."""

import asyncio
from collections.abc import Callable


class Alarm:
    """Calls back once, at the earliest of the moments asked for."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._handle: asyncio.TimerHandle | None = None

    def within(self, delay_s: float) -> None:
        loop = asyncio.get_running_loop()
        if self._handle is not None:
            if self._handle.when() <= loop.time() + delay_s:
                return
            self._handle.cancel()
        self._handle = loop.call_later(delay_s, self._go_off)

    def cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _go_off(self) -> None:
        self._handle = None
        self._ring()


class Throttle:
    """A pause that doubles while trouble lasts, from `first_s` up to `limit_s`.

    Many requests may fail at once; those that were under way when the pause began do not
    lengthen it.
    """

    def __init__(self, first_s: float, limit_s: float) -> None:
        self._first_s = first_s
        self._limit_s = limit_s
        self._next_s = first_s
        self._until_s = 0.0

    def trip(self, now_s: float, at_least_s: float = 0.0) -> None:
        if now_s < self._until_s:
            return
        self._until_s = now_s + max(self._next_s, at_least_s)
        self._next_s = min(self._limit_s, self._next_s * 2)

    def clear(self) -> None:
        self._next_s = self._first_s

    def wait_s(self, now_s: float) -> float:
        return max(0.0, self._until_s - now_s)
