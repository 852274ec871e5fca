"""An admin says who may come in and what they may; it holds from the next request on."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from shared.flows.manage_users import (
    LastAdmin,
    add_user,
    set_disabled,
    set_password,
    set_role,
    sign_out_everywhere,
)
from shared.kit.errors import Malformed
from shared.people import sessions, users
from shared.people.permissions import Action
from shared.people.types import Person, Role, UnknownUser, User, UserExists
from shared.platform.db import Database, Transaction
from tests.people import given as people
from tests.support import given
from tests.support.waiting import until_somebody_waits

ADMIN = Person("root", "a new colleague")


def new(email: str = "eve@example.org", **changes: object) -> User:
    fields = {
        "user_id": "",
        "email": email,
        "name": "Eve",
        "role": Role.VIEWER,
        "warehouses": None,
        "language": "en",
        "has_second_factor": False,
        "disabled_at": None,
        "created_at": None,
        **changes,
    }
    return User(**fields)  # type: ignore[arg-type]


def add(database: Database, user: User, password: str | None = people.PASSWORD) -> None:
    database.run(lambda tx: add_user(tx, ADMIN, user, password), given.cause())


def known(database: Database, token: str) -> sessions.Session | None:
    return database.run(lambda tx: sessions.find(tx, token), given.cause())


def test_somebody_new_is_found_in_whatever_case_they_write_themselves(database: Database) -> None:
    add(database, new("Eve@Example.org"))

    found = database.run(lambda tx: users.find(tx, "eVE@example.org"), given.cause())

    assert found is not None
    assert (found.email, found.role) == ("eve@example.org", Role.VIEWER)
    assert people.trail(database) == [("root", "add_user", "eve@example.org", "a new colleague")]
    with pytest.raises(UserExists):
        add(database, new("EVE@example.org"))


@pytest.mark.parametrize(
    ("user", "password", "field"),
    [
        (new("eve"), people.PASSWORD, "email"),
        (new("eve @example.org"), people.PASSWORD, "email"),
        (new(name=" "), people.PASSWORD, "name"),
        (new(warehouses=frozenset({"MARS"})), people.PASSWORD, "warehouses"),
        (new(), "too short", "password"),
        (new(), "x" * 1_001, "password"),
    ],
)
def test_what_makes_no_sense_is_named(
    database: Database, user: User, password: str, field: str
) -> None:
    with pytest.raises(Malformed) as refused:
        add(database, user, password)

    assert refused.value.field == field


def test_another_role_holds_for_sessions_that_are_open(database: Database) -> None:
    ada = people.user(database)
    token = people.session(database, ada)

    database.run(lambda tx: set_role(tx, ADMIN, ada.email, Role.VIEWER, None), given.cause())

    session = known(database, token)
    assert session is not None
    assert not session.who.may(Action.HOLD_ORDERS)


@pytest.mark.parametrize("act", ["disable", "password", "sign out"])
def test_who_may_no_more_is_out_at_once(database: Database, act: str) -> None:
    ada = people.user(database)
    token = people.session(database, ada)

    def do(tx: object) -> None:
        if act == "disable":
            set_disabled(tx, ADMIN, ada.email, disabled=True)  # type: ignore[arg-type]
        elif act == "password":
            set_password(tx, ADMIN, ada.email, "another long one")  # type: ignore[arg-type]
        else:
            sign_out_everywhere(tx, ADMIN, ada.email)  # type: ignore[arg-type]

    database.run(do, given.cause())

    assert known(database, token) is None
    assert len(people.trail(database)) == 1


def test_the_last_admin_stays(database: Database) -> None:
    root = people.user(database, "root@example.org", Role.ADMIN)
    for act in (
        lambda tx: set_disabled(tx, ADMIN, root.email, disabled=True),
        lambda tx: set_role(tx, ADMIN, root.email, Role.OPERATOR, None),
    ):
        with pytest.raises(LastAdmin):
            database.run(act, given.cause())
    people.user(database, "second@example.org", Role.ADMIN)

    database.run(lambda tx: set_disabled(tx, ADMIN, root.email, disabled=True), given.cause())


@pytest.mark.parametrize("places", [frozenset({"BER"}), frozenset()])
def test_an_admin_of_some_warehouses_is_none_who_could_let_others_in(
    database: Database, places: frozenset[str]
) -> None:
    given.catalogue(database, {"BER": {}})
    root = people.user(database, "root@example.org", Role.ADMIN)
    people.user(database, "ber@example.org", Role.ADMIN, places)

    for act in (
        lambda tx: set_role(tx, ADMIN, root.email, Role.ADMIN, frozenset({"BER"})),
        lambda tx: set_role(tx, ADMIN, root.email, Role.VIEWER, None),
        lambda tx: set_disabled(tx, ADMIN, root.email, disabled=True),
    ):
        with pytest.raises(LastAdmin, match="the only admin of all warehouses"):
            database.run(act, given.cause())

    database.run(
        lambda tx: set_disabled(tx, ADMIN, "ber@example.org", disabled=True), given.cause()
    )


def test_of_two_admins_who_are_shut_out_at_once_one_stays(database: Database) -> None:
    people.user(database, "cleo@example.org", Role.ADMIN)
    people.user(database, "dora@example.org", Role.ADMIN)
    is_shut = Event()

    def first(tx: Transaction) -> None:
        set_disabled(tx, ADMIN, "cleo@example.org", disabled=True)
        is_shut.set()
        until_somebody_waits(database)

    def second(tx: Transaction) -> None:
        set_disabled(tx, ADMIN, "dora@example.org", disabled=True)

    with ThreadPoolExecutor(max_workers=2) as pool:
        one = pool.submit(database.run, first, given.cause())
        assert is_shut.wait(timeout=10)
        other = pool.submit(database.run, second, given.cause())

    one.result()
    with pytest.raises(LastAdmin):
        other.result()


def test_nobody_is_told(database: Database) -> None:
    with pytest.raises(UnknownUser, match="nobody has eve"):
        database.run(
            lambda tx: set_disabled(tx, ADMIN, "eve@example.org", disabled=True), given.cause()
        )
