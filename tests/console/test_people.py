"""People, keys and oneself at the console: what is secret is told once, and to whom it concerns."""

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pyotp
import pytest
from flask.testing import FlaskClient

from shared.edge.console.desk import Desk
from shared.flows.manage_users import invite, set_role, set_second_factor
from shared.flows.sign_in import vouched
from shared.people import sessions
from shared.people.permissions import Action
from shared.people.sign_in_attempts import OF_AN_ACCOUNT
from shared.people.types import Person, Role, User
from shared.platform.db import Database, Transaction
from tests.console.browser import Browser, Machine
from tests.people import given as people
from tests.people.given import PASSWORD
from tests.support import given
from tests.support.clock import TestClock
from tests.support.waiting import until_somebody_waits

BEA = {"email": "Bea@example.org", "name": "Bea", "role": "operator", "reason": "she is new"}
OWN = "a sentence of my own, long enough"


@pytest.fixture
def cleo(placed: Database) -> User:
    return people.user(placed, "cleo@example.org", Role.ADMIN)


@pytest.fixture
def admin(browser: Browser, placed: Database, cleo: User) -> Browser:
    """The browser of an admin who is signed in."""
    browser.carry(people.session(placed, cleo))
    return browser


def secret_of(page: str) -> str:
    found = re.search(r'<code class="secret"[^>]*>([^<]*)</code>', page)
    assert found
    return found[1].strip()


def everything_kept(database: Database) -> str:
    """All that is written down of what was asked and answered."""
    tables = ("idempotency_keys", "audit_log", "users", "api_keys")
    rows = [given.rows(database, f"SELECT to_jsonb(t)::text FROM {name} AS t") for name in tables]
    return str(rows)


def test_whoever_is_invited_chooses_a_password_before_anything_else(
    admin: Browser, placed: Database
) -> None:
    admin.get("/people")
    told = admin.post("/people/invite", BEA, everywhere="true")
    password = secret_of(admin.page)
    assert told.status_code == 200
    assert password not in everything_kept(placed)

    guest = Browser(admin.client)
    guest.sign_in("bea@example.org", password)
    looked = guest.get("/orders")
    assert (looked.status_code, looked.location) == (303, "/me")
    assert guest.get("/api/v1/orders").status_code == 403
    guest.get("/me")
    guest.post("/me/password", current=password, wanted=OWN, again=OWN)
    assert guest.get("/me").status_code == 303, "every session has ended"
    guest.sign_in("bea@example.org", OWN)
    assert guest.get("/orders").status_code == 200
    assert guest.sign_in("bea@example.org", password).status_code == 422
    assert OWN not in everything_kept(placed)


def test_a_form_that_is_sent_twice_tells_the_secret_once(admin: Browser, placed: Database) -> None:
    admin.get("/people")
    before = admin.page
    admin.post("/people/invite", BEA, everywhere="true")
    password = secret_of(admin.page)
    admin.page = before
    admin.post("/people/invite", BEA, everywhere="true")

    assert "It was shown already" in admin.page
    assert password not in admin.page
    assert len(people.trail(placed)) == 1


@pytest.mark.parametrize(
    ("wrong", "status", "said"),
    [
        ({"email": "nobody"}, 400, "email: is none"),
        ({"email": "cleo@example.org"}, 409, "cleo@example.org is somebody&#39;s already"),
        ({"everywhere": ""}, 400, "Choose some, or all of them."),
        ({"everywhere": "", "warehouses": "MARS"}, 400, "there is no MARS"),
        ({"role": "king"}, 400, "Nothing was changed."),
        ({"reason": ""}, 400, 'aria-invalid="true"'),
    ],
)
def test_an_invitation_that_makes_no_sense_is_told_so(
    admin: Browser, placed: Database, wrong: dict[str, str], status: int, said: str
) -> None:
    admin.get("/people")
    refused = admin.post("/people/invite", {**BEA, "everywhere": "true", **wrong})

    assert refused.status_code == status
    assert said in admin.page
    assert given.rows(placed, "SELECT count(*) FROM users") == [(1,)]


