"""The Publisher and Subscriber services: requests in, resources out."""

from collections.abc import Sequence
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1 import types

from emulators.google.pubsub import messages, names, settings
from emulators.google.pubsub.delivery import Delivery, Lease
from emulators.google.pubsub.topics import Topics
from emulators.google.rpc import Method, Refused, invalid, page, service

LONGEST_PULL_S = 10.0  # production answers an empty pull after a while, too
LARGEST_PULL = 1_000
LARGEST_PAGE = 1_000


def services(topics: Topics) -> Sequence[grpc.GenericRpcHandler]:
    publisher, subscriber = Publisher(topics), Subscriber(topics)
    return [
        service("google.pubsub.v1.Publisher", publisher.methods()),
        service("google.pubsub.v1.Subscriber", subscriber.methods()),
    ]


class Publisher:
    """google.pubsub.v1.Publisher over `topics`."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics

    def methods(self) -> dict[str, Method]:
        topic = types.Topic.pb()
        return {
            "CreateTopic": Method(topic, topic, self._create),
            "GetTopic": Method(types.GetTopicRequest.pb(), topic, self._get),
            "DeleteTopic": Method(types.DeleteTopicRequest.pb(), Empty, self._delete),
            "ListTopics": _method("ListTopics", self._list),
            "ListTopicSubscriptions": _method("ListTopicSubscriptions", self._list_subscriptions),
            "Publish": _method("Publish", self._publish),
        }

    async def _create(self, request: Any) -> Any:
        names.check(request.name, "topics")
        self._topics.create_topic(request)
        return request

    async def _get(self, request: Any) -> Any:
        return self._topics.topic(request.topic).resource

    async def _delete(self, request: Any) -> Any:
        self._topics.delete_topic(request.topic)
        return Empty()

    async def _list(self, request: Any) -> Any:
        found = _of_project(self._topics.all_topics(), request.project)
        shown, token = page(found, request.page_size, request.page_token, LARGEST_PAGE)
        return types.ListTopicsResponse.pb()(topics=shown, next_page_token=token)

    async def _list_subscriptions(self, request: Any) -> Any:
        found = sorted(self._topics.topic(request.topic).subscriptions)
        shown, token = page(found, request.page_size, request.page_token, LARGEST_PAGE)
        response = types.ListTopicSubscriptionsResponse.pb()
        return response(subscriptions=shown, next_page_token=token)

    async def _publish(self, request: Any) -> Any:
        messages.check_batch(request)
        ids = self._topics.publish(request.topic, request.messages)
        return types.PublishResponse.pb()(message_ids=ids)


class Subscriber:
    """google.pubsub.v1.Subscriber over `topics`."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics

    def methods(self) -> dict[str, Method]:
        subscription = types.Subscription.pb()
        change = types.UpdateSubscriptionRequest.pb()
        extension = types.ModifyAckDeadlineRequest.pb()
        return {
            "CreateSubscription": Method(subscription, subscription, self._create),
            "GetSubscription": Method(types.GetSubscriptionRequest.pb(), subscription, self._get),
            "UpdateSubscription": Method(change, subscription, self._update),
            "ListSubscriptions": _method("ListSubscriptions", self._list),
            "DeleteSubscription": Method(types.DeleteSubscriptionRequest.pb(), Empty, self._delete),
            "ModifyPushConfig": Method(
                types.ModifyPushConfigRequest.pb(), Empty, self._modify_push
            ),
            "Pull": _method("Pull", self._pull),
            "Acknowledge": Method(types.AcknowledgeRequest.pb(), Empty, self._acknowledge),
            "ModifyAckDeadline": Method(extension, Empty, self._extend),
        }

    async def _create(self, request: Any) -> Any:
        names.check(request.name, "subscriptions")
        settings.complete(request)
        self._topics.create_subscription(request, settings.read(request, self._topics.exists))
        return request

    async def _get(self, request: Any) -> Any:
        return self._topics.subscription(request.subscription).resource

    async def _list(self, request: Any) -> Any:
        found = _of_project(self._topics.all_subscriptions(), request.project)
        shown, token = page(found, request.page_size, request.page_token, LARGEST_PAGE)
        response = types.ListSubscriptionsResponse.pb()
        return response(subscriptions=shown, next_page_token=token)

    async def _delete(self, request: Any) -> Any:
        self._topics.delete_subscription(request.subscription)
        return Empty()

    async def _update(self, request: Any) -> Any:
        subscription = self._topics.subscription(request.subscription.name)
        paths = list(request.update_mask.paths)
        _refuse_paths(paths)
        changed = types.Subscription.pb()()
        changed.CopyFrom(subscription.resource)
        for path in paths:
            changed.ClearField(path)
            _copy(request.subscription, changed, path)
        settings.complete(changed)
        subscription.delivery.configure(settings.read(changed, self._topics.exists))
        subscription.resource = changed
        return changed

    async def _modify_push(self, request: Any) -> Any:
        subscription = self._topics.subscription(request.subscription)
        changed = types.Subscription.pb()()
        changed.CopyFrom(subscription.resource)
        changed.push_config.CopyFrom(request.push_config)
        subscription.delivery.configure(settings.read(changed, self._topics.exists))
        subscription.resource = changed
        return Empty()

    async def _pull(self, request: Any) -> Any:
        delivery = self._topics.subscription(request.subscription).delivery
        if request.max_messages < 1:
            raise invalid("The value for max_messages is too small: it must be at least 1.")
        if delivery.settings.push is not None:
            raise Refused(
                grpc.StatusCode.FAILED_PRECONDITION,
                "This method is not supported for this subscription type.",
            )
        wait_s = 0.0 if request.return_immediately else LONGEST_PULL_S
        leases = await delivery.pull(min(request.max_messages, LARGEST_PULL), wait_s)
        received = [_received(lease, delivery) for lease in leases]
        return types.PullResponse.pb()(received_messages=received)

    async def _acknowledge(self, request: Any) -> Any:
        delivery = self._topics.subscription(request.subscription).delivery
        for ack_id in request.ack_ids:
            delivery.acknowledge(ack_id)
        return Empty()

    async def _extend(self, request: Any) -> Any:
        delivery = self._topics.subscription(request.subscription).delivery
        if not 0 <= request.ack_deadline_seconds <= 600:
            raise invalid("The acknowledgement deadline must be between 0 and 600 seconds.")
        for ack_id in request.ack_ids:
            delivery.extend(ack_id, request.ack_deadline_seconds)
        return Empty()


