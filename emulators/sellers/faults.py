"""Faults on order: the next n calls that change something, or others where that is said.

A fault that names a carrier hits purchases from that carrier alone.

| kind | what the caller sees |
|---|---|
| fail | HTTP 500, nothing was done |
| throttle | HTTP 429 with `Retry-After: retry_after_s`, nothing was done |
| slow | the work is done, and the answer comes `delay_s` later |
| garbage | HTTP 200 that is no JSON, nothing was done |
| lose_answer | the work is done, and the connection breaks |
| truncate | the work is done, and the connection breaks in the middle of the answer |
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from emulators.sellers.refusals import Words

KINDS = ("fail", "throttle", "slow", "garbage", "lose_answer", "truncate")

Answer = Callable[[], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One call that will go wrong."""

    kind: str
    on: str  # a call, or "any": one that changes something
    carrier: str | None  # only purchases from it; None: whatever the call
    delay_s: float
    retry_after_s: int


class Faults:
    """What is still to go wrong, in the order in which it was asked for."""

    def __init__(self, words: Words, *, changes: tuple[str, ...], others: tuple[str, ...]) -> None:
        """Args: changes: calls that "any" means. others: calls that a fault has to name."""
        self._words = words
        self._changes = changes
        self._calls = (*changes, *others)
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
        if on not in (*self._calls, "any"):
            raise ValueError(f"on must be one of {', '.join(self._calls)}, any")
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
            raise self._words.failed("Something went wrong.")
        if fault.kind == "throttle":
            return self._words.too_many().response({"Retry-After": str(fault.retry_after_s)})
        if fault.kind == "garbage":
            return web.Response(text="<html><body>It works!</body></html>")
        done = await answer()
        if fault.kind == "slow":
            await asyncio.sleep(fault.delay_s)
        elif fault.kind == "truncate":
            await _send_half(request, done)
        elif request.transport is not None:
            request.transport.abort()
        return done

    def _take(self, call: str, carrier: str | None) -> Fault | None:
        for fault in self._waiting:
            if fault.carrier is not None and fault.carrier != carrier:
                continue
            if fault.on == call or (fault.on == "any" and call in self._changes):
                self._waiting.remove(fault)
                return fault
        return None


async def _send_half(request: web.Request, answer: web.Response) -> None:
    body = answer.body if isinstance(answer.body, bytes) else b""
    if request.transport is not None:
        head = f"HTTP/1.1 {answer.status} OK\r\nContent-Type: {answer.content_type}\r\n"
        length = f"Content-Length: {len(body)}\r\n\r\n"
        request.transport.write(head.encode() + length.encode() + body[: len(body) // 2])
        request.transport.close()
