"""Webhooks out: signed, sent by a few workers, and repeated until they are taken."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import aiohttp

from emulators.sellers.ledger import Ledger

WORKERS = 48
TIMEOUT_S = 7.0
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 10.0
MAX_ATTEMPTS = 20


@dataclass(slots=True)
class _Letter:
    letter_id: str
    body: bytes
    attempts: int = 0


class Hooks:
    """Sends events to one address. Use it as an async context manager.

    What an earlier process left in the ledger is sent first. `sign` gives the headers that prove
    who sends a body now.
    """

    def __init__(
        self, url: str, sign: Callable[[bytes], Mapping[str, str]], ledger: Ledger
    ) -> None:
        self.sent = 0  # taken with a 2xx
        self.refused = 0  # answered otherwise, or not at all
        self.retried = 0
        self.given_up = 0
        self.pending = 0  # neither taken nor given up
        self._url = url
        self._ledger = ledger
        self._sign = sign
        self._queue: asyncio.Queue[_Letter] = asyncio.Queue()
        self._session: aiohttp.ClientSession | None = None
        self._workers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=WORKERS),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
        )
        self._workers = [asyncio.create_task(self._work(self._session)) for _ in range(WORKERS)]
        for letter_id, body in self._ledger.letters():
            self._post(letter_id, body, 0.0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def send(self, event: dict[str, Any], times: int = 1, delay_s: float = 0.0) -> None:
        """Queue the event as it is now, `times` times, after `delay_s`."""
        body = json.dumps(event, separators=(",", ":")).encode()
        for _ in range(times):
            letter_id = uuid4().hex
            self._ledger.keep_letter(letter_id, body)
            self._post(letter_id, body, delay_s)

    def _post(self, letter_id: str, body: bytes, delay_s: float) -> None:
        self.pending += 1
        self._put_later(_Letter(letter_id, body), delay_s)

    async def _work(self, session: aiohttp.ClientSession) -> None:
        while True:
            letter = await self._queue.get()
            if await self._deliver(session, letter):
                self.sent += 1
                self._be_done_with(letter)
            else:
                self._repeat_later(letter)

    async def _deliver(self, session: aiohttp.ClientSession, letter: _Letter) -> bool:
        letter.attempts += 1
        headers = {"Content-Type": "application/json", **self._sign(letter.body)}
        try:
            async with session.post(self._url, data=letter.body, headers=headers) as answer:
                await answer.read()
                return 200 <= answer.status < 300
        except (aiohttp.ClientError, TimeoutError):
            return False

    def _repeat_later(self, letter: _Letter) -> None:
        self.refused += 1
        if letter.attempts >= MAX_ATTEMPTS:
            self.given_up += 1
            self._be_done_with(letter)
            return
        self.retried += 1
        pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (letter.attempts - 1))
        self._put_later(letter, pause_s)

    def _be_done_with(self, letter: _Letter) -> None:
        self.pending -= 1
        self._ledger.drop_letter(letter.letter_id)

    def _put_later(self, letter: _Letter, pause_s: float) -> None:
        if pause_s:
            asyncio.get_running_loop().call_later(pause_s, self._queue.put_nowait, letter)
        else:
            self._queue.put_nowait(letter)
