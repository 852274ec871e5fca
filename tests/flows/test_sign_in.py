"""Who knows the password comes in; who guesses is slowed down and learns nothing."""

from collections.abc import Callable
from typing import TypeVar

import pyotp
import pytest

from shared.flows.manage_users import set_disabled, set_password, set_second_factor
from shared.flows.sign_in import Opened, SignIn, confirm_code, sign_in, vouched
from shared.flows.steps import Run
from shared.people import proofs, sessions, sign_in_attempts
from shared.people.sessions import Session
from shared.people.sign_in_attempts import OF_AN_ACCOUNT, OF_AN_ADDRESS, WINDOW
from shared.people.types import Person, Role, SignInRefused, TooManyAttempts
from shared.platform.db import Database, Transaction
from shared.platform.sql import text
from tests.people import given as people
from tests.people.given import PASSWORD
from tests.support import given
from tests.support.clock import TestClock

Result = TypeVar("Result")
ADMIN = Person("root", "because")
EMAIL = "ada@example.org"


def runner(database: Database) -> Run:
    def run(step: Callable[[Transaction], Result]) -> Result:
        return database.run(step, given.cause())

    return run


def attempt(
    database: Database, password: str = PASSWORD, email: str = EMAIL, address: str = "203.0.113.5"
) -> Opened:
    return sign_in(runner(database), SignIn(email, password, address))


def session(database: Database, token: str) -> Session | None:
    return database.run(lambda tx: sessions.find(tx, token), given.cause())


def test_the_right_password_opens_a_session_and_is_kept_in_the_trail(database: Database) -> None:
    people.user(database)

    opened = attempt(database, email=" ADA@example.org ".strip())

    found = session(database, opened.token)
    assert found is not None
    assert found.is_complete
    assert people.trail(database) == [(EMAIL, "sign_in", EMAIL, "by password")]


def test_whoever_is_wrong_hears_the_same(database: Database) -> None:
    people.user(database)
    gone = people.user(database, "bob@example.org", Role.ADMIN)
    people.user(database, "root@example.org", Role.ADMIN)
    database.run(lambda tx: set_disabled(tx, ADMIN, gone.email, disabled=True), given.cause())

    said = set()
    for email, password in (
        (EMAIL, "wrong"),
        ("nobody@example.org", PASSWORD),
        (gone.email, PASSWORD),
        ("", ""),
    ):
        with pytest.raises(SignInRefused) as refused:
            attempt(database, password, email)
        said.add(str(refused.value))

    assert said == {"the e-mail or the password is wrong"}
    assert given.rows(database, "SELECT count(*) FROM sessions") == [(0,)]


def test_without_a_password_of_ones_own_none_opens(database: Database) -> None:
    # Goal: an account for the proxy alone has no password, and the empty one is none.
    people.user(database)
    database.statement(text("UPDATE users SET password_hash = ''"))

    for password in ("", PASSWORD):
        with pytest.raises(SignInRefused):
            attempt(database, password)


def test_an_account_is_closed_for_a_while_after_too_many_failures(
    database: Database, clock: TestClock
) -> None:
    people.user(database)
    for _ in range(OF_AN_ACCOUNT):
        with pytest.raises(SignInRefused):
            attempt(database, "wrong")

    with pytest.raises(TooManyAttempts) as refused:
        attempt(database, address="198.51.100.7")
    clock.advance(seconds=WINDOW.total_seconds() + 1)

    assert refused.value.facts["retry_after_s"] == WINDOW.total_seconds() + 1
    assert attempt(database).is_complete


def test_an_account_that_nobody_has_is_closed_as_well(database: Database) -> None:
    # Goal: who is counted must not tell who is there.
    for _ in range(OF_AN_ACCOUNT):
        with pytest.raises(SignInRefused):
            attempt(database, "wrong", "nobody@example.org")

    with pytest.raises(TooManyAttempts):
        attempt(database, "wrong", "nobody@example.org")


