"""`functions/*/function.yaml` as types: the only list of functions, topics, queues and jobs.

Strict: a misspelt or unknown key, a number in quotes or a queue that two functions serve is an
error that names the file and the field.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

DEAD_LETTER_TOPIC = "dead-letters"
MOST_CONNECTIONS = 32  # of one instance to the database

Topic = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{2,254}$")]
Queue = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,99}$")]
Secret = Annotated[str, Field(pattern=r"^DISPATCH_[A-Z0-9_]+$")]
Seconds = Annotated[int, Field(ge=0, le=3_600)]


class ManifestError(Exception):
    """A function.yaml is wrong; the message has one line per mistake: file, field, reason."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Subscription(_Strict):
    """What a function hears. `ordered`: one message at a time per ordering key.

    A `lane` names a further subscription to the same topic: its messages wait for nobody else's,
    and may be tried again sooner than those.
    """

    topic: Topic
    lane: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9-]{0,30}$")
    ordered: bool
    filter: str = ""
    max_backoff_s: Seconds | None = None  # instead of the function's


class PubsubRetry(_Strict):
    """Pub/Sub's back-off. Without `max_attempts` there is no dead-letter policy."""

    min_backoff_s: Seconds
    max_backoff_s: Seconds
    max_attempts: int | None = Field(default=None, ge=5, le=100)  # Pub/Sub's own bounds


class PubsubTrigger(_Strict):
    """Pushes of one or more subscriptions."""

    kind: Literal["pubsub"]
    subscriptions: tuple[Subscription, ...] = Field(min_length=1)
    retry: PubsubRetry


class QueueLimits(_Strict):
    """A queue's dispatch rate and how many of its tasks may run at once."""

    max_per_second: float = Field(gt=0, le=500)
    max_concurrent: int = Field(ge=1, le=5_000)
    max_backoff_s: Seconds | None = None  # instead of the function's


class TasksRetry(_Strict):
    """Cloud Tasks' back-off: doubling `max_doublings` times, then linear, up to the maximum."""

    min_backoff_s: Seconds
    max_backoff_s: Seconds
    max_doublings: int = Field(ge=0, le=16)
    max_attempts: int = Field(ge=1, le=100)


class TasksTrigger(_Strict):
    """Tasks of one or more queues."""

    kind: Literal["tasks"]
    queues: Mapping[Queue, QueueLimits] = Field(min_length=1)
    retry: TasksRetry


class Job(_Strict):
    """A cron expression in UTC, and the path below the function that it calls."""

    schedule: str = Field(pattern=r"^\S+( \S+){4}$")
    path: str = Field(pattern=r"^/[a-z0-9/-]*$")


class ScheduleRetry(_Strict):
    """Cloud Scheduler's retries of one run."""

    max_attempts: int = Field(ge=0, le=5)
    min_backoff_s: Seconds
    max_backoff_s: Seconds


class ScheduleTrigger(_Strict):
    """Jobs by the clock."""

    kind: Literal["schedule"]
    jobs: Mapping[Queue, Job] = Field(min_length=1)
    retry: ScheduleRetry


class HttpTrigger(_Strict):
    """Requests; `public` ones carry no Google token.

    With `console` the function answers below that path of the console's host; a laptop has no such
    host, and knows it by its own address.
    """

    kind: Literal["http"]
    public: bool
    console: str | None = Field(default=None, pattern=r"^/[a-z0-9-]*$")


Trigger = Annotated[
    PubsubTrigger | TasksTrigger | ScheduleTrigger | HttpTrigger, Field(discriminator="kind")
]


class Limits(_Strict):
    """Of one instance, and how many instances there may be.

    Every request at once may want a connection to the database, so an instance has as many as
    requests. `connections` is how many it has where requests wait for something else.
    """

    concurrency: int = Field(ge=1, le=1_000)
    connections: int | None = Field(default=None, ge=1, le=MOST_CONNECTIONS)
    timeout_s: int = Field(ge=1, le=3_600)
    max_instances: int = Field(ge=1, le=1_000)

    @model_validator(mode="after")
    def _has_connections(self) -> Self:
        if self.connections is None and self.concurrency > MOST_CONNECTIONS:
            raise ValueError(
                f"connections: an instance has {MOST_CONNECTIONS} at most, so say how many of"
                f" {self.concurrency} requests at once use the database"
            )
        return self

    @property
    def pool(self) -> int:
        """How many connections an instance has."""
        # Two at least, so that nothing inside a step can wait for itself.
        return max(self.connections or self.concurrency, 2)