def test_what_somebody_may_changes_with_their_next_request(
    admin: Browser, placed: Database, ada: User
) -> None:
    operator = Machine(admin.client, key="", session=people.session(placed, ada))
    page = f"/people/{ada.user_id}"
    admin.get(page)
    done = admin.post(f"{page}/role", role="viewer", warehouses="LIS", reason="she has moved")

    assert done.status_code == 303
    assert operator.get("/orders").get_json()["orders"] == [], "the order goes from BER"
    assert operator.post("/orders/ord_1/hold", {"reason": "x"}).status_code == 403
    assert people.trail(placed)[-1] == (
        "cleo@example.org",
        "set_role",
        ada.email,
        "she has moved",
    )


def test_of_two_admins_the_second_sees_what_the_first_decided(
    admin: Browser, placed: Database, ada: User
) -> None:
    page = f"/people/{ada.user_id}"
    admin.get(page)
    machine = Machine(admin.client, key=people.key(placed, *Action))
    machine.post(f"{page}/disable", {"reason": "left"})

    refused = admin.post(f"{page}/role", role="admin", everywhere="true", reason="promoted")

    assert refused.status_code == 409
    assert re.search(r"may sign in</th><td>yes</td><td>no</td>", admin.page)


@pytest.mark.parametrize("word", ["sign-out", "disable"])
def test_whoever_is_shut_or_signed_out_is_so_at_once(
    admin: Browser, placed: Database, ada: User, word: str
) -> None:
    session = people.session(placed, ada)
    page = f"/people/{ada.user_id}"
    admin.get(page)
    assert admin.post(f"{page}/{word}", reason="because").status_code == 303

    assert Machine(admin.client, session=session).get("/orders").status_code == 401


def test_whoever_is_let_in_again_may_sign_in(admin: Browser, placed: Database, ada: User) -> None:
    page = f"/people/{ada.user_id}"
    for word in ("disable", "enable"):
        admin.get(page)
        assert admin.post(f"{page}/{word}", reason="because").status_code == 303

    assert Browser(admin.client).sign_in(ada.email, PASSWORD).status_code == 303


def test_somebody_who_lost_their_password_gets_another_once(
    admin: Browser, placed: Database, ada: User
) -> None:
    page = f"/people/{ada.user_id}"
    admin.get(page)
    admin.post(f"{page}/password", reason="she forgot it")
    password = secret_of(admin.page)

    guest = Browser(admin.client)
    assert guest.sign_in(ada.email, PASSWORD).status_code == 422
    assert guest.sign_in(ada.email, password).status_code == 303
    assert guest.get("/").location == "/me"


def test_the_last_admin_cannot_be_shut_out(admin: Browser, placed: Database, cleo: User) -> None:
    page = f"/people/{cleo.user_id}"
    admin.get(page)

    assert admin.post(f"{page}/disable", reason="goodbye").status_code == 409
    assert "is the only admin" in admin.page


def test_a_key_is_told_once_opens_what_it_is_for_and_ends(admin: Browser, placed: Database) -> None:
    wanted = {"name": "till", "actions": ["see_orders"], "warehouses": ["BER"], "days": "30"}
    admin.get("/people/keys")
    admin.post("/people/keys/add", wanted, reason="a new till")
    key = secret_of(admin.page)
    till = Machine(admin.client, key=key)
    ((key_id,),) = given.rows(placed, "SELECT key_id FROM api_keys")

    assert key not in everything_kept(placed)
    assert till.get("/orders").status_code == 200
    assert till.get("/letters").status_code == 403
    admin.get("/people/keys")
    assert key not in admin.page
    assert admin.post(f"/people/keys/{key_id}/revoke", reason="lost").status_code == 303
    assert till.get("/orders").status_code == 401
    assert [entry[1] for entry in people.trail(placed)] == ["add_key", "revoke_key"]


