"""Schemas, topics, subscriptions, queues and jobs, made through Google's own clients."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import grpc
from google.api_core.exceptions import Conflict, InvalidArgument, NotFound, ResourceExhausted
from google.cloud import tasks_v2
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.pubsub_v1 import PublisherClient, SchemaServiceClient, SubscriberClient
from google.pubsub_v1 import types as pubsub
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.schema_service.transports import SchemaServiceGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from emulators.laptop.manifest import (
    DEAD_LETTER_TOPIC,
    Manifest,
    PubsubTrigger,
    ScheduleTrigger,
    TasksTrigger,
    subscription_name,
    topics,
)
from emulators.laptop.stack import ROOT

SCHEMAS = ROOT / "shared/contracts/pubsub"
UNCHANGEABLE = ("topic", "filter", "enable_message_ordering")  # of a subscription
CHANGEABLE = ("push_config", "ack_deadline_seconds", "retry_policy", "dead_letter_policy")


@dataclass(frozen=True, slots=True)
class Place:
    """Where things are made, and who calls the functions there."""

    project: str
    location: str
    pubsub: str  # host:port
    tasks: str  # host:port
    scheduler: str  # host:port
    oidc_audience: str
    oidc_caller: str


def provision(
    place: Place, manifests: Mapping[str, Manifest], address_of: Mapping[str, str]
) -> None:
    """Make all that `manifests` declare, and bring what is there already into line with them.

    The schemas of inbound topics are there for publishers to ask; no topic is bound to its own.

    A subscription whose filter or order differs is made anew, since Pub/Sub changes neither; what
    it still owed is lost, as it would be in production. What is declared no longer stays.

    Args:
        place: the stand-ins.
        manifests: by function name.
        address_of: function name -> its URL, with a slash at the end.
    """
    with grpc.insecure_channel(place.pubsub) as channel:
        schemas = SchemaServiceClient(transport=SchemaServiceGrpcTransport(channel=channel))
        for path in sorted(SCHEMAS.glob("*.proto")):
            _make_schema(schemas, place, path.stem, path.read_text())
        publisher = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
        for topic in topics(manifests.values()):
            with suppress(Conflict):
                publisher.create_topic(name=_topic(place, topic))
        subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        for name, manifest in manifests.items():
            for wanted in _subscriptions(place, name, manifest, address_of[name]):
                _make_subscription(subscriber, wanted)
    with grpc.insecure_channel(place.tasks) as channel:
        tasks = tasks_v2.CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))
        for name, manifest in manifests.items():
            if isinstance(manifest.trigger, TasksTrigger):
                _make_queues(place, tasks, manifest.trigger, address_of[name])
    for name, manifest in manifests.items():
        if isinstance(manifest.trigger, ScheduleTrigger):
            _make_jobs(place, name, manifest, manifest.trigger, address_of[name])


def _make_schema(
    schemas: SchemaServiceClient, place: Place, schema_id: str, definition: str
) -> None:
    parent = f"projects/{place.project}"
    name = f"{parent}/schemas/{schema_id}"
    wanted = pubsub.Schema(
        name=name, type_=pubsub.Schema.Type.PROTOCOL_BUFFER, definition=definition
    )
    try:
        if schemas.get_schema(name=name).definition != definition:
            schemas.commit_schema(name=name, schema=wanted)
    except NotFound:
        schemas.create_schema(parent=parent, schema=wanted, schema_id=schema_id)
    except (InvalidArgument, ResourceExhausted):
        # What is there came from another branch of development, or has had too many revisions.
        schemas.delete_schema(name=name)
        schemas.create_schema(parent=parent, schema=wanted, schema_id=schema_id)


def _make_subscription(subscriber: SubscriberClient, wanted: pubsub.Subscription) -> None:
    try:
        subscriber.create_subscription(request=wanted)
    except Conflict:  # AlreadyExists is one
        found = subscriber.get_subscription(subscription=wanted.name)
        if all(getattr(found, name) == getattr(wanted, name) for name in UNCHANGEABLE):
            mask = FieldMask(paths=CHANGEABLE)
            subscriber.update_subscription(subscription=wanted, update_mask=mask)
            return
        subscriber.delete_subscription(subscription=wanted.name)
        subscriber.create_subscription(request=wanted)


def _subscriptions(
    place: Place, function: str, manifest: Manifest, address: str
) -> Iterator[pubsub.Subscription]:
    trigger = manifest.trigger
    if not isinstance(trigger, PubsubTrigger):
        return
    retry = trigger.retry
    for heard in trigger.subscriptions:
        name = subscription_name(function, heard)
        yield pubsub.Subscription(
            name=f"projects/{place.project}/subscriptions/{name}",
            topic=_topic(place, heard.topic),
            ack_deadline_seconds=manifest.ack_deadline_s,
            filter=heard.filter,
            enable_message_ordering=heard.ordered,
            push_config=pubsub.PushConfig(
                push_endpoint=address,
                oidc_token=pubsub.PushConfig.OidcToken(
                    service_account_email=place.oidc_caller, audience=place.oidc_audience
                ),
            ),
            retry_policy=pubsub.RetryPolicy(
                minimum_backoff=Duration(seconds=retry.min_backoff_s),
                maximum_backoff=Duration(seconds=heard.max_backoff_s or retry.max_backoff_s),
            ),
            dead_letter_policy=pubsub.DeadLetterPolicy(
                dead_letter_topic=_topic(place, DEAD_LETTER_TOPIC),
                max_delivery_attempts=retry.max_attempts,
            )
            if retry.max_attempts
            else None,
        )


def _make_queues(
    place: Place, tasks: tasks_v2.CloudTasksClient, trigger: TasksTrigger, address: str
) -> None:
    url = urlsplit(address)
    retry = trigger.retry
    target = tasks_v2.HttpTarget(
        # The queue says where its tasks go, so that whoever enqueues need not know.
        uri_override=tasks_v2.UriOverride(
            scheme=getattr(tasks_v2.UriOverride.Scheme, url.scheme.upper()),
            host=url.hostname,
            port=url.port,
            path_override=tasks_v2.PathOverride(path=url.path),
            uri_override_enforce_mode=tasks_v2.UriOverride.UriOverrideEnforceMode.ALWAYS,
        ),
        http_method=tasks_v2.HttpMethod.POST,
        # Cloud Tasks does not tell a handler which attempt is the last.
        header_overrides=[
            tasks_v2.HttpTarget.HeaderOverride(
                header=tasks_v2.HttpTarget.Header(
                    key="X-Dispatch-Max-Attempts", value=str(retry.max_attempts)
                )
            )
        ],
        oidc_token=tasks_v2.OidcToken(
            service_account_email=place.oidc_caller, audience=place.oidc_audience
        ),
    )
    parent = f"projects/{place.project}/locations/{place.location}"
    for name, limits in trigger.queues.items():
        queue = tasks_v2.Queue(
            name=f"{parent}/queues/{name}",
            http_target=target,
            rate_limits=tasks_v2.RateLimits(
                max_dispatches_per_second=limits.max_per_second,
                max_concurrent_dispatches=limits.max_concurrent,
            ),
            retry_config=tasks_v2.RetryConfig(
                # The last attempt, which the header names, parks the work. Should it not be able
                # to, because the database is down, there is another one.
                max_attempts=-1,
                min_backoff=Duration(seconds=retry.min_backoff_s),
                max_backoff=Duration(seconds=limits.max_backoff_s or retry.max_backoff_s),
                max_doublings=retry.max_doublings,
            ),
        )
        tasks.update_queue(queue=queue)  # which creates it where it is missing


def _make_jobs(
    place: Place, function: str, manifest: Manifest, trigger: ScheduleTrigger, address: str
) -> None:
    parent = f"projects/{place.project}/locations/{place.location}"
    retry = trigger.retry
    for name, job in trigger.jobs.items():
        _make_job(
            f"http://{place.scheduler}/v1/",
            parent,
            {
                "name": f"{parent}/jobs/{job_name(function, name)}",
                "schedule": job.schedule,
                "timeZone": "Etc/UTC",
                "attemptDeadline": f"{manifest.limits.timeout_s}s",
                "retryConfig": {
                    "retryCount": retry.max_attempts,
                    "minBackoffDuration": f"{retry.min_backoff_s}s",
                    "maxBackoffDuration": f"{retry.max_backoff_s}s",
                },
                "httpTarget": {
                    "uri": address.rstrip("/") + job.path,
                    "httpMethod": "POST",
                    "oidcToken": {
                        "serviceAccountEmail": place.oidc_caller,
                        "audience": place.oidc_audience,
                    },
                },
            },
        )


def job_name(function: str, job: str) -> str:
    """The name of a function's job in Cloud Scheduler."""
    return f"{function}-{job}"


def _topic(place: Place, name: str) -> str:
    return f"projects/{place.project}/topics/{name}"


def _make_job(base: str, parent: str, job: Mapping[str, object]) -> None:
    try:
        _send("POST", f"{base}{parent}/jobs", job)
    except urllib.error.HTTPError as error:
        if error.code != 409:
            raise
        _send("PATCH", f"{base}{job['name']}", job)


def _send(method: str, url: str, body: Mapping[str, object]) -> None:
    request = urllib.request.Request(
        url,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=10):
        pass
