"""What a Subscription resource asks for: checked, completed with defaults, and typed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import grpc

from emulators.google.pubsub import names, retention
from emulators.google.pubsub.backoff import DEFAULT_MAXIMUM_S, DEFAULT_MINIMUM_S, RetryPolicy
from emulators.google.pubsub.filters import BadFilter, Predicate, parse
from emulators.google.rpc import Refused, invalid, unimplemented

DEFAULT_ACK_DEADLINE_S = 10
DEFAULT_MAX_ATTEMPTS = 5
DEFAULT_EXPIRATION_S = 31 * 24 * 3600
MINIMUM_EXPIRATION_S = 24 * 3600
MAX_BACKOFF_S = 600

# In production the others can be set when the subscription is created and never again.
MUTABLE = frozenset(
    {
        "ack_deadline_seconds",
        "dead_letter_policy",
        "enable_exactly_once_delivery",
        "expiration_policy",
        "labels",
        "message_retention_duration",
        "push_config",
        "retain_acked_messages",
        "retry_policy",
    }
)


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """The body of a push is the message's data and nothing else."""

    with_metadata: bool


@dataclass(frozen=True, slots=True)
class Push:
    """Where messages are pushed. `account` is empty when no token is wanted."""

    endpoint: str
    account: str
    audience: str
    unwrapped: Unwrapped | None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Where a message goes after `max_attempts` deliveries that failed."""

    topic: str
    max_attempts: int


@dataclass(frozen=True, slots=True)
class Settings:
    """`push` is None for a pull subscription, `retry` None for immediate redelivery."""

    name: str
    push: Push | None
    ack_deadline_s: int
    retry: RetryPolicy | None
    dead_letter: DeadLetter | None
    retention_s: float
    retains_acknowledged: bool
    exactly_once: bool
    ordered: bool
    matches: Predicate


def complete(resource: Any) -> None:
    """Fill the defaults of a Subscription in place, as production shows them afterwards."""
    resource.ack_deadline_seconds = resource.ack_deadline_seconds or DEFAULT_ACK_DEADLINE_S
    if not resource.HasField("message_retention_duration"):
        resource.message_retention_duration.FromSeconds(retention.DEFAULT_S)
    if not resource.HasField("expiration_policy"):
        resource.expiration_policy.ttl.FromSeconds(DEFAULT_EXPIRATION_S)
    if resource.HasField("retry_policy"):
        retry = resource.retry_policy
        if not retry.HasField("minimum_backoff"):
            retry.minimum_backoff.FromTimedelta(timedelta(seconds=DEFAULT_MINIMUM_S))
        if not retry.HasField("maximum_backoff"):
            retry.maximum_backoff.FromTimedelta(timedelta(seconds=DEFAULT_MAXIMUM_S))
    if resource.HasField("dead_letter_policy"):
        policy = resource.dead_letter_policy
        policy.max_delivery_attempts = policy.max_delivery_attempts or DEFAULT_MAX_ATTEMPTS
    resource.state = resource.State.ACTIVE


def read(resource: Any, topic_exists: Callable[[str], bool]) -> Settings:
    """The settings of a completed Subscription.

    Raises:
        Refused: INVALID_ARGUMENT for a value out of bounds (OUT_OF_RANGE for the attempts
            before dead-lettering, as Google's emulator has it), NOT_FOUND for a dead-letter topic
            that does not exist, UNIMPLEMENTED for what this stand-in lacks.
    """
    _refuse_missing_features(resource)
    if not 10 <= resource.ack_deadline_seconds <= 600:
        raise invalid(
            f"Invalid ack deadline given: {resource.ack_deadline_seconds}. It must be between "
            "10 and 600 seconds."
        )
    names.check_labels(resource.labels)
    _check_expiration(resource.expiration_policy)
    push = read_push(resource.push_config)
    if push is not None and resource.enable_exactly_once_delivery:
        raise invalid("Exactly-once delivery is not supported for push subscriptions.")
    return Settings(
        name=resource.name,
        push=push,
        ack_deadline_s=resource.ack_deadline_seconds,
        retry=_retry(resource),
        dead_letter=_dead_letter(resource, topic_exists),
        retention_s=retention.seconds(resource),
        retains_acknowledged=resource.retain_acked_messages,
        exactly_once=resource.enable_exactly_once_delivery,
        ordered=resource.enable_message_ordering,
        matches=_matches(resource.filter),
    )


def read_push(config: Any) -> Push | None:
    """The endpoint of a PushConfig, None when it is empty: a pull subscription.

    Raises:
        Refused: INVALID_ARGUMENT when the endpoint is not a URL.
    """
    if not config.push_endpoint:
        return None
    if not config.push_endpoint.startswith(("http://", "https://")):
        raise invalid(f"Invalid push endpoint given (endpoint={config.push_endpoint}).")
    token = config.oidc_token
    return Push(
        endpoint=config.push_endpoint,
        account=token.service_account_email,
        audience=token.audience or config.push_endpoint,
        unwrapped=(
            Unwrapped(config.no_wrapper.write_metadata) if config.HasField("no_wrapper") else None
        ),
    )


def _refuse_missing_features(resource: Any) -> None:
    for field in ("bigquery_config", "bigtable_config", "cloud_storage_config"):
        if resource.HasField(field):
            raise unimplemented(f"a subscription's {field}")
    if resource.message_transforms:
        raise unimplemented("message transforms")


def _check_expiration(policy: Any) -> None:
    if not policy.HasField("ttl"):
        return
    if policy.ttl.ToTimedelta().total_seconds() < MINIMUM_EXPIRATION_S:
        raise invalid(f"A subscription's expiration is at least {MINIMUM_EXPIRATION_S}s.")


def _retry(resource: Any) -> RetryPolicy | None:
    if not resource.HasField("retry_policy"):
        return None
    minimum_s = resource.retry_policy.minimum_backoff.ToTimedelta().total_seconds()
    maximum_s = resource.retry_policy.maximum_backoff.ToTimedelta().total_seconds()
    if not 0 <= minimum_s <= maximum_s <= MAX_BACKOFF_S:
        raise invalid(
            f"Invalid retry policy: the back-off must be between 0 and {MAX_BACKOFF_S} seconds, "
            "the minimum not above the maximum."
        )
    return RetryPolicy(minimum_s, maximum_s)


def _dead_letter(resource: Any, topic_exists: Callable[[str], bool]) -> DeadLetter | None:
    if not resource.HasField("dead_letter_policy"):
        return None
    policy = resource.dead_letter_policy
    names.check(policy.dead_letter_topic, "topics")
    if not topic_exists(policy.dead_letter_topic):
        raise Refused(
            grpc.StatusCode.NOT_FOUND,
            f"Resource not found (resource={names.short(policy.dead_letter_topic)}).",
        )
    if not 5 <= policy.max_delivery_attempts <= 100:
        raise Refused(
            grpc.StatusCode.OUT_OF_RANGE,
            f"Invalid max_delivery_attempts given: {policy.max_delivery_attempts}. It must be "
            "between 5 and 100.",
        )
    return DeadLetter(policy.dead_letter_topic, policy.max_delivery_attempts)


def _matches(expression: str) -> Predicate:
    try:
        return parse(expression)
    except BadFilter as error:
        raise invalid(f"Invalid filter: {error}.") from None
