"""The words of people."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from shared.kit.errors import Malformed, Rejected

LONGEST_WORD = 200  # characters of a name, and of a reason


class Role(StrEnum):
    """What somebody is there for; each may do all that those before it may."""

    VIEWER = "viewer"  # looks
    OPERATOR = "operator"  # decides about orders, stock and messages
    ADMIN = "admin"  # says what holds for everybody, and who may what


class ActorKind(StrEnum):
    """What sort of somebody acts."""

    USER = "user"  # signed in to the console
    KEY = "key"  # a machine
    COMMAND = "command"  # somebody at a terminal of the stack
    JOB = "job"  # the clock


@dataclass(frozen=True, slots=True)
class Person:
    """Whose word it is, and why.

    Attributes:
        by: a user's e-mail, a key's name, an account.
        reason: in words, for those who read the audit trail.
        kind: what sort of somebody.

    Raises:
        Malformed: nobody, no reason, or more of it than anybody reads.
    """

    by: str
    reason: str
    kind: ActorKind = ActorKind.COMMAND

    def __post_init__(self) -> None:
        for name, word in (("by", self.by), ("reason", self.reason)):
            if not 0 < len(word.strip()) <= LONGEST_WORD or "\0" in word:
                raise Malformed(f"{name}: 1 to {LONGEST_WORD} characters are wanted", field=name)


Warehouses = frozenset[str] | None  # None: all


class User(NamedTuple):
    """Somebody who may sign in."""

    user_id: str
    email: str
    name: str
    role: Role
    warehouses: Warehouses
    language: str
    has_second_factor: bool
    disabled_at: datetime | None
    created_at: datetime


class ApiKey(NamedTuple):
    """What a machine shows instead of signing in; of its secret only a hash is kept."""

    key_id: str
    name: str
    actions: frozenset[str]
    warehouses: Warehouses
    created_by: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class SignInRefused(Rejected):
    """The e-mail, the password or the code is wrong; which one is not for a stranger to know."""

    code = "sign_in_refused"


class TooManyAttempts(Rejected):
    """Too many failed for this account or from this address; `retry_after_s` says when to go on."""

    code = "too_many_attempts"


class NotAllowed(Rejected):
    """Whoever asks is known, and may not do this."""

    code = "not_allowed"


class UnknownUser(Rejected):
    """There is nobody with this e-mail."""

    code = "unknown_user"


class UserExists(Rejected):
    """Somebody has this e-mail already."""

    code = "user_exists"


class UnknownKey(Rejected):
    """There is no such key."""

    code = "unknown_key"
