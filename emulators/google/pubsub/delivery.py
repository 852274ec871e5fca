"""What one subscription owes, and what becomes of each message."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from emulators.google.pubsub import names
from emulators.google.pubsub.backlog import Backlog, Entry
from emulators.google.pubsub.journal import Journal
from emulators.google.pubsub.messages import Message
from emulators.google.pubsub.settings import Settings

Forward = Callable[[str, Message], bool]


@dataclass(frozen=True, slots=True)
class Outside:
    """What deliveries need of the world around them.

    `forward` publishes a message to a topic by name, and says whether the topic exists.
    """

    forward: Forward
    journal: Journal
    now: Callable[[], datetime]


class Delivery:
    """Ways to deliver `take` an entry and end it with `succeed` or `fail`.

    `settings` may be replaced at any time; ordering stays as created. `advance` is called
    whenever an entry may have become ready. `topic_retention_s` lengthens the life of what
    nobody acknowledges.
    """

    def __init__(self, settings: Settings, outside: Outside, advance: Callable[[], None]) -> None:
        self.settings = settings
        self.topic_retention_s = 0.0
        self.delivered = 0
        self.failed = 0
        self.dead_lettered = 0
        self.backlog = Backlog(ordered=settings.ordered)
        self.retained: dict[int, Message] = {}
        self._outside = outside
        self._advance = advance

    def offer(self, message: Message) -> None:
        """Owe the message, unless the filter drops it, which counts as acknowledged."""
        if self.settings.matches(message.attributes):
            self._outside.journal.hold(self.settings.name, message.number)
            self.backlog.add(message)
            self._advance()

    def oldest_age_s(self) -> float:
        oldest = self.backlog.first()
        if oldest is None:
            return 0.0
        return (self._outside.now() - oldest.message.published_at).total_seconds()

    def take(self) -> Entry | None:
        """The next entry to deliver, or None when nothing is ready."""
        self.expire_owed()
        entry = self.backlog.take()
        if entry is not None:
            number = entry.message.number
            self._outside.journal.attempt(self.settings.name, number, entry.attempts)
        return entry

    def succeed(self, entry: Entry) -> None:
        """The entry was acknowledged."""
        if not entry.owed:
            return
        self.delivered += 1
        self.backlog.settle(entry)
        if self.settings.retains_acknowledged:
            self.retained[entry.message.number] = entry.message
            self._outside.journal.acknowledge(self.settings.name, entry.message.number)
        else:
            self._outside.journal.release(self.settings.name, entry.message.number)
        self._advance()

    def fail(self, entry: Entry) -> None:
        """The entry was refused, or nobody answered: back off, or bury it."""
        if not entry.owed:
            return
        self.failed += 1
        letter = self.settings.dead_letter
        if letter is not None and entry.attempts >= letter.max_attempts:
            dead = _dead_message(entry, self.settings.name)
            if self._outside.forward(letter.topic, dead):
                self.dead_lettered += 1
                self._drop(entry)
                self._advance()
                return
        self.backlog.give_back(entry)
        retry = self.settings.retry
        delay_s = retry.delay_s(entry.attempts) if retry else 0.0
        asyncio.get_running_loop().call_later(delay_s, self._retry, entry)
        self._advance()

    def owed(self) -> list[Message]:
        """What is not acknowledged, in order."""
        self.expire_owed()
        return [entry.message for entry in self.backlog]

    def within_reach(self) -> list[Message]:
        """What a seek can bring back of this subscription's own: owed or retained, in order."""
        self.expire_retained()
        found = {message.number: message for message in self.owed()} | self.retained
        return [found[number] for number in sorted(found)]

    def replay(self, owed: Iterable[Message], acknowledged: Iterable[Message]) -> None:
        """Owe `owed` afresh and nothing else; retain `acknowledged` if that is wanted.

        What is under way is forgotten: its acknowledgement settles nothing any more.
        """
        name, journal = self.settings.name, self._outside.journal
        matching = [message for message in owed if self.settings.matches(message.attributes)]
        journal.release_all(name)
        for message in matching:
            journal.publish(message)
            journal.hold(name, message.number)
        self.backlog.replace(matching)
        self.retained.clear()
        if self.settings.retains_acknowledged:
            for message in acknowledged:
                self.retained[message.number] = message
                journal.hold(name, message.number, acknowledged=True)
        self._advance()

    def restore(self, message: Message, attempts: int, *, acknowledged: bool) -> None:
        """Take over what an earlier process left."""
        if acknowledged:
            self.retained[message.number] = message
        else:
            self.backlog.add(message, attempts)

    def expire_owed(self) -> None:
        """Drop what nobody acknowledged in time, also when it is under way."""
        longest_s = max(self.settings.retention_s, self.topic_retention_s)
        horizon = self._outside.now() - timedelta(seconds=longest_s)
        oldest = self.backlog.first()
        while oldest is not None and oldest.message.published_at < horizon:
            self._drop(oldest)
            oldest = self.backlog.first()

    def expire_retained(self) -> None:
        """Forget acknowledged messages that are too old, or no longer wanted."""
        settings = self.settings
        horizon = self._outside.now() - timedelta(seconds=settings.retention_s)
        for message in list(self.retained.values()):
            if message.published_at < horizon or not settings.retains_acknowledged:
                del self.retained[message.number]
                self._outside.journal.release(settings.name, message.number)

    def _drop(self, entry: Entry) -> None:
        self.backlog.settle(entry)
        self._outside.journal.release(self.settings.name, entry.message.number)

    def _retry(self, entry: Entry) -> None:
        self.backlog.retry(entry)
        self._advance()


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
