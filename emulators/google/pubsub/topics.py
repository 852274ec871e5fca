"""Everything that exists in this Pub/Sub, and the flow from topics to subscriptions."""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc

from emulators.disk import Disk
from emulators.google.outbound import Outbound
from emulators.google.pubsub import names, retention, schemas, settings
from emulators.google.pubsub.delivery import Outside
from emulators.google.pubsub.journal import FILE, Journal, Stored
from emulators.google.pubsub.messages import Message
from emulators.google.pubsub.schemas import Schemas
from emulators.google.pubsub.settings import Settings
from emulators.google.pubsub.shelf import Shelf, not_found
from emulators.google.pubsub.snapshots import Snapshot
from emulators.google.pubsub.subscription import Pushing, Subscription
from emulators.google.rpc import Refused
from emulators.google.tokens import TokenIssuer

SWEEP_EVERY_S = 60.0


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True, eq=False)
class Topic:
    """`resource` is the protobuf Topic as clients see it.

    `log` holds what was published and may be asked for again, because of the topic's retention
    or of a snapshot, by number.
    """

    resource: Any
    published: int = 0
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    log: dict[int, Message] = field(default_factory=dict)

    def retention_s(self) -> float:
        return retention.seconds(self.resource)


class Topics:
    """Raises Refused with Google's status when a name is taken or unknown.

    To be made inside a running event loop.

    Args:
        outbound: through which pushes leave.
        tokens: who signs what pushes carry.
        state: the folder in which everything is kept; None keeps nothing beyond the process.
        slow_start: whether the window of pushes begins small, as in production.
        now: the clock of publish times, retention and snapshots, in UTC.

    Raises:
        Unusable: the state cannot be kept in the folder, or another process has it.
    """

    def __init__(
        self,
        outbound: Outbound,
        tokens: TokenIssuer,
        *,
        state: Path | None = None,
        slow_start: bool = False,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.journal = Journal(Disk(state / FILE if state else None))
        self._now = now
        self._outside = Outside(self._forward, self.journal, now)
        self._pushing = Pushing(outbound, tokens, slow_start)
        self.schemas = Schemas(self.journal, now)
        self._topics: Shelf[Topic] = Shelf()
        self._subscriptions: Shelf[Subscription] = Shelf()
        self._snapshots: Shelf[Snapshot] = Shelf()
        stored = self.journal.load()
        # Begins at the clock, so that a restart never repeats an id, even without state.
        self._last_number = max(time.time_ns() // 1_000, stored.last_number)
        self._restore(stored)
        self.journal.collect()
        self._sweeper = asyncio.get_running_loop().call_later(SWEEP_EVERY_S, self._sweep)

    # Topics

    def all_topics(self) -> Iterable[Topic]:
        return self._topics.all()

    def exists(self, topic_name: str) -> bool:
        return topic_name in self._topics

    def topic(self, name: str) -> Topic:
        return self._topics.get(name)

    def create_topic(self, resource: Any) -> None:
        self._topics.add(resource.name, Topic(resource))
        self.journal.keep(resource)

    def update_topic(self, resource: Any) -> None:
        topic = self.topic(resource.name)
        topic.resource = resource
        self.journal.keep(resource)
        for subscription in topic.subscriptions.values():
            _inherit(subscription, topic)
            self.journal.keep(subscription.resource)
        self._trim(topic)

    def delete_topic(self, name: str) -> None:
        """Its subscriptions stay, with what they owe, and belong to `_deleted-topic_`."""
        topic = self._topics.remove(name)
        self.journal.forget(name)
        orphans: list[Subscription | Snapshot] = [
            *topic.subscriptions.values(),
            *self._snapshots_of(name),
        ]
        for orphan in orphans:
            orphan.resource.topic = names.DELETED_TOPIC
            self.journal.keep(orphan.resource)

    def publish(self, topic_name: str, messages: Iterable[Any]) -> list[str]:
        """Accept protobuf messages in their order; returns the id of each."""
        topic = self.topic(topic_name)
        now = self._now()
        ids = []
        for wire in messages:
            message = Message(
                message_id=self._next_id(),
                data=wire.data,
                attributes=dict(wire.attributes),
                ordering_key=wire.ordering_key,
                published_at=now,
            )
            self._fan_out(topic, message)
            ids.append(message.message_id)
        return ids

    # Schemas, as far as topics name them

    def delete_schema(self, name: str) -> None:
        """Its topics stay, with `_deleted-schema_`, and take nothing any more."""
        self.schemas.delete(name)
        for topic in self._topics_with(name):
            topic.resource.schema_settings.schema = schemas.DELETED
            self.journal.keep(topic.resource)

    def delete_schema_revision(self, name: str) -> Any:
        """Returns it. A topic whose range begins or ends with it has no such bound any more."""
        deleted = self.schemas.delete_revision(name)
        for topic in self._topics_with(deleted.name):
            for bound in ("first_revision_id", "last_revision_id"):
                if getattr(topic.resource.schema_settings, bound) == deleted.revision_id:
                    setattr(topic.resource.schema_settings, bound, schemas.DELETED_REVISION)
            self.journal.keep(topic.resource)
        return deleted

    # Subscriptions

    def all_subscriptions(self) -> Iterable[Subscription]:
        return self._subscriptions.all()

    def subscription(self, name: str) -> Subscription:
        return self._subscriptions.get(name)

    def create_subscription(self, resource: Any, wanted: Settings) -> None:
        topic = self.topic(resource.topic)
        subscription = Subscription(resource, wanted, self._outside, self._pushing)
        self._subscriptions.add(resource.name, subscription)
        topic.subscriptions[resource.name] = subscription
        _inherit(subscription, topic)
        self.journal.keep(resource)

    def update_subscription(self, resource: Any, wanted: Settings) -> None:
        self.subscription(resource.name).configure(resource, wanted)
        self.journal.keep(resource)

    def detach_subscription(self, name: str) -> None:
        subscription = self.subscription(name)
        subscription.detach()
        self._unlink(subscription)
        self.journal.keep(subscription.resource)

    def delete_subscription(self, name: str) -> None:
        subscription = self._subscriptions.remove(name)
        subscription.close(not_found(name))
        self._unlink(subscription)
        self.journal.forget(name)

    # Snapshots

    def all_snapshots(self) -> Iterable[Snapshot]:
        self._expire_snapshots()
        return self._snapshots.all()

    def snapshot(self, name: str) -> Snapshot:
        self._expire_snapshots()
        return self._snapshots.get(name)

    def create_snapshot(self, resource: Any, subscription_name: str) -> None:
        """Freeze what a subscription owes; fills the topic and expiry of `resource`.

        Raises:
            Refused: FAILED_PRECONDITION, the snapshot would live less than an hour, or the
                subscription has no topic any more.
        """
        self._expire_snapshots()
        subscription = self.subscription(subscription_name)
        owed = subscription.delivery.owed()
        snapshot = Snapshot.of(resource, subscription.resource, owed, self._last_number, self._now)
        self._snapshots.add(resource.name, snapshot)
        self.journal.keep(resource, snapshot.cut)
        for message in owed:
            self.journal.hold(resource.name, message.number)

    def update_snapshot(self, resource: Any) -> None:
        snapshot = self.snapshot(resource.name)
        snapshot.resource = resource
        self.journal.keep(resource, snapshot.cut)

    def delete_snapshot(self, name: str) -> None:
        snapshot = self._snapshots.remove(name)
        self.journal.forget(name)
        if snapshot.resource.topic in self._topics:
            self._trim(self.topic(snapshot.resource.topic))

    def seek_to_time(self, subscription: Subscription, moment: datetime) -> None:
        """Owe what was published at `moment` or later, as far as it is retained."""
        within_reach = {each.number: each for each in subscription.delivery.within_reach()}
        topic = self._topic_of(subscription)
        if topic is not None and topic.retention_s() > 0:
            self._trim(topic)
            horizon = self._now() - timedelta(seconds=topic.retention_s())
            log = (each for each in topic.log.values() if each.published_at >= horizon)
            within_reach |= {message.number: message for message in log}
        ordered = [within_reach[number] for number in sorted(within_reach)]
        self._replay(subscription, ordered, lambda message: message.published_at >= moment)

    def seek_to_snapshot(self, subscription: Subscription, snapshot: Snapshot) -> None:
        """Owe what was owed when `snapshot` was made, and everything published since.

        Raises:
            Refused: FAILED_PRECONDITION, the snapshot is of another topic.
        """
        topic = self._topic_of(subscription)
        snapshot.refuse_other_topic(subscription.resource.topic)
        since = topic.log.values() if topic is not None else ()
        owed = {each.number: each for each in snapshot.backlog}
        owed |= {each.number: each for each in since if each.number > snapshot.cut}
        found = {each.number: each for each in subscription.delivery.within_reach()} | owed
        ordered = [found[number] for number in sorted(found)]
        self._replay(subscription, ordered, lambda message: message.number in owed)

    async def close(self) -> None:
        self._sweeper.cancel()
        stopping = Refused(grpc.StatusCode.UNAVAILABLE, "The server is stopping.")
        for subscription in self._subscriptions.all():
            subscription.close(stopping)
        await self.journal.close()

    def _next_id(self) -> str:
        self._last_number += 1
        return str(self._last_number)

    def _forward(self, topic_name: str, message: Message) -> bool:
        if topic_name not in self._topics:
            return False
        again = replace(message, message_id=self._next_id(), published_at=self._now())
        self._fan_out(self.topic(topic_name), again)
        return True

    def _fan_out(self, topic: Topic, message: Message) -> None:
        topic.published += 1
        self.journal.publish(message)
        if topic.resource.HasField("message_retention_duration") or self._snapshots_of(
            topic.resource.name
        ):
            topic.log[message.number] = message
            self.journal.hold(topic.resource.name, message.number)
        for subscription in topic.subscriptions.values():
            subscription.delivery.offer(message)

    def _replay(
        self,
        subscription: Subscription,
        messages: list[Message],
        is_owed: Callable[[Message], bool],
    ) -> None:
        subscription.leases.revoke()
        owed = [message for message in messages if is_owed(message)]
        subscription.delivery.replay(owed, itertools.filterfalse(is_owed, messages))

    def _topic_of(self, subscription: Subscription) -> Topic | None:
        name = subscription.resource.topic
        return self._topics.get(name) if name in self._topics else None

    def _snapshots_of(self, topic_name: str) -> list[Snapshot]:
        found = self._snapshots.all()
        return [snapshot for snapshot in found if snapshot.resource.topic == topic_name]

    def _topics_with(self, schema_name: str) -> list[Topic]:
        found = self._topics.all()
        return [each for each in found if each.resource.schema_settings.schema == schema_name]

    def _unlink(self, subscription: Subscription) -> None:
        topic = self._topic_of(subscription)
        if topic is not None:
            topic.subscriptions.pop(subscription.resource.name, None)

    def _trim(self, topic: Topic) -> None:
        """Let go of what neither the topic's retention nor a snapshot asks for."""
        horizon = self._now() - timedelta(seconds=topic.retention_s())
        cuts = [snapshot.cut for snapshot in self._snapshots_of(topic.resource.name)]
        keep_after = min(cuts, default=self._last_number)
        for message in list(topic.log.values()):
            if message.published_at < horizon and message.number <= keep_after:
                del topic.log[message.number]
                self.journal.release(topic.resource.name, message.number)

    def _expire_snapshots(self) -> None:
        now = self._now()
        for snapshot in self._snapshots.all():
            if snapshot.expires_at() <= now:
                self.delete_snapshot(snapshot.resource.name)

    def _sweep(self) -> None:
        """Let go of what is too old, whether or not anybody asks."""
        self._expire_snapshots()
        for topic in self._topics.all():
            self._trim(topic)
        for subscription in self._subscriptions.all():
            subscription.delivery.expire_owed()
            subscription.delivery.expire_retained()
        self.journal.collect()
        self._sweeper = asyncio.get_running_loop().call_later(SWEEP_EVERY_S, self._sweep)

    def _restore(self, stored: Stored) -> None:
        self.schemas.restore(kept.body for kept in stored.resources.get("Schema", ()))
        for kept in stored.resources.get("Topic", ()):
            log = {
                each.message.number: each.message for each in stored.held.get(kept.body.name, ())
            }
            self._topics.add(kept.body.name, Topic(kept.body, log=log))
        for kept in stored.resources.get("Snapshot", ()):
            backlog = [each.message for each in stored.held.get(kept.body.name, ())]
            self._snapshots.add(kept.body.name, Snapshot(kept.body, backlog, kept.cut))
        for kept in stored.resources.get("Subscription", ()):
            self._restore_subscription(kept.body, stored)

    def _restore_subscription(self, resource: Any, stored: Stored) -> None:
        # A dead-letter topic may have gone since; that was allowed then and is now.
        wanted = settings.read(resource, topic_exists=lambda _name: True)
        subscription = Subscription(resource, wanted, self._outside, self._pushing)
        self._subscriptions.add(resource.name, subscription)
        for each in stored.held.get(resource.name, ()):
            subscription.delivery.restore(
                each.message, each.attempts, acknowledged=each.acknowledged
            )
        topic = self._topic_of(subscription)
        if resource.detached:
            subscription.detach()
        elif topic is not None:
            topic.subscriptions[resource.name] = subscription
            _inherit(subscription, topic)
        subscription.advance()


def _inherit(subscription: Subscription, topic: Topic) -> None:
    """Let the subscription know, and show, how long its topic keeps messages."""
    subscription.delivery.topic_retention_s = topic.retention_s()
    subscription.resource.ClearField("topic_message_retention_duration")
    if topic.resource.HasField("message_retention_duration"):
        subscription.resource.topic_message_retention_duration.CopyFrom(
            topic.resource.message_retention_duration
        )