def _method(verb: str, run: Any) -> Method:
    request, response = getattr(types, f"{verb}Request"), getattr(types, f"{verb}Response")
    return Method(request.pb(), response.pb(), run)


def _of_project(holders: Any, project: str) -> list[Any]:
    resources = [holder.resource for holder in holders]
    found = [each for each in resources if each.name.startswith(f"{project}/")]
    return sorted(found, key=lambda each: str(each.name))


def _received(lease: Lease, delivery: Delivery) -> Any:
    attempt = lease.entry.attempts if delivery.settings.dead_letter else 0
    return types.ReceivedMessage.pb()(
        ack_id=lease.ack_id,
        message=messages.to_wire(lease.entry.message),
        delivery_attempt=attempt,
    )


def _refuse_paths(paths: list[str]) -> None:
    if not paths:
        raise invalid("The update_mask in the UpdateSubscriptionRequest must be set.")
    for path in paths:
        if path in settings.IMMUTABLE:
            raise invalid(
                "Invalid update_mask provided in the UpdateSubscriptionRequest: the "
                f"'{path}' field in the Subscription is not mutable."
            )
        if path not in settings.MUTABLE:
            raise invalid(
                "Invalid update_mask provided in the UpdateSubscriptionRequest: the "
                f"'{path}' field cannot be updated here."
            )


def _copy(source: Any, target: Any, path: str) -> None:
    value = getattr(source, path)
    if path == "ack_deadline_seconds":
        target.ack_deadline_seconds = value
    elif path == "labels":
        target.labels.update(value)
    elif source.HasField(path):
        getattr(target, path).CopyFrom(value)
