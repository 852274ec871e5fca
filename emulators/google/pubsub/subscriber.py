"""google.pubsub.v1.Subscriber without its acknowledgements and streams."""

import uuid
from datetime import UTC
from typing import Any

from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1 import types

from emulators.google.pubsub import masks, names, settings, snapshots
from emulators.google.pubsub.methods import kept, listed, method, of_project
from emulators.google.pubsub.streaming import received
from emulators.google.pubsub.topics import Topics
from emulators.google.rpc import Method, invalid

LONGEST_PULL_S = 10.0  # production answers an empty pull after a while, too
LARGEST_PULL = 1_000


class Subscriber:
    """The methods over `topics`."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics

    def methods(self) -> dict[str, Method]:
        return (
            self._subscription_methods()
            | self._snapshot_methods()
            | {"Pull": method("Pull", self._pull)}
        )

    def _subscription_methods(self) -> dict[str, Method]:
        subscription = types.Subscription.pb()
        reading = {
            "GetSubscription": Method(types.GetSubscriptionRequest.pb(), subscription, self._get),
            "ListSubscriptions": method("ListSubscriptions", self._list),
        }
        change = types.UpdateSubscriptionRequest.pb()
        push = types.ModifyPushConfigRequest.pb()
        writing = {
            "CreateSubscription": Method(subscription, subscription, self._create),
            "UpdateSubscription": Method(change, subscription, self._update),
            "DeleteSubscription": Method(types.DeleteSubscriptionRequest.pb(), Empty, self._delete),
            "ModifyPushConfig": Method(push, Empty, self._modify_push),
            "Seek": method("Seek", self._seek),
        }
        return reading | self._kept(writing)

    def _snapshot_methods(self) -> dict[str, Method]:
        snapshot = types.Snapshot.pb()
        reading = {
            "GetSnapshot": Method(types.GetSnapshotRequest.pb(), snapshot, self._get_snapshot),
            "ListSnapshots": method("ListSnapshots", self._list_snapshots),
        }
        create, change = types.CreateSnapshotRequest.pb(), types.UpdateSnapshotRequest.pb()
        writing = {
            "CreateSnapshot": Method(create, snapshot, self._create_snapshot),
            "UpdateSnapshot": Method(change, snapshot, self._update_snapshot),
            "DeleteSnapshot": Method(
                types.DeleteSnapshotRequest.pb(), Empty, self._delete_snapshot
            ),
        }
        return reading | self._kept(writing)

    def _kept(self, methods: dict[str, Method]) -> dict[str, Method]:
        return {verb: kept(self._topics.journal, each) for verb, each in methods.items()}

    async def _create(self, request: Any) -> Any:
        names.check(request.name, "subscriptions")
        settings.complete(request)
        self._topics.create_subscription(request, settings.read(request, self._topics.exists))
        return request

    async def _get(self, request: Any) -> Any:
        return self._topics.subscription(request.subscription).resource

    async def _list(self, request: Any) -> Any:
        resources = (each.resource for each in self._topics.all_subscriptions())
        found = of_project(resources, request.project)
        return listed("ListSubscriptions", "subscriptions", found, request)

    async def _delete(self, request: Any) -> Any:
        self._topics.delete_subscription(request.subscription)
        return Empty()

    async def _update(self, request: Any) -> Any:
        current = self._topics.subscription(request.subscription.name).resource
        wanted = request.subscription
        changed = masks.changed(current, wanted, request.update_mask, settings.MUTABLE)
        self._replace(changed)
        return changed

    async def _modify_push(self, request: Any) -> Any:
        changed = types.Subscription.pb()()
        changed.CopyFrom(self._topics.subscription(request.subscription).resource)
        changed.push_config.CopyFrom(request.push_config)
        self._replace(changed)
        return Empty()

    def _replace(self, changed: Any) -> None:
        settings.complete(changed)
        self._topics.update_subscription(changed, settings.read(changed, self._topics.exists))

    async def _seek(self, request: Any) -> Any:
        subscription = self._topics.subscription(request.subscription)
        match request.WhichOneof("target"):
            case "time":
                moment = request.time.ToDatetime(tzinfo=UTC)
                self._topics.seek_to_time(subscription, moment)
            case "snapshot":
                snapshot = self._topics.snapshot(request.snapshot)
                self._topics.seek_to_snapshot(subscription, snapshot)
            case _:
                raise invalid("A seek needs a time or a snapshot.")
        return types.SeekResponse.pb()()

    async def _create_snapshot(self, request: Any) -> Any:
        project = names.project_of(self._topics.subscription(request.subscription).resource.name)
        name = request.name or f"projects/{project}/snapshots/s-{uuid.uuid4()}"
        names.check(name, "snapshots")
        names.check_labels(request.labels)
        resource = types.Snapshot.pb()(name=name, labels=request.labels)
        self._topics.create_snapshot(resource, request.subscription)
        return resource

    async def _get_snapshot(self, request: Any) -> Any:
        return self._topics.snapshot(request.snapshot).resource

    async def _list_snapshots(self, request: Any) -> Any:
        resources = (each.resource for each in self._topics.all_snapshots())
        found = of_project(resources, request.project)
        return listed("ListSnapshots", "snapshots", found, request)

    async def _update_snapshot(self, request: Any) -> Any:
        current = self._topics.snapshot(request.snapshot.name).resource
        mask = request.update_mask
        changed = masks.changed(current, request.snapshot, mask, snapshots.MUTABLE)
        names.check_labels(changed.labels)
        self._topics.update_snapshot(changed)
        return changed

    async def _delete_snapshot(self, request: Any) -> Any:
        self._topics.delete_snapshot(request.snapshot)
        return Empty()

    async def _pull(self, request: Any) -> Any:
        subscription = self._topics.subscription(request.subscription)
        if request.max_messages < 1:
            raise invalid("The value for max_messages is too small: it must be at least 1.")
        subscription.refuse_pull()
        wait_s = 0.0 if request.return_immediately else LONGEST_PULL_S
        leases = await subscription.leases.pull(min(request.max_messages, LARGEST_PULL), wait_s)
        shown = [received(lease, subscription.delivery) for lease in leases]
        return types.PullResponse.pb()(received_messages=shown)
