"""Topics, queues and webhooks in memory, under full control: what is owed to whom, and when.

Real: fan-out to subscriptions with their filters, order per key where a subscription asks for it,
back-off between attempts, the dead-letter topic after the last one, task names that are used once.
"""

import heapq
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Literal

from emulators.google.pubsub.filters import Predicate
from emulators.google.pubsub.filters import parse as parse_filter
from emulators.laptop.manifest import (
    DEAD_LETTER_TOPIC,
    Manifest,
    PubsubTrigger,
    TasksTrigger,
    subscription_name,
)
from emulators.simulation.chance import Chance, VirtualClock
from emulators.simulation.faults import Fault, Faults, Moment
from shared.platform.outbox import Outgoing

DUPLICATE_WITHIN_S = 300.0
DELAY_WITHIN_S = 600.0
HOOK_RETRY_S = 30

Kind = Literal["pubsub", "tasks", "hook"]


@dataclass(frozen=True, slots=True)
class Message:
    """A message or a task. `message_id` is the broker's own; a task's is its name."""

    message_id: str
    key: str
    attributes: Mapping[str, str]
    data: bytes


@dataclass(slots=True)
class Source:
    """A subscription, a queue or a vendor's webhook: where a function's calls come from."""

    name: str
    function: str
    kind: Kind
    min_backoff_s: int
    max_backoff_s: int
    max_attempts: int | None
    ordered: bool = False
    wants: Predicate = lambda _attributes: True
    path: str = "/"
    ready: deque["Delivery"] = field(default_factory=deque)
    lanes: dict[str, deque["Delivery"]] = field(default_factory=dict)


@dataclass(slots=True)
class Delivery:
    """One message on its way to one function. A copy stands outside of its lane."""

    source: Source
    message: Message
    attempt: int = 1
    is_copy: bool = False


def sources_of(manifests: Mapping[str, Manifest]) -> dict[str, list[Source]]:
    """Topic or queue -> who is called with what is sent there."""
    found: dict[str, list[Source]] = {}
    for function, manifest in manifests.items():
        trigger = manifest.trigger
        if isinstance(trigger, PubsubTrigger):
            for subscription in trigger.subscriptions:
                found.setdefault(subscription.topic, []).append(
                    Source(
                        name=subscription_name(function, subscription),
                        function=function,
                        kind="pubsub",
                        min_backoff_s=trigger.retry.min_backoff_s,
                        max_backoff_s=subscription.max_backoff_s or trigger.retry.max_backoff_s,
                        max_attempts=trigger.retry.max_attempts,
                        ordered=subscription.ordered,
                        wants=parse_filter(subscription.filter),
                    )
                )
        elif isinstance(trigger, TasksTrigger):
            for queue, limits in trigger.queues.items():
                found[queue] = [
                    Source(
                        name=queue,
                        function=function,
                        kind="tasks",
                        min_backoff_s=trigger.retry.min_backoff_s,
                        max_backoff_s=limits.max_backoff_s or trigger.retry.max_backoff_s,
                        max_attempts=trigger.retry.max_attempts,
                    )
                ]
    return found


