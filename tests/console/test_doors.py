"""Who comes in, how a browser is told to keep them, and how they leave."""

import re

import pyotp
import pytest
from flask.testing import FlaskClient

from shared import wiring
from shared.edge.console.answers import POLICY
from shared.edge.console.desk import Desk
from shared.edge.console.rendering import sentence
from shared.flows.manage_users import set_second_factor
from shared.people.sign_in_attempts import OF_AN_ACCOUNT
from shared.people.types import Person, User
from shared.platform.db import Database
from shared.platform.iap import IapVerifier
from tests.console.browser import Browser
from tests.edge.serving import function
from tests.people import given as people
from tests.people.given import PASSWORD
from tests.support import given
from tests.support.clock import TestClock


def test_a_stranger_is_asked_to_sign_in_and_goes_on_to_where_they_wanted(
    browser: Browser, ada: User
) -> None:
    asked = browser.get("/orders?late=true&q=a%26b")
    assert asked.status_code == 303
    assert asked.location == "/sign-in?next=/orders?late=true%26q=a%2526b"

    browser.get(asked.location)
    wanted = re.search(r'name="next" value="([^"]*)"', browser.page)
    assert wanted
    following = wanted[1].replace("&amp;", "&")
    opened = browser.post("/sign-in", email=ada.email, password=PASSWORD, next=following)

    assert opened.status_code == 303
    assert opened.location == "/orders?late=true&q=a%26b"
    assert browser.get(opened.location).status_code == 200


@pytest.mark.parametrize(
    "elsewhere", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", ""]
)
def test_signing_in_leads_to_no_other_place(browser: Browser, ada: User, elsewhere: str) -> None:
    assert browser.sign_in(ada.email, PASSWORD, elsewhere).location == "/"


def test_a_wrong_password_is_told_on_the_form_which_keeps_the_e_mail(
    browser: Browser, ada: User
) -> None:
    refused = browser.sign_in(ada.email, "wrong")

    assert refused.status_code == 422
    assert "The e-mail or the password is wrong." in browser.page
    assert f'value="{ada.email}"' in browser.page
    assert "wrong" not in re.sub(r"password is wrong", "", browser.page)


def test_a_form_of_the_doors_begins_where_the_next_thing_is_to_be_typed(
    browser: Browser, ada: User
) -> None:
    def begins() -> list[str]:
        return re.findall(r'<input id="([a-z_-]+)"[^>]* autofocus', browser.page)

    browser.get("/sign-in")
    assert begins() == ["sign_in-email"]
    browser.sign_in(ada.email, "wrong")
    assert begins() == ["sign_in-password"]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("the code is wrong", "The code is wrong."),
        ("Is it?", "Is it?"),
        ("name: nobody has it", "name: nobody has it"),
        ("over. gone", "Over. gone."),
    ],
)
def test_what_a_refusal_says_is_a_sentence_of_the_page(said: str, shown: str) -> None:
    assert sentence(said) == shown


def test_guessing_is_slowed_down_by_whom_the_proxy_saw(browser: Browser, ada: User) -> None:
    # Goal: an address that the sender writes itself must not make it another sender.
    for number in range(OF_AN_ACCOUNT + 1):
        browser.headers["X-Forwarded-For"] = f"192.0.2.{number}, 203.0.113.5"
        refused = browser.sign_in(ada.email, "wrong")

    assert refused.status_code == 429
    rows = given.rows(browser_database(browser), "SELECT count(*) FROM sign_in_attempts")
    assert rows == [(2,)], "one account, one address"


def browser_database(_browser: Browser) -> Database:
    return wiring.desk().services.database


