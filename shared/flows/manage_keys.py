"""Machines get keys of their own, for certain actions, certain warehouses and a certain time."""

from dataclasses import dataclass
from datetime import timedelta

from shared.flows.audited import KEY
from shared.flows.manage_users import check_warehouses
from shared.kit.errors import Malformed, Rejected
from shared.kit.ids import new_id
from shared.people import api_keys, audit_log, proofs
from shared.people.audit_log import Subject
from shared.people.permissions import Action
from shared.people.types import LONGEST_WORD, ApiKey, Person, UnknownKey, Warehouses
from shared.platform.db import Transaction

LONGEST_DAYS = 365


class KeyNameTaken(Rejected):
    """The audit trail and people tell keys apart by their names."""

    code = "key_name_taken"


@dataclass(frozen=True, slots=True)
class WantedKey:
    """What a key is called and for."""

    name: str
    actions: frozenset[Action]
    warehouses: Warehouses
    days: int


def add_key(tx: Transaction, person: Person, wanted: WantedKey) -> str:
    """Make a key, and return it: it is told this once.

    Raises:
        Malformed: it has no name or a person's, is for nothing, for too long, or for no warehouse
            that there is.
        KeyNameTaken: another key has this name, and opens something.
    """
    if not 0 < len(wanted.name.strip()) <= LONGEST_WORD or "\0" in wanted.name:
        raise Malformed(f"name: 1 to {LONGEST_WORD} characters are wanted", field="name")
    if "@" in wanted.name:
        raise Malformed("name: must not be an e-mail; the audit trail has both", field="name")
    check_warehouses(tx, wanted.warehouses)
    if not wanted.actions:
        raise Malformed("actions: at least one is wanted", field="actions")
    if not 1 <= wanted.days <= LONGEST_DAYS:
        raise Malformed(f"days: must be 1 to {LONGEST_DAYS}", field="days")
    name = wanted.name.strip()
    taken = api_keys.live(tx, name)
    if taken is not None:
        raise KeyNameTaken(
            f"name: {name!r} is the name of a key that is good until {taken.expires_at:%Y-%m-%d};"
            " revoke that, or choose another name",
            field="name",
        )
    # Before the new one: two changes of one statement would not see each other. Who adds the same
    # name at the same moment is refused by the index, runs anew, and finds it taken.
    tx.write(api_keys.end(tx, name))
    secret = proofs.new_token()
    key = ApiKey(
        key_id=new_id("key"),
        name=name,
        actions=wanted.actions,
        warehouses=wanted.warehouses,
        created_by=person.by,
        created_at=tx.now,
        expires_at=tx.now + timedelta(days=wanted.days),
        last_used_at=None,
        revoked_at=None,
    )
    tx.write(
        api_keys.add(tx, key, secret),
        audit_log.record(
            tx,
            person,
            "add_key",
            Subject(KEY, key.key_id),
            before={},
            after={
                "name": key.name,
                "actions": sorted(key.actions),
                "warehouses": None if key.warehouses is None else sorted(key.warehouses),
                "days": wanted.days,
            },
        ),
    )
    return proofs.key_text(key.key_id, secret)


def revoke_key(tx: Transaction, person: Person, key_id: str) -> None:
    """The key opens nothing from the next request on; revoking it again changes nothing.

    Raises:
        UnknownKey: there is no such key.
    """
    known = {key.key_id: key for key in api_keys.all_keys(tx)}
    if key_id not in known:
        raise UnknownKey(f"key_id: there is no {key_id}", field="key_id")
    if known[key_id].revoked_at is not None:
        return
    tx.write(
        api_keys.revoke(tx, key_id),
        audit_log.record(
            tx,
            person,
            "revoke_key",
            Subject(KEY, key_id),
            before={"revoked": False},
            after={"revoked": True},
        ),
    )
