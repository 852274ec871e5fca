"""The console's people, keys and audit trail over HTTP. Additive only, as events are."""

from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr

from shared.contracts.base import NO_NUL, Document, Identifier, Moment
from shared.contracts.http_ops_acts import Because, Said

RoleName = Literal["viewer", "operator", "admin"]
ActorKindName = Literal["user", "key", "command", "job"]
Email = Annotated[str, Field(min_length=3, max_length=200, pattern=NO_NUL)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]
Password = Annotated[SecretStr, Field(min_length=1, max_length=1_000)]  # shown nowhere
Places = Annotated[tuple[Identifier, ...], Field(max_length=200)]


class AuditFilters(Document):
    """Which acts. `since` and `until` are bounds of when; the newest come first."""

    actor: Said = ""
    action: Said = ""
    subject_kind: Said = ""
    subject_id: Said = ""
    since: Moment | None = None
    until: Moment | None = None
    cursor: Said = ""


class AuditEntry(Document):
    """What somebody did; of what it was about, only what changed, before and after."""

    audit_id: int
    at: Moment
    actor_kind: ActorKindName
    actor: str
    action: str
    subject_kind: str
    subject_id: str
    reason: str
    before: dict[str, Any]
    after: dict[str, Any]
    correlation_id: str


class OpsAudit(Document):
    """A page of the audit trail; `next` is None on the last one."""

    entries: tuple[AuditEntry, ...]
    next: str | None


class UserRow(Document):
    """Somebody who may sign in; `warehouses` None: all."""

    user_id: str
    email: str
    name: str
    role: RoleName
    warehouses: tuple[str, ...] | None
    has_second_factor: bool
    is_new: bool  # has not chosen a password yet
    disabled_at: Moment | None
    created_at: Moment
    sessions: int
    last_seen_at: Moment | None  # in a session that has not ended


class OpsPeople(Document):
    """Everybody, by e-mail; and every warehouse that they may be there for."""

    people: tuple[UserRow, ...]
    warehouses: tuple[str, ...]
    may_change: bool


class OpsPerson(Document):
    """Somebody, with what they did last. `version` is what a change is checked against."""

    version: str
    person: UserRow
    warehouses: tuple[str, ...]
    did: tuple[AuditEntry, ...]
    told: tuple[AuditEntry, ...]  # what was done to them
    acts: tuple[str, ...]


class Invitation(Because):
    """Somebody new: `everywhere`, or only for the warehouses that are named."""

    email: Email
    name: Name
    role: RoleName
    warehouses: Places = ()
    everywhere: bool = False


class RoleWanted(Because):
    """What somebody may from now on, and where."""

    role: RoleName
    warehouses: Places = ()
    everywhere: bool = False


class OpsProfile(Document):
    """Whoever asks."""

    email: str
    name: str
    role: RoleName
    warehouses: tuple[str, ...] | None
    has_second_factor: bool
    is_new: bool
    sessions: int


class PasswordWanted(Document):
    """Another password, by whoever knows the one that there is."""

    current: Password
    wanted: Password
    again: Password


class OpsSecondFactor(Document):
    """A secret that nothing knows yet; it counts once a code of it is shown."""

    has_second_factor: bool
    secret: str
    uri: str  # what an authenticator reads


class SecondFactorWanted(Document):
    """The secret that an authenticator has now, and the code that it shows."""

    secret: Annotated[str, Field(pattern=r"^[A-Z2-7]{32}$")]
    code: Annotated[str, Field(pattern=r"^[0-9]{6}$")]


class SecondFactorUnwanted(Document):
    """A password is to be enough again; whoever knows it says so."""

    current: Password


class KeyRow(Document):
    """A machine's key; its secret is kept nowhere. `warehouses` None: all."""

    key_id: str
    name: str
    actions: tuple[str, ...]
    warehouses: tuple[str, ...] | None
    created_by: str
    created_at: Moment
    expires_at: Moment
    last_used_at: Moment | None
    revoked_at: Moment | None


class OpsKeys(Document):
    """Every key, and what another could be for."""

    keys: tuple[KeyRow, ...]
    actions: tuple[str, ...]
    warehouses: tuple[str, ...]


class KeyWanted(Because):
    """A key for certain actions, certain warehouses or `everywhere`, and so many days."""

    name: Name
    actions: Annotated[tuple[str, ...], Field(min_length=1, max_length=100)]
    warehouses: Places = ()
    everywhere: bool = False
    days: Annotated[int, Field(ge=1, le=365)]
