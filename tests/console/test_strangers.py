"""What nobody sends by accident is refused; it is no fault of ours, and wakes nobody."""

import base64

import pytest
from flask.testing import FlaskClient

from shared.people.permissions import Action
from shared.people.types import User
from shared.platform.db import Database
from tests.console.browser import Browser, Machine
from tests.people import given as people
from tests.people.given import PASSWORD
from tests.support import given

OWN = "a sentence that ends with a space "


@pytest.mark.parametrize(
    ("path", "quoted"),
    [
        ("/x%0Dy", "/x%0Dy"),
        ("/%C5%BC?q=%C5%BC", "/%C5%BC?q=%25C5%25BC"),
        ("/x%00y", "/x%00y"),
    ],
)
def test_a_path_that_no_header_could_carry_is_quoted(
    browser: Browser, path: str, quoted: str
) -> None:
    asked = browser.get(path)

    assert (asked.status_code, asked.location) == (303, f"/sign-in?next={quoted}")


@pytest.mark.parametrize("following", ["/\u017c", "/x\r\ny", "/\0"])
def test_whoever_is_in_goes_on_to_a_place_that_can_be_told(
    browser: Browser, ada: User, following: str
) -> None:
    assert browser.sign_in(ada.email, PASSWORD, following).status_code == 303


def test_an_e_mail_that_no_database_takes_is_wrong(browser: Browser, ada: User) -> None:
    assert browser.sign_in("a\0b@example.org", PASSWORD).status_code == 422
    assert "The e-mail or the password is wrong." in browser.page


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "null", "//", ""])
def test_an_origin_that_is_none_is_not_ours(
    operator: Browser, placed: Database, origin: str
) -> None:
    operator.get("/orders/ord_1")
    operator.headers["Origin"] = origin

    assert operator.post("/orders/ord_1/hold", reason="x").status_code == 403
    assert given.rows(placed, "SELECT state FROM orders") == [("placed",)]


def test_a_version_that_is_nested_deeper_than_anybody_reads_is_none(
    client: FlaskClient, placed: Database
) -> None:
    deep = base64.urlsafe_b64encode(b"[" * 5_000).decode().rstrip("=")
    machine = Machine(client, key=people.key(placed, *Action))

    refused = machine.post("/orders/ord_1/hold", {"reason": "x"}, headers={"If-Match": f'"{deep}"'})

    assert (refused.status_code, refused.get_json()["field"]) == (400, "If-Match")


@pytest.mark.parametrize("number", ["9" * 5_000, "99999", "-1", "\u0663"])
def test_a_row_with_a_number_that_no_page_gives_is_none(
    operator: Browser, placed: Database, number: str
) -> None:
    operator.get("/orders/ord_1")

    refused = operator.post("/orders/ord_1/split", {f"units.{number}.sku": "MUG"}, reason="x")

    assert refused.status_code == 400
    assert "Nothing was changed." in operator.page


def test_a_password_is_taken_to_the_letter(operator: Browser, placed: Database, ada: User) -> None:
    operator.get("/me")
    changed = operator.post("/me/password", current=PASSWORD, wanted=OWN, again=OWN)

    assert changed.status_code == 303
    assert operator.sign_in(ada.email, OWN.strip()).status_code == 422
    assert operator.sign_in(ada.email, OWN).status_code == 303