def test_the_session_is_in_a_cookie_that_scripts_and_other_sites_do_not_get(
    desk: Desk, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring, "desk", lambda: desk._replace(is_local=False))
    browser = Browser(function("ops"))
    browser.client.set_cookie("__Host-door", "x" * 43)

    page = browser.client.get("/sign-in", base_url="https://localhost")
    token = re.search(r'name="token" value="([^"]*)"', page.get_data(as_text=True))
    assert token
    opened = browser.client.post(
        "/sign-in",
        base_url="https://localhost",
        data={"token": token[1], "email": ada.email, "password": PASSWORD},
    )

    (cookie,) = [c for c in opened.headers.getlist("Set-Cookie") if "session" in c]
    assert cookie.startswith("__Host-session=")
    for word in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
        assert word in cookie
    assert "Domain" not in cookie
    assert "max-age" in opened.headers["Strict-Transport-Security"]


def test_a_page_may_run_and_show_only_what_is_its_own(operator: Browser) -> None:
    for path in ("/", "/orders", "/nowhere", "/sign-in"):
        answer = operator.get(path)
        assert answer.headers["Content-Security-Policy"] == POLICY
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert not re.search(
            r"<script(?! type=\"module\" src=)|<style|\sstyle=|\son\w+=", operator.page
        )
    assert "unsafe" not in POLICY
    assert "default-src 'none'" in POLICY


def test_style_and_script_have_names_that_may_be_kept_for_ever(browser: Browser) -> None:
    browser.get("/sign-in")
    paths = re.findall(r'(?:href|src)="(/assets/[^"]+)"', browser.page)

    assert len(set(paths)) == 3
    for path in set(paths):
        answer = browser.client.get(path)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]
    assert browser.client.get("/assets/console.css").status_code == 404


def test_signing_out_ends_this_session_alone_or_all(
    browser: Browser, database: Database, ada: User, client: FlaskClient
) -> None:
    here, there = people.session(database, ada), people.session(database, ada)
    browser.carry(here)
    browser.get("/")
    left = browser.post("/sign-out")
    assert (left.status_code, left.location) == (303, "/sign-in")
    browser.carry(here)
    assert browser.get("/").status_code == 303
    browser.carry(there)
    assert browser.get("/").status_code == 200

    browser.post("/sign-out", everywhere="yes")
    browser.carry(there)
    assert browser.get("/").status_code == 303
    assert given.rows(database, "SELECT count(*) FROM sessions") == [(0,)]


def test_with_a_second_factor_nothing_opens_before_the_code(
    browser: Browser, database: Database, ada: User, clock: TestClock
) -> None:
    uri = database.run(
        lambda tx: set_second_factor(tx, Person("root", "safer"), ada.email, wanted=True),
        given.cause(),
    )
    totp = pyotp.parse_uri(str(uri))
    assert isinstance(totp, pyotp.TOTP)

    half = browser.sign_in(ada.email, PASSWORD, "/orders")
    assert half.location == "/sign-in/code?next=/orders"
    assert browser.get("/orders").status_code == 303
    browser.sign_in(ada.email, PASSWORD, "/orders")
    browser.get("/sign-in/code?next=/orders")
    assert browser.post("/sign-in/code", code="000000").status_code == 422
    opened = browser.post("/sign-in/code", code=totp.at(clock.now), next="/orders")

    assert (opened.status_code, opened.location) == (303, "/orders")
    assert browser.get("/orders").status_code == 200


@pytest.mark.parametrize("vouched", [None, "bob@example.org"])
def test_behind_the_proxy_a_session_counts_only_with_its_word(
    *,
    desk: Desk,
    database: Database,
    ada: User,
    vouched: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Proxy(IapVerifier):
        def __init__(self) -> None:
            self.word: str | None = ada.email

        def email(self, assertion: str | None) -> str:
            if self.word is None:
                return IapVerifier("x", "http://127.0.0.1:1/", database.now).email(assertion)
            return self.word

    proxy = Proxy()
    monkeypatch.setattr(wiring, "desk", lambda: desk._replace(iap=proxy))
    browser = Browser(function("ops"))

    opened = browser.get("/sign-in?next=/orders")
    assert (opened.status_code, opened.location) == (303, "/orders")
    assert browser.get("/orders").status_code == 200
    assert browser.post("/sign-in", email=ada.email, password="x").status_code != 200
    proxy.word = vouched
    assert browser.get("/orders").status_code == 303
    assert browser.get("/sign-in").status_code == 401