class Manifest(_Strict):
    """One function.yaml."""

    description: str = Field(min_length=1)
    trigger: Trigger
    limits: Limits
    publishes: tuple[Topic, ...] = ()
    enqueues: tuple[Queue, ...] = ()
    secrets: tuple[Secret, ...] = ()
    documents: Literal["read", "keep"] | None = None  # labels and manifests; keep: read too

    @property
    def ack_deadline_s(self) -> int:
        """As long as the function may take, within Pub/Sub's bounds of 10 to 600 s."""
        return min(max(self.limits.timeout_s, 10), 600)


def load(path: Path) -> Manifest:
    """Read one function.yaml.

    Raises:
        ManifestError: it is not YAML, or does not have the form of a `Manifest`.
    """
    try:
        # By way of JSON, because only there strict validation takes a list for a tuple.
        text = json.dumps(yaml.safe_load(path.read_text()))
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        raise ManifestError("\n".join(_lines(_shown(path), error))) from None
    except (yaml.YAMLError, TypeError) as error:
        raise ManifestError(f"{_shown(path)}: not readable as YAML: {error}") from None


def load_all(root: Path) -> dict[str, Manifest]:
    """All functions below `root`, by folder name, sorted.

    Raises:
        ManifestError: one of them is wrong, or they do not fit together.
    """
    manifests: dict[str, Manifest] = {}
    mistakes: list[str] = []
    for path in sorted(root.glob("*/function.yaml")):
        try:
            manifests[path.parent.name] = load(path)
        except ManifestError as error:
            mistakes.append(str(error))
    mistakes += _misfits(manifests)
    if not manifests and not mistakes:
        mistakes.append(f"{root}: has no folder with a function.yaml")
    if mistakes:
        raise ManifestError("\n".join(mistakes))
    return manifests


def topics(manifests: Iterable[Manifest]) -> list[str]:
    """Every topic that is heard or published, and the one for dead letters; sorted."""
    found = {DEAD_LETTER_TOPIC}
    for manifest in manifests:
        found.update(manifest.publishes)
        if isinstance(manifest.trigger, PubsubTrigger):
            found.update(subscription.topic for subscription in manifest.trigger.subscriptions)
    return sorted(found)


def subscription_name(function: str, heard: Subscription) -> str:
    """The name of the subscription by which `function` hears a topic."""
    return ".".join(filter(None, (function, heard.topic, heard.lane)))


def _misfits(manifests: Mapping[str, Manifest]) -> list[str]:
    mistakes = []
    served_by: dict[str, str] = {}
    for name, manifest in manifests.items():
        if not isinstance(manifest.trigger, TasksTrigger):
            continue
        for queue in manifest.trigger.queues:
            if queue in served_by:
                mistakes.append(
                    f"{name}/function.yaml: trigger.queues.{queue}: {served_by[queue]} serves it"
                )
            served_by[queue] = name
    for name, manifest in manifests.items():
        if isinstance(manifest.trigger, PubsubTrigger):
            heard = Counter(subscription_name(name, one) for one in manifest.trigger.subscriptions)
            mistakes += [
                f"{name}/function.yaml: trigger.subscriptions: {twice} is there twice; a lane"
                " tells two subscriptions to one topic apart"
                for twice, times in heard.items()
                if times > 1
            ]
    for name, manifest in manifests.items():
        mistakes += [
            f"{name}/function.yaml: enqueues: no function serves the queue {queue}"
            for queue in manifest.enqueues
            if queue not in served_by
        ]
    return mistakes


def _shown(path: Path) -> str:
    return "/".join(path.parts[-3:])


def _lines(file: str, error: ValidationError) -> list[str]:
    lines = []
    for mistake in error.errors(include_url=False):
        place = [str(part) for part in mistake["loc"]]
        if len(place) > 1 and place[0] == "trigger":
            del place[1]  # pydantic puts the trigger's kind here, which is not in the file
        lines.append(f"{file}: {'.'.join(place) or 'the whole'}: {mistake['msg']}")
    return lines
