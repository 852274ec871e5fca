"""Who gets webhooks, and how it goes, in the console. Additive only, as events are.

No secret is part of any of it: what is told once is told by `Told`.
"""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.base import NO_NUL, Document, Identifier, Moment
from shared.contracts.http_ops_acts import Because, Said

DeliveryStateName = Literal["waiting", "delivered", "failed"]
SubscriberName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Address = Annotated[str, Field(min_length=1, max_length=500, pattern=NO_NUL)]
EventTypes = Annotated[tuple[Said, ...], Field(max_length=100)]
Channel = Annotated[str, Field(max_length=64, pattern=NO_NUL)]


class PreviousSecret(Document):
    """A secret that was replaced and signs too until then."""

    version: int
    until: Moment


class SubscriberRow(Document):
    """Who gets webhooks. `event_types` null: all that are offered; `channel` null: every order.

    `calls` is `closed` while it answers, `open` while it is left alone until `next_probe_at`, and
    `half_open` when one call tries it. `failures` are those in a row. `failed` were given up and
    are not sent by themselves. `previous_secrets` are those that sign beside the current one, the
    newest first, and `previous_secret_until` is of the first of them.
    """

    name: str
    url: str
    event_types: tuple[str, ...] | None
    channel: str | None
    state: Literal["enabled", "disabled"]
    disabled_at: Moment | None
    disabled_because: str | None
    calls: Literal["closed", "open", "half_open"]
    next_probe_at: Moment | None
    failures: int
    failed_at: Moment | None
    failing_since: Moment | None
    delivered_at: Moment | None
    waiting: int
    failed: int
    secret_version: int
    signing_key: str  # which one, and nothing by which it could be known
    previous_secret_until: Moment | None
    previous_secrets: tuple[PreviousSecret, ...] = ()
    added_at: Moment
    added_by: str
    changed_at: Moment
    changed_by: str


class OpsSubscribers(Document):
    """Everybody who gets webhooks, by name; `offered` are the events that there are for them."""

    at: Moment
    subscribers: tuple[SubscriberRow, ...]
    offered: tuple[str, ...]
    acts: tuple[str, ...]  # what is open to whoever asks


class DeliveryFilters(Document):
    """Which webhooks of a subscriber. The newest come first; `cursor` is `next` of the page before.

    An empty `state`: whatever has become of them.
    """

    state: Literal["", "waiting", "delivered", "failed"] = ""
    cursor: Said = ""


TriedNext = Literal["now", "within_the_hour", "when_called_again", "when_enabled"]


class DeliveryRow(Document):
    """A webhook in a list. `status` and `error` are of its last attempt: an answer, or why none.

    `attempts` are all that were ever made, `attempts_left` how many more before it is given up.
    `tried_next` is what is known of the next attempt, whose moment its queue keeps to itself:

    - `now`: it is under way
    - `within_the_hour`: the longest pause of its queue; later where its subscriber is busy then
    - `when_called_again`: its subscriber is left alone, until `not_before`; null: until one call,
      which may be this one, has found out whether it is back
    - `when_enabled`: its subscriber is disabled
    - null: there is none
    """

    delivery_id: str
    sequence: int
    event_id: str
    event_type: str
    state: DeliveryStateName
    is_under_way: bool
    attempts: int
    attempts_left: int
    last_at: Moment | None
    status: int | None
    error: str | None
    tried_next: TriedNext | None
    not_before: Moment | None
    created_at: Moment
    ended_at: Moment | None


class OpsSubscriber(Document):
    """A subscriber with a page of its webhooks; `next` is null on the last one.

    `version` is what a change is checked against.
    """

    at: Moment
    version: str
    subscriber: SubscriberRow
    deliveries: tuple[DeliveryRow, ...]
    next: str | None
    offered: tuple[str, ...]
    acts: tuple[str, ...]


class AttemptRow(Document):
    """A call. Without a duration nobody saw its end; without a status there was no answer."""

    number: int
    started_at: Moment
    duration_ms: int | None
    status: int | None
    error: str | None


class OpsWebhook(Document):
    """A webhook with every attempt, the newest last."""

    at: Moment
    subscriber: str
    webhook: DeliveryRow
    attempts: tuple[AttemptRow, ...]
    acts: tuple[str, ...]


class SubscriberChange(Because):
    """Where webhooks go from now on, and which; no event types: all that are offered.

    `channel` is whose orders they are about; empty: everybody's.
    """

    url: Address
    event_types: EventTypes = ()
    channel: Channel = ""


class SubscriberWanted(SubscriberChange):
    """Somebody new who gets webhooks, and what they are called here for good."""

    name: SubscriberName


class SecretWanted(Because):
    """A new secret; with `at_once` the one before signs no more, because others know it."""

    at_once: bool = False


class WebhooksMeant(Because):
    """These webhooks; or `everything` that was given up, of what happened from `since` to `until`.

    Without `since`: as far back as they are kept; without `until`: up to now.
    """

    delivery_ids: Annotated[tuple[Identifier, ...], Field(max_length=500)] = ()
    everything: bool = False
    since: Moment | None = None
    until: Moment | None = None
