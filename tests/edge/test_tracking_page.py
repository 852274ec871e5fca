"""The page as a browser gets it: to whom it says what, what it forbids, what may be kept."""

import re
from datetime import timedelta
from urllib.parse import urljoin

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.edge.tracking_page import serve
from shared.platform.db import Database, DatabaseUnavailable
from tests.edge.serving import Caller, function
from tests.support import given
from tests.support.clock import TestClock


@pytest.fixture
def browser(caller: Caller, database: Database) -> FlaskClient:
    given.catalogue(database, {"BER": {"MUG": 5}})
    return function("tracking_page")


@pytest.fixture
def token(database: Database, browser: FlaskClient) -> str:
    """Opens the page of an order in German."""
    given.order(database, "ord_4711", {"MUG": 2})
    ((token,),) = given.rows(database, "SELECT tracking_token FROM orders")
    return str(token)


def comparable(answer: TestResponse) -> tuple[int, dict[str, str], bytes]:
    headers = {name: value for name, value in answer.headers if name != "Date"}
    return answer.status_code, headers, answer.data


def test_a_token_opens_the_page_of_its_order_in_its_language(
    browser: FlaskClient, token: str
) -> None:
    answer = browser.get(f"/{token}")

    assert (answer.status_code, answer.content_type) == (200, "text/html; charset=utf-8")
    assert '<html lang="de"' in answer.text
    assert "Bestellung …4711" in answer.text
    assert token not in answer.text


@pytest.mark.parametrize("lang", ["pt", "pt-BR", "PT"])
def test_another_language_can_be_asked_for(browser: FlaskClient, token: str, lang: str) -> None:
    assert '<html lang="pt"' in browser.get(f"/{token}?lang={lang}").text


@pytest.mark.parametrize("lang", ["", "fr", "<script>", "de&lang=en"])
def test_one_that_there_is_not_changes_nothing(browser: FlaskClient, token: str, lang: str) -> None:
    assert '<html lang="de"' in browser.get(f"/{token}?lang={lang}").text


def test_the_page_is_kept_by_the_browser_alone_and_asked_for_again_by_what_it_was(
    browser: FlaskClient, token: str, database: Database
) -> None:
    first = browser.get(f"/{token}")
    tag = {"If-None-Match": first.headers["ETag"]}

    again = browser.get(f"/{token}", headers=tag)
    given.place(database, "ord_4711")
    moved = browser.get(f"/{token}", headers=tag)

    assert first.headers["Cache-Control"] == "private, max-age=30, must-revalidate"
    assert (again.status_code, again.data) == (304, b"")
    assert moved.status_code == 200


def test_a_new_day_is_another_page(browser: FlaskClient, token: str, clock: TestClock) -> None:
    first = browser.get(f"/{token}")
    clock.now += timedelta(days=1)

    answer = browser.get(f"/{token}", headers={"If-None-Match": first.headers["ETag"]})

    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["", "A" * 22, "short", "A" * 5_000, "%00", "a/b", "ä", ".env"])
def test_whatever_opens_no_page_gets_the_same_answer(
    browser: FlaskClient, token: str, path: str
) -> None:
    # Goal: nobody learns how a token looks, or how near a guess was.
    answer = browser.get(f"/{path}")

    assert answer.status_code == 404
    assert comparable(answer) == comparable(browser.get("/" + "B" * 22))
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_token_is_taken_as_it_is_written(browser: FlaskClient, token: str) -> None:
    assert browser.get(f"/{token.swapcase()}").status_code == 404
    assert browser.get(f"/{token}A").status_code == 404


@pytest.mark.parametrize(
    ("read", "language"),
    [("pt-BR,pt;q=0.9", "pt"), ("fr, de;q=0.5", "de"), ("fr", "en"), ("", "en"), ("*", "en")],
)
def test_a_page_of_no_order_is_in_a_language_that_its_reader_reads(
    browser: FlaskClient, read: str, language: str
) -> None:
    answer = browser.get("/nothing", headers={"Accept-Language": read})

    assert f'<html lang="{language}"' in answer.text
    assert answer.headers["Vary"] == "Accept-Language"


def test_who_asks_for_the_headers_alone_gets_them(browser: FlaskClient, token: str) -> None:
    whole, head = browser.get(f"/{token}"), browser.head(f"/{token}")

    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["ETag"] == whole.headers["ETag"]
    assert head.headers["Content-Length"] == whole.headers["Content-Length"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(browser: FlaskClient, token: str, method: str) -> None:
    answer = browser.open(f"/{token}", method=method)

    assert (answer.status_code, answer.data) == (405, b"")
    assert answer.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["token", "none", "style"])
def test_every_answer_forbids_what_the_page_does_not_need(
    browser: FlaskClient, token: str, path: str
) -> None:
    style = re.search(r'href="(style-[0-9a-f]+\.css)"', browser.get(f"/{token}").text)
    assert style is not None
    paths = {"token": token, "none": "none", "style": style[1]}

    headers = browser.get(f"/{paths[path]}").headers

    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert "script-src" not in policy
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in headers["X-Robots-Tag"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in headers


def test_what_the_page_loads_is_there_and_may_be_kept_for_ever(
    browser: FlaskClient, token: str
) -> None:
    loaded = re.findall(r'<link [^>]*href="([^"]+)"', browser.get(f"/{token}").text)

    assert len(loaded) == 2
    for name in loaded:
        answer = browser.get(f"/{name}")
        assert (answer.status_code, bool(answer.data)) == (200, True)
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("path", ["{token}/", "nothing/here/", "//nothing"])
def test_the_page_has_its_looks_however_its_address_was_written(
    browser: FlaskClient, token: str, path: str
) -> None:
    address = f"https://shop.test/{path.format(token=token)}"
    loaded = re.findall(r'<link [^>]*href="([^"]+)"', browser.get(address).text)

    assert len(loaded) == 2
    for name in loaded:
        assert browser.get(urljoin(address, name)).status_code == 200


def test_while_the_database_does_not_answer_the_page_says_so_and_when_to_come_back(
    browser: FlaskClient, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_tx: object, _token: str) -> None:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(serve, "follow_order", fail)

    answer = browser.get(f"/{token}")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert "not affected" in answer.text


def test_a_fault_of_ours_is_told_without_its_details(
    browser: FlaskClient, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_tx: object, _token: str) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(serve, "follow_order", fail)

    answer = browser.get(f"/{token}")

    assert answer.status_code == 500
    assert "secret" not in answer.text


def test_the_token_is_in_no_line_of_the_log(
    browser: FlaskClient,
    token: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_tx: object, _token: str) -> None:
        raise RuntimeError(_token)

    browser.get(f"/{token}")
    monkeypatch.setattr(serve, "follow_order", fail)
    browser.get(f"/{token}")

    said = capsys.readouterr()
    assert "page.failed" in said.out + said.err
    assert token not in said.out + said.err


def test_what_a_page_costs_is_written_down_and_what_a_stranger_costs_waits(
    browser: FlaskClient, caller: Caller, token: str, database: Database
) -> None:
    kept = "SELECT steps FROM software_costs"
    browser.get("/nobodys")
    assert given.rows(database, kept) == []

    browser.get(f"/{token}")
    assert given.rows(database, kept) == [(2,)]
