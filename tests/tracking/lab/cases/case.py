"""What the lab has to know of a vendor: how it signs, and how it writes a history."""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from shared.platform.signatures import Sent, Trust

Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Scan:
    """One entry of a history, in the vendor's codes."""

    status: str
    detail: str
    at: datetime
    message: str = "seen"


@dataclass(frozen=True, slots=True)
class Vector:
    """A body and its headers that were signed by somebody else's program."""

    origin: str
    body: bytes
    headers: Headers
    trust: Trust
    received_at: datetime = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

    def sent(self) -> Sent:
        """The request that holds it."""
        return Sent(self.body, case_insensitive(self.headers), self.received_at)


def shared_secrets(*secrets: str) -> Trust:
    """Most vendors share secrets with us."""
    return Trust(secrets)


def ordinary(status: str) -> str:
    """A detail that no vendor has."""
    return f"{status}-teleported".lower()


@dataclass(frozen=True, slots=True)
class Case:
    """One vendor.

    Attributes:
        sign: (body, secret, moment) -> the headers that the vendor would send.
        body: (tracking code, history, oldest first) -> a message with all of it.
        elsewhere: a message about something that is not ours.
        moving: status and detail of a usual scan on the way, and `delivered` those of the end.
        vectors: what others signed; the vendor's own where it publishes any.
        signs_the_moment: whether an old message can be told from a new one.
        strange_detail: a detail that the vendor does not have, beside this status.
        trust: what these secrets prove the vendor by.
        nothing: what proves nothing, so that the door is shut.
    """

    sign: Callable[[bytes, str, datetime], Headers]
    body: Callable[[str, Sequence[Scan]], bytes]
    elsewhere: bytes
    moving: tuple[str, str]
    delivered: tuple[str, str]
    vectors: tuple[Vector, ...]
    signs_the_moment: bool = False
    strange_detail: Callable[[str], str] = ordinary
    trust: Callable[..., Trust] = field(default=shared_secrets)
    nothing: tuple[Trust, ...] = (Trust(), Trust(("",)), Trust(("", "")))


def case_insensitive(headers: Headers) -> Callable[[str], str | None]:
    """Finds a header whatever its case, as servers do."""
    lower = {name.lower(): value for name, value in headers.items()}
    return lambda name: lower.get(name.lower())


def hmac_sha256(secret: str, message: bytes) -> bytes:
    """The digest, made here and not by our own code."""
    return hmac.new(secret.encode(), message, "sha256").digest()