def test_the_name_of_a_live_key_is_taken_and_told_beside_the_field(
    admin: Browser, placed: Database
) -> None:
    wanted = {"name": "till", "actions": ["see_orders"], "warehouses": ["BER"], "days": "30"}
    admin.get("/people/keys")
    admin.post("/people/keys/add", wanted, reason="a new till")
    admin.get("/people/keys")

    refused = admin.post("/people/keys/add", wanted, reason="another till")

    assert refused.status_code == 409
    assert "is the name of a key that is good until" in admin.page
    assert 'aria-invalid="true"' in admin.page


@pytest.mark.parametrize(
    "wrong",
    [
        {"actions": ["fly"]},
        {"actions": []},
        {"days": "0"},
        {"warehouses": []},
        {"warehouses": ["MARS"]},
        {"name": "cleo@example.org"},
    ],
)
def test_a_key_that_makes_no_sense_is_refused(
    admin: Browser, placed: Database, wrong: dict[str, object]
) -> None:
    wanted = {"name": "till", "actions": ["see_orders"], "warehouses": ["BER"], "days": "30"}
    admin.get("/people/keys")

    assert admin.post("/people/keys/add", {**wanted, **wrong}, reason="x").status_code == 400
    assert given.rows(placed, "SELECT count(*) FROM api_keys") == [(0,)]


def test_the_last_admin_of_all_warehouses_stays_one(
    admin: Browser, placed: Database, cleo: User
) -> None:
    page = f"/people/{cleo.user_id}"
    admin.get(page)

    assert admin.post(f"{page}/role", role="admin", warehouses="BER", reason="x").status_code == 409
    assert admin.get("/people").status_code == 200


def test_somebody_who_changes_while_it_is_compared_is_compared_as_they_are_then(
    admin: Browser, placed: Database, ada: User
) -> None:
    page = f"/people/{ada.user_id}"
    admin.get(page)
    is_changed = Event()

    def change(tx: Transaction) -> None:
        set_role(tx, Person("dora", "second admin"), ada.email, Role.VIEWER, None)
        is_changed.set()
        until_somebody_waits(placed)

    with ThreadPoolExecutor(max_workers=1) as pool:
        other = pool.submit(placed.run, change, given.cause())
        assert is_changed.wait(timeout=10)
        refused = admin.post(f"{page}/role", role="admin", everywhere="true", reason="promoted")
        other.result(timeout=30)

    assert refused.status_code == 409
    assert "<td>operator</td><td>viewer</td>" in admin.page
    assert given.rows(placed, "SELECT role FROM users WHERE email LIKE 'ada%'") == [("viewer",)]


def test_an_admin_of_some_warehouses_lets_nobody_in(browser: Browser, placed: Database) -> None:
    ber = people.user(placed, "ber@example.org", Role.ADMIN, frozenset({"BER"}))
    browser.carry(people.session(placed, ber))

    assert browser.get("/people").status_code == 403
    assert "This holds for every warehouse" in browser.page


SECRET_OF_ADA = "SELECT totp_secret FROM users WHERE email = 'ada@example.org'"


def others(database: Database, ada: User) -> tuple[str, str]:
    """Another session of hers, and one of somebody else."""
    bob = people.user(database, "bob@example.org")
    return people.session(database, ada), people.session(database, bob)


def assert_only_others_are_out(here: Browser, elsewhere: str, of_others: str) -> None:
    """Her other sessions have ended; the one at hand and those of other people go on."""
    assert here.get("/me").status_code == 200
    for token, status in ((elsewhere, 303), (of_others, 200)):
        there = Browser(here.client.application.test_client())
        there.carry(token)
        assert there.get("/me").status_code == status