def test_an_address_is_closed_that_tries_many_accounts(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.people.proofs.fits", lambda *_: False)
    people.user(database)
    for number in range(OF_AN_ADDRESS):
        with pytest.raises(SignInRefused):
            attempt(database, "wrong", f"user{number}@example.org")

    with pytest.raises(TooManyAttempts):
        attempt(database)
    monkeypatch.undo()
    assert attempt(database, address="198.51.100.7").is_complete


def test_success_forgets_the_failures_of_the_account(database: Database) -> None:
    people.user(database)
    for _ in range(3):
        for _ in range(OF_AN_ACCOUNT - 1):
            with pytest.raises(SignInRefused):
                attempt(database, "wrong", address="198.51.100.7")
        attempt(database)


def test_with_a_second_factor_half_a_session_opens_nothing_else(
    database: Database, clock: TestClock
) -> None:
    people.user(database)
    uri = database.run(lambda tx: set_second_factor(tx, ADMIN, EMAIL, wanted=True), given.cause())
    totp = pyotp.parse_uri(str(uri))
    assert isinstance(totp, pyotp.TOTP)

    half = attempt(database)
    found = session(database, half.token)
    assert found is not None
    assert not half.is_complete
    assert not found.is_complete
    with pytest.raises(SignInRefused):
        confirm_code(runner(database), half.token, found, "000000", "203.0.113.5")
    code = totp.at(clock.now)
    whole = confirm_code(runner(database), half.token, found, code, "203.0.113.5")

    assert session(database, half.token) is None
    confirmed = session(database, whole.token)
    assert confirmed is not None
    assert confirmed.is_complete
    again = attempt(database)
    half_again = session(database, again.token)
    assert half_again is not None
    with pytest.raises(SignInRefused, match="used before"):
        confirm_code(runner(database), again.token, half_again, code, "203.0.113.5")


def changed(database: Database, how: str) -> None:
    """An admin decides about Ada."""

    def change(tx: Transaction) -> None:
        if how == "password":
            set_password(tx, ADMIN, EMAIL, "another long one")
        elif how == "second factor":
            set_second_factor(tx, ADMIN, EMAIL, wanted=True)
        else:
            set_disabled(tx, ADMIN, EMAIL, disabled=True)

    database.run(change, given.cause())


@pytest.mark.parametrize("how", ["password", "second factor", "disabled"])
def test_who_was_changed_while_their_password_was_looked_at_is_not_let_in(
    database: Database, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    people.user(database)
    fits = proofs.fits

    def slowly(password: str, hashed: str | None) -> bool:
        changed(database, how)
        return fits(password, hashed)

    monkeypatch.setattr(proofs, "fits", slowly)

    with pytest.raises(SignInRefused):
        attempt(database)
    assert given.rows(database, "SELECT count(*) FROM sessions") == [(0,)]


@pytest.mark.parametrize("how", ["password", "second factor", "disabled"])
def test_who_was_changed_before_their_code_came_signs_in_anew(
    database: Database, clock: TestClock, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    people.user(database)
    uri = database.run(lambda tx: set_second_factor(tx, ADMIN, EMAIL, wanted=True), given.cause())
    totp = pyotp.parse_uri(str(uri))
    assert isinstance(totp, pyotp.TOTP)
    half = attempt(database)
    found = session(database, half.token)
    assert found is not None

    steps = iter(["count the attempt", "look at the code"])

    def run(step: Callable[[Transaction], Result]) -> Result:
        if next(steps) == "look at the code":
            changed(database, how)
        return database.run(step, given.cause())

    with pytest.raises(SignInRefused, match="sign in again"):
        confirm_code(run, half.token, found, totp.at(clock.now), "203.0.113.5")
    assert given.rows(database, "SELECT count(*) FROM sessions WHERE is_complete") == [(0,)]


def test_many_who_come_in_from_one_address_are_no_attack(database: Database) -> None:
    people.user(database)
    bea = people.user(database, "bea@example.org")
    uri = database.run(lambda tx: set_second_factor(tx, ADMIN, EMAIL, wanted=True), given.cause())
    totp = pyotp.parse_uri(str(uri))
    assert isinstance(totp, pyotp.TOTP)
    with pytest.raises(SignInRefused):
        attempt(database, "wrong", bea.email)
    address = "SELECT failures FROM sign_in_attempts WHERE subject LIKE 'address:%'"

    for _ in range(3):
        attempt(database, email=bea.email)
    half = attempt(database)
    assert given.rows(database, address) == [(1,)], "only what failed counts"
    found = session(database, half.token)
    assert found is not None
    code = totp.at(database.now())
    confirm_code(runner(database), half.token, found, code, "203.0.113.5")

    assert given.rows(database, address) == [(1,)]


def test_an_e_mail_that_no_database_takes_is_nobodys(database: Database) -> None:
    with pytest.raises(SignInRefused, match="the e-mail or the password is wrong"):
        attempt(database, email="a\0da@example.org")


def test_the_proxy_vouches_only_for_who_has_an_account(database: Database) -> None:
    people.user(database)

    opened = database.run(lambda tx: vouched(tx, EMAIL), given.cause())

    assert session(database, opened.token) is not None
    with pytest.raises(SignInRefused, match="has no account here"):
        database.run(lambda tx: vouched(tx, "bob@example.org"), given.cause())


def test_counts_that_count_no_more_are_forgotten(database: Database, clock: TestClock) -> None:
    with pytest.raises(SignInRefused):
        attempt(database)

    clock.advance(seconds=WINDOW.total_seconds())
    assert database.run(lambda tx: sign_in_attempts.forget(tx, 10), given.cause()) == 0
    clock.advance(seconds=1)
    assert database.run(lambda tx: sign_in_attempts.forget(tx, 10), given.cause()) == 2
