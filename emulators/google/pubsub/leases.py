"""Pull and StreamingPull: messages in the hands of subscribers until a deadline."""

import asyncio
import re
import secrets
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace

from emulators.google.pubsub import names
from emulators.google.pubsub.backlog import Entry
from emulators.google.pubsub.delivery import Delivery
from emulators.google.rpc import Refused, invalid

# A response takes no more messages once it weighs this much; with one of 10 MB on top it still
# fits into what gRPC is set to carry.
FULL_RESPONSE_BYTES = 2_000_000

_ACK_ID = re.compile(r"[^:]+:[0-9a-f]{8}:\d+")


@dataclass(frozen=True, slots=True, eq=False)
class Lease:
    """A message in the hands of a subscriber until its deadline."""

    ack_id: str
    entry: Entry
    timer: asyncio.TimerHandle
    stream: "Stream | None"


class Stream:
    """One open StreamingPull. A limit of 0 is none."""

    def __init__(self, max_messages: int, max_bytes: int, deadline_s: int) -> None:
        self.deadline_s = deadline_s
        self.ended: Refused | None = None
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._messages = 0
        self._bytes = 0
        self._unsent: deque[Lease] = deque()
        self._news = asyncio.Event()

    def has_room(self) -> bool:
        """Whether flow control lets one more message out."""
        return (self._max_messages <= 0 or self._messages < self._max_messages) and (
            self._max_bytes <= 0 or self._bytes < self._max_bytes
        )

    def lend(self, lease: Lease) -> None:
        self._messages += 1
        self._bytes += lease.entry.message.size_bytes
        self._unsent.append(lease)
        self._news.set()

    def come_back(self, lease: Lease) -> None:
        """The lease ended, one way or another."""
        self._messages -= 1
        self._bytes -= lease.entry.message.size_bytes
        if lease in self._unsent:
            self._unsent.remove(lease)

    def end(self, reason: Refused) -> None:
        self.ended = reason
        self._news.set()

    async def next(self) -> list[Lease]:
        """The leases of the next response.

        Raises:
            Refused: the subscription is no longer there to be pulled.
        """
        while not self._unsent:
            if self.ended is not None:
                raise self.ended
            self._news.clear()
            await self._news.wait()
        leases: list[Lease] = []
        size_bytes = 0
        while self._unsent and size_bytes < FULL_RESPONSE_BYTES:
            leases.append(self._unsent.popleft())
            size_bytes += leases[-1].entry.message.size_bytes
        return leases


def check_ack_ids(ack_ids: Iterable[str]) -> None:
    """Refuse what never was an id of a lease.

    Raises:
        Refused: INVALID_ARGUMENT.
    """
    for ack_id in ack_ids:
        if not _ACK_ID.fullmatch(ack_id):
            raise invalid(f"Invalid ack id (ack_id={ack_id}).")


class Leases:
    """Lends out what `delivery` owes, while it wants to be pulled.

    Streams take turns message by message, each as far as its flow control goes, so that several
    subscribers share the work. A pull gets what streams leave.
    """

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._leases: dict[str, Lease] = {}
        self._numbers = 0
        # An id of an earlier process must not end a lease of this one.
        self._prefix = f"{names.short(delivery.settings.name)}:{secrets.token_hex(4)}"
        self._pullers: list[asyncio.Future[None]] = []
        self._streams: deque[Stream] = deque()
        self._closed = False

    def advance(self) -> None:
        if self._delivery.settings.push is not None or self._closed:
            return
        stream = self._next_stream()
        while stream is not None:
            entry = self._delivery.take()
            if entry is None:
                return
            stream.lend(self._lease(entry, stream.deadline_s, stream))
            self._streams.rotate(-1)  # the others first, next time
            stream = self._next_stream()
        self._wake_pullers()

    def open(self, stream: Stream) -> None:
        self._streams.append(stream)
        self.advance()

    def leave(self, stream: Stream) -> None:
        """The stream is closed. What it holds stays leased until its deadline."""
        if stream in self._streams:
            self._streams.remove(stream)

    def end_streams(self, reason: Refused) -> None:
        for stream in self._streams:
            stream.end(reason)
        self._streams.clear()

    async def pull(self, limit: int, wait_s: float) -> list[Lease]:
        """Lease up to `limit` messages; waits up to `wait_s` for the first, then returns none."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        leases = self._lease_many(limit)
        while not leases and loop.time() < deadline and not self._closed:
            arrival: asyncio.Future[None] = loop.create_future()
            self._pullers.append(arrival)
            await asyncio.wait([arrival], timeout=deadline - loop.time())
            leases = self._lease_many(limit)
        return leases

    def acknowledge(self, ack_ids: Iterable[str]) -> list[str]:
        """Settle leases; returns the ids of those that ran out."""
        unknown = []
        for ack_id in ack_ids:
            lease = self._end(ack_id)
            if lease is None:
                unknown.append(ack_id)
            else:
                self._delivery.succeed(lease.entry)
        return unknown

    def extend(self, ack_id: str, deadline_s: int) -> bool:
        """Set a lease to end in `deadline_s` from now; 0 gives the message back at once.

        Returns whether there was such a lease.
        """
        lease = self._leases.get(ack_id)
        if lease is None:
            return False
        if deadline_s == 0:
            self._expire(ack_id)
        else:
            lease.timer.cancel()
            timer = asyncio.get_running_loop().call_later(deadline_s, self._expire, ack_id)
            self._leases[ack_id] = replace(lease, timer=timer)
        return True

    def revoke(self) -> None:
        """End every lease; what becomes of its message is decided elsewhere."""
        for ack_id in list(self._leases):
            self._end(ack_id)

    def close(self, reason: Refused) -> None:
        self._closed = True
        self.revoke()
        self.end_streams(reason)
        self._wake_pullers()

    def _next_stream(self) -> Stream | None:
        """The first one with room, at the head of the queue."""
        for _ in range(len(self._streams)):
            if self._streams[0].has_room():
                return self._streams[0]
            self._streams.rotate(-1)
        return None

    def _lease_many(self, limit: int) -> list[Lease]:
        leases: list[Lease] = []
        size_bytes = 0
        while len(leases) < limit and size_bytes < FULL_RESPONSE_BYTES and not self._closed:
            entry = self._delivery.take()
            if entry is None:
                break
            leases.append(self._lease(entry, self._delivery.settings.ack_deadline_s, None))
            size_bytes += entry.message.size_bytes
        return leases

    def _lease(self, entry: Entry, deadline_s: int, stream: Stream | None) -> Lease:
        self._numbers += 1
        ack_id = f"{self._prefix}:{self._numbers}"
        timer = asyncio.get_running_loop().call_later(deadline_s, self._expire, ack_id)
        lease = Lease(ack_id, entry, timer, stream)
        self._leases[ack_id] = lease
        return lease

    def _end(self, ack_id: str) -> Lease | None:
        lease = self._leases.pop(ack_id, None)
        if lease is not None:
            lease.timer.cancel()
            if lease.stream is not None:
                lease.stream.come_back(lease)
        return lease

    def _expire(self, ack_id: str) -> None:
        lease = self._end(ack_id)
        if lease is not None:
            self._delivery.fail(lease.entry)

    def _wake_pullers(self) -> None:
        for arrival in self._pullers:
            if not arrival.done():
                arrival.set_result(None)
        self._pullers.clear()
