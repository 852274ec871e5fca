"""What every event and every piece of work has in common.

An event travels in CloudEvents' binary mode over Pub/Sub: its data is the message's JSON body, and
everything about it stands in attributes (`ce-id`, `ce-type`, `ce-time`, …). A type's name ends in
its version; a version is additive only, and a breaking change is a new version beside the old one.
Source: CloudEvents 1.0.2 and its Google Cloud Pub/Sub protocol binding.
"""

import re
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Generic, NamedTuple, Self, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from shared.kit.errors import Malformed, Rejected, WrongField


class UnsupportedVersion(Rejected):
    """The event's kind is known, but not in this version."""

    code = "unsupported_version"


class UnknownType(Rejected):
    """Nobody here handles events of this type."""

    code = "unknown_type"


def utc(moment: datetime) -> datetime:
    """The same moment in UTC; ValueError where that is before the year 1 or after 9999."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("there is no such moment in UTC") from None


# Postgres cannot store NUL in text, and nobody can read it.
NO_NUL = r"^[^\x00]*$"
# By it a flood of bulk orders and the express ones among them come by subscriptions of their own.
# A channel sets it on what is urgent; without it an event comes with all the others.
PRIORITY = "ce-priority"
EVENT_ID = re.compile(r"[!-~]{1,200}")  # printable ASCII without spaces

Identifier = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:/-]+$")]
Moment = Annotated[AwareDatetime, AfterValidator(utc)]
# BCP 47, as far as it matters here: a language, and what it is narrowed by. Any language is taken,
# so that one which we learn later is no other contract.
LanguageTag = Annotated[str, Field(max_length=35, pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class Document(BaseModel):
    """A part of a contract. Unknown fields are ignored, so that a publisher may add some first."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, defer_build=True
    )

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read a JSON body.

        Raises:
            Malformed: it is not JSON, or fields are wrong; `wrong` names every one of them.
        """
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            wrong = _wrong(error)
            first = wrong[0]
            raise Malformed(
                f"{first.field or 'body'}: {first.reason}", field=first.field, wrong=wrong
            ) from None

    def encode(self) -> bytes:
        """The JSON body of this document, UTF-8."""
        return self.model_dump_json().encode()


def _wrong(error: ValidationError) -> list[WrongField]:
    """What is wrong, without what only follows from it.

    pydantic counts the items of a tuple that are right: where all are wrong, it is too short, too.
    """
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    around = {fault["loc"][:depth] for fault in faults for depth in range(len(fault["loc"]))}
    return [
        WrongField(".".join(map(str, fault["loc"])), fault["msg"])
        for fault in faults
        if fault["type"] != "too_short" or fault["loc"] not in around
    ]


class Event(Document):
    """A fact, in the past tense. Subclasses say their type, their topic and what orders them."""

    type: ClassVar[str]
    topic: ClassVar[str]

    @property
    @abstractmethod
    def ordering_key(self) -> str:
        """Events with the same key are delivered in the order in which they were announced."""

    @property
    def extensions(self) -> Mapping[str, str]:
        """Attributes of its own: what a subscription may filter by."""
        return {}


class Work(Document):
    """Something to be done, in the imperative. It travels as one Cloud Task."""

    type: ClassVar[str]

    @property
    @abstractmethod
    def queue(self) -> str:
        """The queue that carries this piece of work."""


class Cause(NamedTuple):
    """Why something happens: the message that started it, and the trail it belongs to.

    Attributes:
        occurred_at: when what the message tells of happened; None where it does not say.
    """

    event_id: str
    correlation_id: str
    occurred_at: datetime | None = None


E = TypeVar("E", bound=Event)


class Received(NamedTuple, Generic[E]):
    """An event as it arrived."""

    event: E
    cause: Cause


def decode(accepted: Iterable[type[E]], attributes: Mapping[str, str], body: bytes) -> Received[E]:
    """Read a CloudEvent of one of the `accepted` types from a message's attributes and body.

    Raises:
        Malformed: an attribute is missing, or the body does not fit its contract.
        UnsupportedVersion: the type is accepted in another version only.
        UnknownType: the type is none of the accepted.
    """
    kind, event_id = attributes.get("ce-type", ""), attributes.get("ce-id", "")
    if not kind:
        raise Malformed("ce-type: the attribute is missing", field="ce-type")
    if not EVENT_ID.fullmatch(event_id):
        raise Malformed("ce-id: must be 1 to 200 printable characters", field="ce-id")
    by_type = {contract.type: contract for contract in accepted}
    if kind not in by_type:
        name = kind.rpartition(".v")[0]
        known = sorted(other for other in by_type if other.rpartition(".v")[0] == name)
        if known:
            raise UnsupportedVersion(
                f"ce-type: {kind[:100]!r} is not known here, only {', '.join(known)}",
                field="ce-type",
            )
        raise UnknownType(f"ce-type: {kind[:100]!r} is not handled here", field="ce-type")
    return Received(
        event=by_type[kind].decode(body),
        cause=cause_of(attributes, event_id)._replace(
            occurred_at=_moment(attributes.get("ce-time"))
        ),
    )


def cause_of(attributes: Mapping[str, str], fallback: str) -> Cause:
    """Who started this, as far as its attributes say it usably; otherwise `fallback`."""
    event_id, trail = attributes.get("ce-id", ""), attributes.get("ce-correlationid", "")
    if not EVENT_ID.fullmatch(event_id):
        event_id = fallback
    return Cause(event_id, trail if EVENT_ID.fullmatch(trail) else event_id)


def attributes_of(event: Event, cause: Cause, event_id: str, moment: str) -> dict[str, str]:
    """The CloudEvents attributes with which `event` leaves the house; `moment` is ISO 8601."""
    return {
        "ce-specversion": "1.0",
        "ce-id": event_id,
        "ce-type": event.type,
        "ce-source": "//dispatch",
        "ce-time": moment,
        "ce-subject": event.ordering_key,
        "ce-correlationid": cause.correlation_id,
        "ce-causationid": cause.event_id,
        "content-type": "application/json",
        **event.extensions,
    }


def headers_of(work: Work, cause: Cause, moment: str) -> dict[str, str]:
    """The headers with which `work` is given out; `moment` is ISO 8601."""
    return {
        "ce-type": work.type,
        "ce-time": moment,
        "ce-correlationid": cause.correlation_id,
    }


def moment_of(attributes: Mapping[str, str]) -> datetime | None:
    """When the message was announced, as far as its attributes say it usably."""
    try:
        return _moment(attributes.get("ce-time"))
    except Malformed:
        return None


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return utc(moment)
    except ValueError:
        raise Malformed("ce-time: not an ISO 8601 time", field="ce-time") from None
    raise Malformed("ce-time: the offset from UTC is missing", field="ce-time")
