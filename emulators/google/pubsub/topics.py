"""Everything that exists in this Pub/Sub: topics, subscriptions and the flow between them."""

import itertools
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import grpc

from emulators.google.outbound import Outbound
from emulators.google.pubsub import names
from emulators.google.pubsub.delivery import Delivery, Outside
from emulators.google.pubsub.messages import Message
from emulators.google.pubsub.settings import Settings
from emulators.google.rpc import Refused
from emulators.google.tokens import TokenIssuer


@dataclass(slots=True, eq=False)
class Subscription:
    """`resource` is the protobuf Subscription as clients see it."""

    resource: Any
    delivery: Delivery


@dataclass(slots=True, eq=False)
class Topic:
    """`resource` is the protobuf Topic as clients see it."""

    resource: Any
    published: int = 0
    subscriptions: dict[str, Subscription] = field(default_factory=dict)


Held = TypeVar("Held", Topic, Subscription)


class Topics:
    """Raises Refused with Google's status when a name is taken or unknown."""

    def __init__(self, outbound: Outbound, tokens: TokenIssuer) -> None:
        self._outside = Outside(outbound, tokens, self._forward)
        self._topics: dict[str, Topic] = {}
        self._subscriptions: dict[str, Subscription] = {}
        # Begins at the clock, so that a restart never repeats an id.
        self._message_ids = itertools.count(time.time_ns() // 1_000)

    def all_topics(self) -> Iterable[Topic]:
        return self._topics.values()

    def all_subscriptions(self) -> Iterable[Subscription]:
        return self._subscriptions.values()

    def exists(self, topic_name: str) -> bool:
        return topic_name in self._topics

    def topic(self, name: str) -> Topic:
        return _known(self._topics, name)

    def subscription(self, name: str) -> Subscription:
        return _known(self._subscriptions, name)

    def create_topic(self, resource: Any) -> None:
        _refuse_taken(self._topics, resource.name)
        self._topics[resource.name] = Topic(resource)

    def delete_topic(self, name: str) -> None:
        """Its subscriptions stay, with what they owe, and belong to `_deleted-topic_`."""
        topic = self.topic(name)
        del self._topics[name]
        for subscription in topic.subscriptions.values():
            subscription.resource.topic = names.DELETED_TOPIC

    def create_subscription(self, resource: Any, settings: Settings) -> None:
        _refuse_taken(self._subscriptions, resource.name)
        topic = self.topic(resource.topic)
        subscription = Subscription(resource, Delivery(settings, self._outside))
        self._subscriptions[resource.name] = subscription
        topic.subscriptions[resource.name] = subscription

    def delete_subscription(self, name: str) -> None:
        subscription = self.subscription(name)
        subscription.delivery.close()
        del self._subscriptions[name]
        topic = self._topics.get(subscription.resource.topic)
        if topic is not None:
            topic.subscriptions.pop(name, None)

    def publish(self, topic_name: str, messages: Iterable[Any]) -> list[str]:
        """Accept protobuf messages in their order; returns the id of each."""
        topic = self.topic(topic_name)
        now = datetime.now(UTC)
        ids = []
        for wire in messages:
            message = Message(
                message_id=str(next(self._message_ids)),
                data=wire.data,
                attributes=dict(wire.attributes),
                ordering_key=wire.ordering_key,
                published_at=now,
            )
            _fan_out(topic, message)
            ids.append(message.message_id)
        return ids

    def close(self) -> None:
        for subscription in self._subscriptions.values():
            subscription.delivery.close()

    def _forward(self, topic_name: str, message: Message) -> bool:
        topic = self._topics.get(topic_name)
        if topic is None:
            return False
        message_id = str(next(self._message_ids))
        _fan_out(topic, replace(message, message_id=message_id, published_at=datetime.now(UTC)))
        return True


def _fan_out(topic: Topic, message: Message) -> None:
    topic.published += 1
    for subscription in topic.subscriptions.values():
        subscription.delivery.offer(message)


def _refuse_taken(resources: dict[str, Any], name: str) -> None:
    if name in resources:
        raise Refused(
            grpc.StatusCode.ALREADY_EXISTS,
            f"Resource already exists in the project (resource={names.short(name)}).",
        )


def _known(resources: dict[str, Held], name: str) -> Held:
    try:
        return resources[name]
    except KeyError:
        raise Refused(
            grpc.StatusCode.NOT_FOUND, f"Resource not found (resource={names.short(name)})."
        ) from None
