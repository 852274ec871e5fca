"""google.pubsub.v1.Publisher: topics, and what is published to them."""

from typing import Any

from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1 import types

from emulators.google.pubsub import masks, messages, names, retention
from emulators.google.pubsub.methods import kept, listed, method, of_project
from emulators.google.pubsub.topics import Topics
from emulators.google.rpc import Method, unimplemented

MUTABLE = frozenset(
    {
        "kms_key_name",
        "labels",
        "message_retention_duration",
        "message_storage_policy",
        "schema_settings",
    }
)


class Publisher:
    """The methods over `topics`."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics

    def methods(self) -> dict[str, Method]:
        topic = types.Topic.pb()
        reading = {
            "GetTopic": Method(types.GetTopicRequest.pb(), topic, self._get),
            "ListTopics": method("ListTopics", self._list),
            "ListTopicSubscriptions": method("ListTopicSubscriptions", self._list_subscriptions),
            "ListTopicSnapshots": method("ListTopicSnapshots", self._list_snapshots),
        }
        writing = {
            "CreateTopic": Method(topic, topic, self._create),
            "UpdateTopic": Method(types.UpdateTopicRequest.pb(), topic, self._update),
            "DeleteTopic": Method(types.DeleteTopicRequest.pb(), Empty, self._delete),
            "Publish": method("Publish", self._publish),
            "DetachSubscription": method("DetachSubscription", self._detach),
        }
        journal = self._topics.journal
        return reading | {verb: kept(journal, each) for verb, each in writing.items()}

    async def _create(self, request: Any) -> Any:
        names.check(request.name, "topics")
        _check(request)
        if request.HasField("schema_settings"):
            self._topics.schemas.refuse_settings(request.schema_settings)
        self._topics.create_topic(request)
        return request

    async def _get(self, request: Any) -> Any:
        return self._topics.topic(request.topic).resource

    async def _update(self, request: Any) -> Any:
        current = self._topics.topic(request.topic.name).resource
        changed = masks.changed(current, request.topic, request.update_mask, MUTABLE)
        _check(changed)
        # What is there already may name a schema that was deleted since.
        wanted = changed.schema_settings
        if changed.HasField("schema_settings") and wanted != current.schema_settings:
            self._topics.schemas.refuse_settings(wanted)
        self._topics.update_topic(changed)
        return changed

    async def _delete(self, request: Any) -> Any:
        self._topics.delete_topic(request.topic)
        return Empty()

    async def _list(self, request: Any) -> Any:
        resources = (topic.resource for topic in self._topics.all_topics())
        return listed("ListTopics", "topics", of_project(resources, request.project), request)

    async def _list_subscriptions(self, request: Any) -> Any:
        found = sorted(self._topics.topic(request.topic).subscriptions)
        return listed("ListTopicSubscriptions", "subscriptions", found, request)

    async def _list_snapshots(self, request: Any) -> Any:
        topic = self._topics.topic(request.topic).resource
        snapshots = self._topics.all_snapshots()
        found = [each.resource.name for each in snapshots if each.resource.topic == topic.name]
        return listed("ListTopicSnapshots", "snapshots", sorted(found), request)

    async def _publish(self, request: Any) -> Any:
        messages.check_batch(request)
        topic = self._topics.topic(request.topic).resource
        if topic.HasField("schema_settings"):
            await self._topics.schemas.stamp(topic.schema_settings, request.messages)
        ids = self._topics.publish(request.topic, request.messages)
        return types.PublishResponse.pb()(message_ids=ids)

    async def _detach(self, request: Any) -> Any:
        self._topics.detach_subscription(request.subscription)
        return types.DetachSubscriptionResponse.pb()()


def _check(resource: Any) -> None:
    """Complete a Topic in place, or refuse what production or this stand-in would."""
    if resource.HasField("ingestion_data_source_settings"):
        raise unimplemented("a topic's ingestion_data_source_settings")
    if resource.message_transforms:
        raise unimplemented("message transforms")
    names.check_labels(resource.labels)
    retention.seconds(resource)
    resource.state = resource.State.ACTIVE
