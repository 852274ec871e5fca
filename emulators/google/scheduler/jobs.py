"""A job in Cloud Scheduler's JSON, checked and typed."""

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from emulators.google import backoff

DEFAULT_DEADLINE_S = 180.0
DEFAULT_MIN_BACKOFF_S = 5.0
DEFAULT_MAX_BACKOFF_S = 3_600.0
DEFAULT_DOUBLINGS = 5
MAX_DOUBLINGS = 16
MAX_DESCRIPTION = 500
METHODS = frozenset({"POST", "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"})
CRON_FIELDS = 5  # unix cron; cronsim would take a sixth, for seconds

_NAME = re.compile(r"projects/[^/]+/locations/[^/]+/jobs/[A-Za-z0-9_-]{1,500}")
_DURATION = re.compile(r"(\d+(?:\.\d{1,9})?)s")


class BadJob(ValueError):
    """Something in a job's JSON is missing or malformed; the message says what."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Tries after the first of an execution, and the pauses between them.

    `max_duration_s` is 0 for no limit of time.
    """

    count: int
    max_duration_s: float
    min_backoff_s: float
    max_backoff_s: float
    max_doublings: int

    def is_over(self, failures: int, elapsed_s: float) -> bool:
        """Whether an execution that failed so often, begun `elapsed_s` ago, is given up.

        Where there is a limit of time, both limits must be reached.
        """
        return failures > self.count and elapsed_s >= self.max_duration_s

    def delay_s(self, failures: int) -> float:
        return backoff.delay_s(failures, self.min_backoff_s, self.max_backoff_s, self.max_doublings)


@dataclass(frozen=True, slots=True)
class Job:
    """`account` is empty when no token is wanted."""

    name: str
    schedule: str
    zone: ZoneInfo
    uri: str
    method: str
    headers: dict[str, str]
    body: bytes
    account: str
    audience: str
    retry: Retry
    deadline_s: float

    def next_run(self, after: datetime) -> datetime:
        """The first moment later than `after` that the schedule names, in UTC."""
        found: datetime = next(CronSim(self.schedule, after.astimezone(self.zone)))
        return found.astimezone(UTC)


def read(raw: dict[str, Any]) -> Job:
    """The job that JSON of the shape `projects.locations.jobs` describes.

    Raises:
        BadJob: a field is missing, malformed or out of bounds.
    """
    name, target = raw.get("name", ""), raw.get("httpTarget")
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise BadJob("Job name must be projects/<PROJECT>/locations/<LOCATION>/jobs/<JOB>.")
    if not isinstance(target, dict) or not str(target.get("uri", "")).startswith("http"):
        raise BadJob("The job needs an httpTarget with a uri; no other target exists here.")
    if len(str(raw.get("description", ""))) > MAX_DESCRIPTION:
        raise BadJob(f"description may have {MAX_DESCRIPTION} characters at most.")
    method = target.get("httpMethod", "POST")
    if method not in METHODS:
        raise BadJob(f"Unknown httpMethod {method!r}.")
    token = target.get("oidcToken", {})
    deadline_s = _duration(raw, "attemptDeadline", DEFAULT_DEADLINE_S)
    if not 15 <= deadline_s <= 1_800:
        raise BadJob("attemptDeadline must be between 15s and 1800s.")
    zone = _zone(raw.get("timeZone", "UTC"))
    return Job(
        name=name,
        schedule=_schedule(raw.get("schedule", ""), zone),
        zone=zone,
        uri=target["uri"],
        method=method,
        headers=dict(target.get("headers", {})),
        body=_body(target.get("body", "")),
        account=token.get("serviceAccountEmail", ""),
        audience=token.get("audience") or target["uri"],
        retry=_retry(raw.get("retryConfig", {})),
        deadline_s=deadline_s,
    )


def _retry(raw: dict[str, Any]) -> Retry:
    count = raw.get("retryCount", 0)
    if type(count) is not int or not 0 <= count <= 5:
        raise BadJob("retryConfig.retryCount must be between 0 and 5.")
    doublings = raw.get("maxDoublings", DEFAULT_DOUBLINGS)
    if type(doublings) is not int or not 0 <= doublings <= MAX_DOUBLINGS:
        raise BadJob(f"retryConfig.maxDoublings must be between 0 and {MAX_DOUBLINGS}.")
    return Retry(
        count=count,
        max_duration_s=_duration(raw, "maxRetryDuration", 0.0),
        min_backoff_s=_duration(raw, "minBackoffDuration", DEFAULT_MIN_BACKOFF_S),
        max_backoff_s=_duration(raw, "maxBackoffDuration", DEFAULT_MAX_BACKOFF_S),
        max_doublings=doublings,
    )


def _duration(raw: dict[str, Any], field: str, default_s: float) -> float:
    if field not in raw:
        return default_s
    found = _DURATION.fullmatch(str(raw[field]))
    if found is None:
        raise BadJob(f'{field} must be seconds followed by "s".')
    return float(found[1])


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise BadJob(f"Unknown timeZone {name!r}.") from None


def _schedule(schedule: str, zone: ZoneInfo) -> str:
    try:
        if len(schedule.split()) != CRON_FIELDS:
            raise BadJob("schedule must be unix cron with five fields.")
        CronSim(schedule, datetime.now(zone))
    except CronSimError as error:
        raise BadJob(f"schedule is invalid: {error}.") from None
    return schedule


def _body(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise BadJob("httpTarget.body must be base64.") from None