def test_what_an_admin_decides_about_a_second_factor_ends_all_sessions(
    operator: Browser, placed: Database, ada: User
) -> None:
    assert operator.get("/me").status_code == 200

    placed.run(
        lambda tx: set_second_factor(tx, Person("root", "lost"), ada.email, wanted=False),
        given.cause(),
    )

    assert operator.get("/me").status_code == 303


def test_a_second_factor_counts_once_its_code_was_shown(
    operator: Browser, placed: Database, ada: User, clock: TestClock
) -> None:
    operator.get("/me/second-factor")
    assert '<svg class="qr"' in operator.page
    shown = secret_of(operator.page).replace(" ", "")
    path = "/me/second-factor/confirm"

    assert operator.post(path, secret=shown, code="000000").status_code == 422
    assert secret_of(operator.page).replace(" ", "") == shown, "it is the same on the next try"
    code = pyotp.TOTP(shown).at(clock.now)
    elsewhere, of_others = others(placed, ada)
    assert operator.post(path, secret=shown, code=code).status_code == 303
    assert_only_others_are_out(operator, elsewhere, of_others)
    assert given.rows(placed, SECRET_OF_ADA) == [(shown,)]
    assert operator.sign_in(ada.email, PASSWORD).location == "/sign-in/code"


def test_a_second_factor_is_dropped_by_whoever_knows_the_password(
    operator: Browser, placed: Database, ada: User
) -> None:
    placed.run(
        lambda tx: set_second_factor(tx, Person("root", "safer"), ada.email, wanted=True),
        given.cause(),
    )
    operator.carry(people.session(placed, ada))
    elsewhere, of_others = others(placed, ada)
    operator.get("/me")

    assert operator.post("/me/no-code", current="wrong").status_code == 422
    assert "this is not your password" in operator.page
    assert operator.post("/me/no-code", current=PASSWORD).status_code == 303
    assert_only_others_are_out(operator, elsewhere, of_others)
    assert given.rows(placed, SECRET_OF_ADA) == [(None,)]


def test_guessing_the_password_of_a_session_is_slowed_down(
    operator: Browser, placed: Database
) -> None:
    for _ in range(OF_AN_ACCOUNT + 1):
        operator.get("/me")
        refused = operator.post("/me/password", current="guess", wanted=OWN, again=OWN)

    assert refused.status_code == 429
    operator.get("/me")
    right = operator.post("/me/password", current=PASSWORD, wanted=OWN, again=OWN)
    assert right.status_code == 429


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"wanted": OWN, "again": "other"}, "is not the same password"),
        ({"wanted": "short", "again": "short"}, "12 to 1000 characters are wanted"),
        ({"wanted": PASSWORD, "again": PASSWORD}, "is the one that you have"),
    ],
)
def test_a_password_that_will_not_do_is_told_and_shown_nowhere(
    operator: Browser, fields: dict[str, str], said: str
) -> None:
    operator.get("/me")

    assert operator.post("/me/password", fields, current=PASSWORD).status_code == 400
    assert said in operator.page
    assert PASSWORD not in operator.page


def test_a_machine_has_no_profile(client: FlaskClient, placed: Database) -> None:
    machine = Machine(client, key=people.key(placed, Action.KEEP_PROFILE))

    assert machine.get("/me").get_json()["code"] == "no_profile"
    assert machine.post("/me/no-code", {"current": "x"}).get_json()["code"] == "no_profile"


def test_behind_the_proxy_a_password_that_nobody_needs_opens_nothing(
    desk: Desk, placed: Database
) -> None:
    bea = people.user(placed, "ada@example.org")._replace(email="bea@example.org")
    run = desk.services.runner(given.cause())
    run(lambda tx: invite(tx, Person("root", "new"), bea))

    opened = run(lambda tx: vouched(tx, "bea@example.org"))

    session = run(lambda tx: sessions.find(tx, opened.token))
    assert session is not None
    assert session.who.may(Action.SEE_ORDERS)
    assert given.rows(
        placed, "SELECT password_hash FROM users WHERE email = 'bea@example.org'"
    ) == [("",)]
