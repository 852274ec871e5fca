"""Who may sign in, what machines have keys, and oneself."""

from shared.contracts.http_ops_people import (
    AuditFilters,
    KeyRow,
    OpsKeys,
    OpsPeople,
    OpsPerson,
    OpsProfile,
    OpsSecondFactor,
    UserRow,
)
from shared.flows.audited import USER
from shared.flows.versions import version
from shared.kit.errors import Rejected
from shared.ops import audit_list, people_list
from shared.ops.order_surroundings import warehouse_names
from shared.people import api_keys, proofs, users
from shared.people.permissions import Action, Who
from shared.people.sessions import IDLE
from shared.people.types import ActorKind, UnknownUser, User
from shared.platform.db import Transaction

MACHINES = sorted(set(Action) - {Action.KEEP_PROFILE})  # what a key can be for


class NoProfile(Rejected):
    """A machine has no password and no authenticator."""

    code = "no_profile"


def show_people(tx: Transaction, who: Who) -> OpsPeople:
    """Everybody, those who may sign in no more last."""
    return OpsPeople(
        people=tuple(people_list.everybody(tx, IDLE)),
        warehouses=tuple(warehouse_names(tx)),
        may_change=who.may(Action.MANAGE_PEOPLE),
    )


def show_person(tx: Transaction, user_id: str, who: Who) -> OpsPerson:
    """Somebody, with what they did and what was done to them last.

    Raises:
        UnknownUser: nobody has this id.
    """
    person = require_person(tx, user_id)
    found = ["role", "password", "sign-out"]
    found += ["enable"] if person.disabled_at else ["disable"]
    found += ["no-code"] if person.has_second_factor else []
    about = AuditFilters(subject_kind=USER, subject_id=person.email)
    return OpsPerson(
        version=version(facts_of(person)),
        person=person,
        warehouses=tuple(warehouse_names(tx)),
        did=audit_list.latest(tx, AuditFilters(actor=person.email)),
        told=audit_list.latest(tx, about),
        acts=tuple(found) if who.may(Action.MANAGE_PEOPLE) else (),
    )


def require_person(tx: Transaction, user_id: str) -> UserRow:
    """Whoever has this id.

    Raises:
        UnknownUser: nobody has.
    """
    person = people_list.somebody(tx, user_id, IDLE)
    if person is None:
        raise UnknownUser(f"user_id: nobody has {user_id}", field="user_id")
    return person


def facts_of(person: UserRow | User) -> dict[str, str]:
    """What somebody who decides about them has seen."""
    places = "all" if person.warehouses is None else ", ".join(sorted(person.warehouses))
    return {
        "role": person.role,
        "warehouses": places,
        "may sign in": "no" if person.disabled_at else "yes",
    }


def show_keys(tx: Transaction) -> OpsKeys:
    """Every key, the newest first, and what another could be for."""
    return OpsKeys(
        keys=tuple(
            KeyRow(
                key_id=key.key_id,
                name=key.name,
                actions=tuple(sorted(key.actions)),
                warehouses=None if key.warehouses is None else tuple(sorted(key.warehouses)),
                created_by=key.created_by,
                created_at=key.created_at,
                expires_at=key.expires_at,
                last_used_at=key.last_used_at,
                revoked_at=key.revoked_at,
            )
            for key in reversed(api_keys.all_keys(tx))
        ),
        actions=tuple(MACHINES),
        warehouses=tuple(warehouse_names(tx)),
    )


def show_profile(tx: Transaction, who: Who) -> OpsProfile:
    """Whoever asks.

    Raises:
        NoProfile: a machine does.
    """
    user = require_self(tx, who)
    person = require_person(tx, user.user_id)
    return OpsProfile(
        email=user.email,
        name=user.name,
        role=person.role,
        warehouses=person.warehouses,
        has_second_factor=user.has_second_factor,
        is_new=person.is_new,
        sessions=person.sessions,
    )


def offer_second_factor(tx: Transaction, who: Who) -> OpsSecondFactor:
    """A secret for an authenticator; nothing knows it before a code of it is shown.

    Raises:
        NoProfile: a machine asks.
    """
    user = require_self(tx, who)
    secret = proofs.new_totp_secret()
    return OpsSecondFactor(
        has_second_factor=user.has_second_factor,
        secret=secret,
        uri=proofs.totp_uri(secret, user.email),
    )


def require_self(tx: Transaction, who: Who) -> User:
    """The user that whoever asks is.

    Raises:
        NoProfile: it is a machine.
    """
    user = users.find(tx, who.name) if who.kind is ActorKind.USER else None
    if user is None:
        raise NoProfile("a machine has no password; an admin makes it another key")
    return user
