"""What a Queue resource asks for: checked, completed with defaults, and typed."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from emulators.google.rpc import invalid, unimplemented
from emulators.google.tasks.retry import UNLIMITED, Retry

DEFAULT_RATE = 500.0  # dispatches a second, the largest allowed as well
DEFAULT_CONCURRENT = 1_000
MAX_CONCURRENT = 5_000
DEFAULT_MAX_ATTEMPTS = 100
DEFAULT_MIN_BACKOFF_S = 0.1
DEFAULT_MAX_BACKOFF_S = 3_600.0
DEFAULT_DOUBLINGS = 16
MAX_HEADER_BYTES = 80 * 1024


@dataclass(frozen=True, slots=True)
class Settings:
    """`target` is the protobuf HttpTarget of the queue, None when tasks go where they say."""

    rate: float
    burst: int
    max_concurrent: int
    retry: Retry
    target: Any


def complete(resource: Any) -> None:
    """Fill the defaults of a Queue in place, as production shows them afterwards."""
    limits = resource.rate_limits
    limits.max_dispatches_per_second = limits.max_dispatches_per_second or DEFAULT_RATE
    limits.max_concurrent_dispatches = limits.max_concurrent_dispatches or DEFAULT_CONCURRENT
    limits.max_burst_size = _burst(limits.max_dispatches_per_second)
    complete_retry(resource.retry_config)


def complete_retry(retry: Any) -> None:
    """Fill the defaults of a RetryConfig in place, a queue's or a task's own."""
    retry.max_attempts = retry.max_attempts or DEFAULT_MAX_ATTEMPTS
    retry.max_doublings = retry.max_doublings or DEFAULT_DOUBLINGS
    if not retry.HasField("min_backoff"):
        retry.min_backoff.FromTimedelta(timedelta(seconds=DEFAULT_MIN_BACKOFF_S))
    if not retry.HasField("max_backoff"):
        retry.max_backoff.FromTimedelta(timedelta(seconds=DEFAULT_MAX_BACKOFF_S))


def read(resource: Any) -> Settings:
    """The settings of a completed Queue.

    Raises:
        Refused: INVALID_ARGUMENT for a value out of bounds, UNIMPLEMENTED for what this
            stand-in lacks.
    """
    limits = resource.rate_limits
    if not 0 < limits.max_dispatches_per_second <= DEFAULT_RATE:
        raise invalid("Queue.rate_limits.max_dispatches_per_second must be above 0, at most 500.")
    if not 0 < limits.max_concurrent_dispatches <= MAX_CONCURRENT:
        raise invalid("Queue.rate_limits.max_concurrent_dispatches must be between 1 and 5000.")
    return Settings(
        rate=limits.max_dispatches_per_second,
        burst=limits.max_burst_size,
        max_concurrent=limits.max_concurrent_dispatches,
        retry=read_retry(resource.retry_config),
        target=_target(resource),
    )


def read_retry(retry: Any) -> Retry:
    """The rule of a completed RetryConfig.

    Raises:
        Refused: INVALID_ARGUMENT for a value out of bounds.
    """
    if retry.max_attempts < UNLIMITED:
        raise invalid("RetryConfig.max_attempts must be -1 or more.")
    if retry.max_doublings < 0 or retry.max_doublings > DEFAULT_DOUBLINGS:
        raise invalid("RetryConfig.max_doublings must be between 0 and 16.")
    minimum_s, maximum_s = _seconds(retry.min_backoff), _seconds(retry.max_backoff)
    if not 0 <= minimum_s <= maximum_s:
        raise invalid("RetryConfig.min_backoff must not be above max_backoff.")
    duration_s = _seconds(retry.max_retry_duration)
    if duration_s < 0:
        raise invalid("RetryConfig.max_retry_duration must not be negative.")
    return Retry(retry.max_attempts, duration_s, minimum_s, maximum_s, retry.max_doublings)


def _target(resource: Any) -> Any:
    if resource.HasField("app_engine_routing_override"):
        raise unimplemented("App Engine routing")
    if not resource.HasField("http_target"):
        return None
    target = resource.http_target
    if target.HasField("oauth_token"):
        raise unimplemented("OAuth tokens")
    token = target.oidc_token
    if target.HasField("oidc_token") and not (token.service_account_email and token.audience):
        raise invalid(
            "Queue.http_target.oidc_token must have a service_account_email and an audience."
        )
    headers = {each.header.key: each.header.value for each in target.header_overrides}
    check_headers(headers)
    if target.uri_override.HasField("host") and not target.uri_override.host:
        raise invalid("Queue.http_target.uri_override.host cannot be empty.")
    if target.uri_override.port < 0 or target.uri_override.port > 65_535:
        raise invalid("Queue.http_target.uri_override.port must be between 0 and 65535.")
    return target


def check_headers(headers: Mapping[str, str]) -> None:
    """Refuse headers whose names and values together are too large."""
    if sum(len(key) + len(value) for key, value in headers.items()) >= MAX_HEADER_BYTES:
        raise invalid("The size of the HTTP headers must be less than 80KB.")


def _burst(rate: float) -> int:
    # Production shows 100 for a rate of 500; that the ratio holds for other rates is a guess.
    return max(1, math.ceil(rate / 5))


def _seconds(duration: Any) -> float:
    return float(duration.ToTimedelta().total_seconds())
