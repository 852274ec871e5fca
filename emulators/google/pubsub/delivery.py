"""One subscription at work: pushes or leases its backlog until every message is settled."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from emulators.google.outbound import Outbound
from emulators.google.pubsub import names
from emulators.google.pubsub.backlog import Backlog, Entry
from emulators.google.pubsub.messages import Message, push_body
from emulators.google.pubsub.settings import Push, Settings
from emulators.google.timing import Alarm, Throttle
from emulators.google.tokens import TokenIssuer

# 102 acknowledges in production, too; as an interim answer it never reaches us through aiohttp,
# which waits for the final one.
ACKNOWLEDGING = frozenset({200, 201, 202, 204})
PUSH_WINDOW = 64  # pushes under way at once, per subscription

# Production slows the pushes of a whole subscription that keeps failing, between 100 ms and
# 60 s, unless a retry policy spaces out each message by itself. How many failures it tolerates
# is not documented.
PUSH_BACKOFF_FIRST_S = 0.1
PUSH_BACKOFF_LIMIT_S = 60.0
FAILURES_TOLERATED = 10

Forward = Callable[[str, Message], bool]


@dataclass(frozen=True, slots=True)
class Lease:
    """A message in the hands of a puller until its deadline."""

    ack_id: str
    entry: Entry
    timer: asyncio.TimerHandle


@dataclass(frozen=True, slots=True)
class Outside:
    """What deliveries need of the process around them.

    `forward` publishes a message to a topic by name, and says whether the topic exists.
    """

    outbound: Outbound
    tokens: TokenIssuer
    forward: Forward


class Delivery:
    """`settings` may be replaced at any time through `configure`; ordering stays as created."""

    def __init__(self, settings: Settings, outside: Outside) -> None:
        self.settings = settings
        self.delivered = 0
        self.failed = 0
        self.dead_lettered = 0
        self.backlog = Backlog(ordered=settings.ordered)
        self._outside = outside
        self._pushes: set[asyncio.Task[None]] = set()
        self._leases: dict[str, Lease] = {}
        self._lease_numbers = 0
        self._pullers: list[asyncio.Future[None]] = []
        self._throttle = Throttle(PUSH_BACKOFF_FIRST_S, PUSH_BACKOFF_LIMIT_S)
        self._failures_in_a_row = 0
        self._alarm = Alarm(self._advance)
        self._closed = False

    def offer(self, message: Message) -> None:
        """Owe the message, unless the filter drops it, which counts as acknowledged."""
        if self.settings.matches(message.attributes):
            self.backlog.add(message)
            self._advance()

    def configure(self, settings: Settings) -> None:
        self.settings = settings
        self._failures_in_a_row = 0
        self._throttle = Throttle(PUSH_BACKOFF_FIRST_S, PUSH_BACKOFF_LIMIT_S)
        self._advance()

    def oldest_age_s(self) -> float:
        oldest = self.backlog.oldest()
        if oldest is None:
            return 0.0
        return (datetime.now(UTC) - oldest.published_at).total_seconds()

    async def pull(self, limit: int, wait_s: float) -> list[Lease]:
        """Lease up to `limit` messages; waits up to `wait_s` for the first, then returns none."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        leases = self._lease(limit)
        while not leases and loop.time() < deadline and not self._closed:
            arrival: asyncio.Future[None] = loop.create_future()
            self._pullers.append(arrival)
            await asyncio.wait([arrival], timeout=deadline - loop.time())
            leases = self._lease(limit)
        return leases

    def acknowledge(self, ack_id: str) -> None:
        """Settle a lease; one that ran out or never was is ignored, as in production."""
        lease = self._leases.pop(ack_id, None)
        if lease is not None:
            lease.timer.cancel()
            self._succeed(lease.entry)

    def extend(self, ack_id: str, deadline_s: int) -> None:
        """Set a lease to end in `deadline_s` from now; 0 gives the message back at once."""
        lease = self._leases.get(ack_id)
        if lease is None:
            return
        lease.timer.cancel()
        if deadline_s == 0:
            self._expire(ack_id)
        else:
            timer = asyncio.get_running_loop().call_later(deadline_s, self._expire, ack_id)
            self._leases[ack_id] = replace(lease, timer=timer)

    def close(self) -> None:
        self._closed = True
        self._alarm.cancel()
        for push in self._pushes:
            push.cancel()
        for lease in self._leases.values():
            lease.timer.cancel()
        self._wake_pullers()

    def _advance(self) -> None:
        if self._closed:
            return
        push = self.settings.push
        if push is None:
            self._wake_pullers()
            return
        loop = asyncio.get_running_loop()
        wait_s = self._throttle.wait_s(loop.time())
        if wait_s > 0:
            self._alarm.within(wait_s)
            return
        while len(self._pushes) < PUSH_WINDOW:
            entry = self.backlog.take()
            if entry is None:
                return
            task = loop.create_task(self._push(entry, push))
            self._pushes.add(task)
            task.add_done_callback(self._pushed)

    def _pushed(self, task: asyncio.Task[None]) -> None:
        self._pushes.discard(task)
        self._advance()

    async def _push(self, entry: Entry, push: Push) -> None:
        settings = self.settings
        attempt = entry.attempts if settings.dead_letter else None
        headers = {"Content-Type": "application/json", "User-Agent": "CloudPubSub-Google"}
        if push.account:
            headers["Authorization"] = self._outside.tokens.bearer(push.account, push.audience)
        body = push_body(entry.message, settings.name, attempt)
        answer = await self._outside.outbound.send(
            "POST", push.endpoint, headers, body, timeout_s=settings.ack_deadline_s
        )
        if answer.status in ACKNOWLEDGING:
            self._failures_in_a_row = 0
            self._throttle.clear()
            self._succeed(entry)
            return
        self._failures_in_a_row += 1
        if self.settings.retry is None and self._failures_in_a_row > FAILURES_TOLERATED:
            self._throttle.trip(asyncio.get_running_loop().time())
        self._fail(entry)

    def _succeed(self, entry: Entry) -> None:
        self.delivered += 1
        self.backlog.settle(entry)
        self._advance()

    def _fail(self, entry: Entry) -> None:
        self.failed += 1
        letter = self.settings.dead_letter
        if letter is not None and entry.attempts >= letter.max_attempts:
            dead = _dead_message(entry, self.settings.name)
            if self._outside.forward(letter.topic, dead):
                self._bury(entry)
                return
        self._return(entry)

    def _bury(self, entry: Entry) -> None:
        self.dead_lettered += 1
        self.backlog.settle(entry)
        self._advance()

    def _return(self, entry: Entry) -> None:
        self.backlog.give_back()
        retry = self.settings.retry
        delay_s = retry.delay_s(entry.attempts) if retry else 0.0
        asyncio.get_running_loop().call_later(delay_s, self._retry, entry)

    def _retry(self, entry: Entry) -> None:
        self.backlog.retry(entry)
        self._advance()

    def _lease(self, limit: int) -> list[Lease]:
        if self._closed:
            return []
        loop = asyncio.get_running_loop()
        leases: list[Lease] = []
        while len(leases) < limit:
            entry = self.backlog.take()
            if entry is None:
                break
            self._lease_numbers += 1
            ack_id = f"{names.short(self.settings.name)}:{self._lease_numbers}"
            timer = loop.call_later(self.settings.ack_deadline_s, self._expire, ack_id)
            leases.append(Lease(ack_id, entry, timer))
            self._leases[ack_id] = leases[-1]
        return leases

    def _expire(self, ack_id: str) -> None:
        self._fail(self._leases.pop(ack_id).entry)

    def _wake_pullers(self) -> None:
        for arrival in self._pullers:
            if not arrival.done():
                arrival.set_result(None)
        self._pullers.clear()


def _dead_message(entry: Entry, subscription: str) -> Message:
    """The message as it arrives at the dead-letter topic, with Google's four attributes."""
    source = entry.message
    published = source.published_at.astimezone(UTC).isoformat(timespec="milliseconds")
    prefix = "CloudPubSubDeadLetterSource"
    attributes = {
        **source.attributes,
        f"{prefix}DeliveryCount": str(entry.attempts),
        f"{prefix}Subscription": names.short(subscription),
        f"{prefix}SubscriptionProject": names.project_of(subscription),
        f"{prefix}TopicPublishTime": published,
    }
    return replace(source, attributes=attributes)
