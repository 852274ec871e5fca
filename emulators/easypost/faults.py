"""Faults on order: the next n calls that create, buy or refund, or look up when that is asked for.

A fault that names a carrier hits purchases from that carrier alone.

| kind | what the caller sees |
|---|---|
| fail | HTTP 500, nothing was done |
| throttle | HTTP 429 with `Retry-After: retry_after_s`, nothing was done |
| slow | the work is done, and the answer comes `delay_s` later |
| garbage | HTTP 200 that is no JSON, nothing was done |
| lose_answer | the work is done, and the connection breaks |
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from emulators.easypost.errors import Refusal

KINDS = ("fail", "throttle", "slow", "garbage", "lose_answer")
CALLS = ("create", "buy", "refund", "find")

Answer = Callable[[], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One call that will go wrong."""

    kind: str
    on: str  # one of CALLS, or "any": all but find
    carrier: str | None  # only purchases from it; None: whatever the call
    delay_s: float
    retry_after_s: int


class Faults:
    """What is still to go wrong, in the order in which it was asked for."""

    def __init__(self) -> None:
        self._waiting: deque[Fault] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def order(self, wanted: Any) -> None:
        """Take the body of POST /control/faults; a kind of null takes all faults back.

        Raises:
            ValueError: it is not one of the table, with the sentence to answer.
        """
        if not isinstance(wanted, dict):
            raise ValueError("a fault is a JSON object with a kind")  # noqa: TRY004
        kind, on = wanted.get("kind"), wanted.get("on", "any")
        if kind is None:
            self._waiting.clear()
            return
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, or null")
        if on not in (*CALLS, "any"):
            raise ValueError(f"on must be one of {', '.join(CALLS)}, any")
        carrier = wanted.get("carrier")
        if carrier is not None and (on != "buy" or not isinstance(carrier, str)):
            raise ValueError("a carrier is a name, and of a fault on buy alone")
        fault = Fault(
            kind,
            on,
            carrier,
            float(wanted.get("delay_s", 1.0)),
            int(wanted.get("retry_after_s", 1)),
        )
        self._waiting.extend([fault] * int(wanted.get("next", 1)))

    async def apply(
        self, call: str, request: web.Request, answer: Answer, carrier: str | None = None
    ) -> web.StreamResponse:
        """The answer, or what the next fault for this call, and this carrier, makes of it."""
        fault = self._take(call, carrier)
        if fault is None:
            return await answer()
        if fault.kind == "fail":
            raise Refusal(500, "INTERNAL_SERVER_ERROR", "Something went wrong.")
        if fault.kind == "throttle":
            refusal = Refusal(429, "RATE_LIMITED", "You are making too many requests.")
            return refusal.response({"Retry-After": str(fault.retry_after_s)})
        if fault.kind == "garbage":
            return web.Response(text="<html><body>It works!</body></html>")
        done = await answer()
        if fault.kind == "slow":
            await asyncio.sleep(fault.delay_s)
        elif request.transport is not None:
            request.transport.abort()
        return done

    def _take(self, call: str, carrier: str | None) -> Fault | None:
        for fault in self._waiting:
            if fault.carrier is not None and fault.carrier != carrier:
                continue
            if fault.on == call or (fault.on == "any" and call != "find"):
                self._waiting.remove(fault)
                return fault
        return None
