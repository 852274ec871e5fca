"""Who may sign in and what machines have keys: for admins of all warehouses."""

from functools import partial

from shared.contracts.http_ops_acts import Because, Told
from shared.contracts.http_ops_people import (
    Invitation,
    KeyWanted,
    OpsKeys,
    OpsPeople,
    OpsPerson,
    RoleWanted,
)
from shared.edge.console.routes import Act, View, Visit, act_on
from shared.flows.manage_keys import KeyNameTaken, WantedKey, add_key, revoke_key
from shared.flows.manage_users import (
    LastAdmin,
    invite,
    lock_user,
    reset_password,
    set_disabled,
    set_role,
    set_second_factor,
    sign_out_everywhere,
)
from shared.flows.show_people import (
    MACHINES,
    facts_of,
    require_person,
    show_keys,
    show_people,
    show_person,
)
from shared.flows.versions import refuse_changed
from shared.kit.errors import DispatchError, Malformed
from shared.people.permissions import Action
from shared.people.types import Role, UnknownKey, UnknownUser, User, UserExists, Warehouses

PEOPLE_PATH = "/people"
KEYS_PATH = f"{PEOPLE_PATH}/keys"
PATH = f"{PEOPLE_PATH}/{{user_id}}"
_REFUSED: dict[type[DispatchError], int] = {
    UnknownUser: 404,
    UnknownKey: 404,
    UserExists: 409,
    KeyNameTaken: 409,
    LastAdmin: 409,
}


def _people(visit: Visit, _query: None) -> OpsPeople:
    return show_people(visit.tx, visit.who)


def _person(visit: Visit, _query: None) -> OpsPerson:
    return show_person(visit.tx, visit.parts["user_id"], visit.who)


def _keys(visit: Visit, _query: None) -> OpsKeys:
    return show_keys(visit.tx)


def _invite(visit: Visit, said: Invitation) -> Told:
    user = User(
        user_id="",
        email=said.email,
        name=said.name,
        role=Role(said.role),
        warehouses=_places(said),
        language="en",
        has_second_factor=False,
        disabled_at=None,
        created_at=visit.tx.now,
    )
    password = invite(visit.tx, visit.person(said.reason), user)
    return Told(kind="password", whose=said.email.strip().lower(), secret=password)


def _places(said: Invitation | RoleWanted | KeyWanted) -> Warehouses:
    if said.everywhere:
        return None
    if not said.warehouses:
        raise Malformed("warehouses: choose some, or all of them", field="warehouses")
    return frozenset(said.warehouses)


def _seen(visit: Visit) -> User:
    """Whoever it is about, as they were on the page, and stay until it is done."""
    email = require_person(visit.tx, visit.parts["user_id"]).email
    person = lock_user(visit.tx, email)
    refuse_changed(email, visit.seen, facts_of(person))
    return person


def _role(visit: Visit, said: RoleWanted) -> None:
    email = _seen(visit).email
    set_role(visit.tx, visit.person(said.reason), email, Role(said.role), _places(said))


def _reset(visit: Visit, said: Because) -> Told:
    email = _seen(visit).email
    password = reset_password(visit.tx, visit.person(said.reason), email)
    return Told(kind="password", whose=email, secret=password)


def _disable(visit: Visit, said: Because) -> None:
    set_disabled(visit.tx, visit.person(said.reason), _seen(visit).email, disabled=True)


def _enable(visit: Visit, said: Because) -> None:
    set_disabled(visit.tx, visit.person(said.reason), _seen(visit).email, disabled=False)


def _sign_out(visit: Visit, said: Because) -> None:
    sign_out_everywhere(visit.tx, visit.person(said.reason), _seen(visit).email)


def _drop_factor(visit: Visit, said: Because) -> None:
    set_second_factor(visit.tx, visit.person(said.reason), _seen(visit).email, wanted=False)


def _add_key(visit: Visit, said: KeyWanted) -> Told:
    unknown = sorted(set(said.actions) - set(MACHINES))
    if unknown:
        raise Malformed(f"actions: there is no {unknown[0]}", field="actions")
    wanted = WantedKey(said.name, frozenset(map(Action, said.actions)), _places(said), said.days)
    secret = add_key(visit.tx, visit.person(said.reason), wanted)
    return Told(kind="key", whose=said.name, secret=secret)


def _revoke(visit: Visit, said: Because) -> None:
    revoke_key(visit.tx, visit.person(said.reason), visit.parts["key_id"])


PEOPLE = View(
    name="listPeople",
    path=PEOPLE_PATH,
    purpose="List everybody who may sign in.",
    action=Action.SEE_PEOPLE,
    show=_people,
    answer=OpsPeople,
    template="people.html",
    tab="People",
    key="e",
)
KEYS = View(
    name="listKeys",
    path=KEYS_PATH,
    purpose="List the keys of machines.",
    action=Action.SEE_PEOPLE,
    show=_keys,
    answer=OpsKeys,
    template="keys.html",
)
PERSON = View(
    name="showPerson",
    path=PATH,
    purpose="Show somebody, and what they did.",
    action=Action.SEE_PEOPLE,
    show=_person,
    answer=OpsPerson,
    template="person.html",
    refusals={UnknownUser: 404},
)


_act = partial(act_on, PERSON, action=Action.MANAGE_PEOPLE, refusals=_REFUSED)
ROUTES = (
    PEOPLE,
    Act(
        name="invitePerson",
        path=f"{PEOPLE_PATH}/invite",
        purpose="Let somebody in, with a password that is told once and changed at first use.",
        action=Action.MANAGE_PEOPLE,
        act=_invite,
        body=Invitation,
        view=PEOPLE,
        done="They may sign in.",
        form="invite",
        refusals=_REFUSED,
        tells=True,
    ),
    KEYS,
    Act(
        name="addKey",
        path=f"{KEYS_PATH}/add",
        purpose="Make a machine's key, which is told once.",
        action=Action.MANAGE_PEOPLE,
        act=_add_key,
        body=KeyWanted,
        view=KEYS,
        done="The key is made.",
        form="add",
        refusals=_REFUSED,
        tells=True,
    ),
    Act(
        name="revokeKey",
        path=f"{KEYS_PATH}/{{key_id}}/revoke",
        purpose="A key opens nothing from the next request on.",
        action=Action.MANAGE_PEOPLE,
        act=_revoke,
        body=Because,
        view=KEYS,
        done="The key opens nothing any more.",
        form="revoke",
        refusals=_REFUSED,
    ),
    PERSON,
    _act(
        "setRole",
        "role",
        "Say what they may, and for which warehouses.",
        _role,
        done="It holds from their next request on.",
        body=RoleWanted,
    ),
    _act(
        "resetPassword",
        "password",
        "Another password, told once and changed at first use; their sessions end.",
        _reset,
        done="They have another password.",
        tells=True,
    ),
    _act(
        "disablePerson",
        "disable",
        "They may sign in no more, and are signed out everywhere.",
        _disable,
        done="They may sign in no more.",
    ),
    _act("enablePerson", "enable", "They may sign in again.", _enable, done="They may sign in."),
    _act(
        "signOutPerson",
        "sign-out",
        "End their sessions, wherever they were begun.",
        _sign_out,
        done="They are signed out everywhere.",
    ),
    _act(
        "resetSecondFactor",
        "no-code",
        "They are asked for no code any more, until they set one up again.",
        _drop_factor,
        done="They are asked for no code any more.",
    ),
)