class Post:
    """Everything that is on its way.

    Attributes:
        published: (topic, ordering key) -> event ids in the order in which they came first.
        added: names of the tasks that came.
        owed: (function, event id) of every message that a subscription let through.
        heard: called with (topic, attributes, data) of everything that is published.
    """

    def __init__(
        self,
        by_destination: dict[str, list[Source]],
        chance: Chance,
        clock: VirtualClock,
        faults: Faults,
    ) -> None:
        self.published: dict[tuple[str, str], dict[str, None]] = {}
        self.added: dict[str, None] = {}
        self.owed: dict[tuple[str, str], None] = {}
        self.heard: list[Callable[[str, Mapping[str, str], bytes], None]] = []
        self.hooks = Source(
            name="easypost",
            function="tracking_webhook",
            kind="hook",
            min_backoff_s=HOOK_RETRY_S,
            max_backoff_s=HOOK_RETRY_S,
            max_attempts=None,
            path="/easypost",
        )
        self._by_destination = by_destination
        self._sources = [s for sources in by_destination.values() for s in sources] + [self.hooks]
        self._chance = chance
        self._clock = clock
        self._faults = faults
        self._later: list[tuple[datetime, int, Delivery]] = []
        self._numbers = count(1)
        self.ready = 0

    def publish(
        self, topic: str, ordering_key: str, messages: Sequence[tuple[Mapping[str, str], bytes]]
    ) -> list[str]:
        """Take messages for a topic; returns the broker's ids."""
        self._faults.reach_destination(topic)
        taken = [self._take(topic, ordering_key, *message) for message in messages]
        self._faults.reach(Moment.SENT)
        return taken

    def add(self, queue: str, name: str, attributes: Mapping[str, str], body: bytes) -> None:
        """Take a task; a name that came before is taken and forgotten."""
        self._faults.reach_destination(queue)
        if name not in self.added:
            self.added[name] = None
            (source,) = self._by_destination[queue]
            self._owe(Delivery(source, Message(name, "", attributes, body)))
        self._faults.reach(Moment.SENT)

    def call_hook(self, body: bytes, signature: str) -> None:
        """A carrier sends an update; it tries again until it is taken."""
        message = Message(f"hook-{next(self._numbers)}", "", {"signature": signature}, body)
        self._owe(Delivery(self.hooks, message))

    def _take(self, topic: str, key: str, attributes: Mapping[str, str], data: bytes) -> str:
        message_id = str(next(self._numbers))
        event_id = attributes.get("ce-id", message_id)
        self.published.setdefault((topic, key), {}).setdefault(event_id)
        for hear in self.heard:
            hear(topic, attributes, data)
        for source in self._by_destination.get(topic, ()):
            if source.wants(attributes):
                if topic != DEAD_LETTER_TOPIC:
                    self.owed[source.function, event_id] = None
                message = Message(message_id, key, attributes, data)
                self._owe(Delivery(source, message))
                if self._faults.happens(Fault.DUPLICATE):
                    # Published twice: the same event under another message id.
                    again = Message(str(next(self._numbers)), key, attributes, data)
                    self._owe(Delivery(source, again))
        return message_id

    def _owe(self, delivery: Delivery) -> None:
        source, key = delivery.source, delivery.message.key
        if source.ordered and key:
            lane = source.lanes.setdefault(key, deque())
            lane.append(delivery)
            if len(lane) > 1:
                return
        if self._faults.happens(Fault.DELAY):
            self._postpone(delivery, self._chance.between(1, DELAY_WITHIN_S))
        else:
            self._make_ready(delivery)

    def _make_ready(self, delivery: Delivery) -> None:
        delivery.source.ready.append(delivery)
        self.ready += 1

    def _postpone(self, delivery: Delivery, delay_s: float) -> None:
        due = self._clock.now + timedelta(seconds=delay_s)
        heapq.heappush(self._later, (due, next(self._numbers), delivery))

    def next_due(self) -> datetime | None:
        """When something that was put off becomes ready; None when nothing was."""
        return self._later[0][0] if self._later else None

    def wake(self) -> None:
        """Make ready what is due by now."""
        while self._later and self._later[0][0] <= self._clock.now:
            self._make_ready(heapq.heappop(self._later)[2])

    def next(self) -> Delivery:
        """Something that is ready: the oldest of a source, if nothing is reordered."""
        source = self._chance.pick([source for source in self._sources if source.ready])
        self.ready -= 1
        if len(source.ready) > 1 and self._faults.happens(Fault.REORDER):
            place = 1 + self._chance.below(len(source.ready) - 1)
            delivery = source.ready[place]
            del source.ready[place]
            return delivery
        return source.ready.popleft()

    def done(self, delivery: Delivery) -> None:
        """The function has answered that it is done, and the answer may arrive."""
        if self._faults.happens(Fault.LOST_ACKNOWLEDGEMENT):
            self.failed(delivery)
            return
        self._forget(delivery)
        if self._faults.happens(Fault.DUPLICATE):
            copy = Delivery(delivery.source, delivery.message, delivery.attempt, is_copy=True)
            self._postpone(copy, self._chance.between(0, DUPLICATE_WITHIN_S))

    def failed(self, delivery: Delivery) -> None:
        """There is no good answer: again after a back-off, or given up by Pub/Sub.

        Queues try for ever: the function parks the work at the attempt that the header names, and
        should it die there, at the next.
        """
        source = delivery.source
        limit = source.max_attempts if source.kind == "pubsub" else None
        if limit is not None and delivery.attempt >= limit:
            self._give_up(delivery)
            return
        backoff_s = min(source.min_backoff_s * 2 ** (delivery.attempt - 1), source.max_backoff_s)
        delivery.attempt += 1
        self._postpone(delivery, backoff_s)

    def _give_up(self, delivery: Delivery) -> None:
        """It goes to the dead-letter topic."""
        self._forget(delivery)
        attributes = {
            **delivery.message.attributes,
            "CloudPubSubDeadLetterSourceSubscription": delivery.source.name,
            "CloudPubSubDeadLetterSourceDeliveryCount": str(delivery.attempt),
        }
        self._take(DEAD_LETTER_TOPIC, "", attributes, delivery.message.data)

    def _forget(self, delivery: Delivery) -> None:
        source, key = delivery.source, delivery.message.key
        if delivery.is_copy or not (source.ordered and key):
            return
        lane = source.lanes[key]
        lane.popleft()
        if lane:
            self._make_ready(lane[0])
        else:
            del source.lanes[key]


class ToTopics:
    """What the relay publishes to."""

    def __init__(self, post: Post) -> None:
        self._post = post

    def send(
        self, name: str, ordering_key: str, messages: Sequence[Outgoing], _within_s: float
    ) -> None:
        """Publish them at once."""
        self._post.publish(name, ordering_key, [(m.attributes, m.body) for m in messages])


class ToQueues:
    """What the relay adds tasks to."""

    def __init__(self, post: Post) -> None:
        self._post = post

    def send(
        self, name: str, _ordering_key: str, messages: Sequence[Outgoing], _within_s: float
    ) -> None:
        """Add them one by one."""
        for message in messages:
            self._post.add(name, message.event_id, message.attributes, message.body)
