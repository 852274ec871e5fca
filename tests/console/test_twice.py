"""A form that is sent twice at once is done once, and tells the same both times."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask.testing import FlaskClient

from shared.edge.console import doing
from shared.flows.override_placement import hold_order
from shared.people.types import User
from shared.platform.db import Database
from shared.platform.idempotency import StillRunning
from tests.console.browser import Browser
from tests.people import given as people

PATIENCE_S = 20.0
HOLD = "shared.edge.console.pages.orders.hold_order"
Twice = Callable[..., list[tuple[int, str, str]]]


@pytest.fixture
def twice(
    client: FlaskClient, placed: Database, ada: User, monkeypatch: pytest.MonkeyPatch
) -> Twice:
    """Sends a form of a page again while it is done; status, where it leads, and the page."""
    token = people.session(placed, ada)
    looked = Browser(client)
    looked.carry(token)
    has_begun, is_waited_for = threading.Event(), threading.Event()
    pause = doing.pause

    def slowly(*said: object) -> None:
        has_begun.set()
        assert is_waited_for.wait(PATIENCE_S)
        hold_order(*said)  # type: ignore[arg-type]

    def waiting() -> None:
        is_waited_for.set()
        pause()

    monkeypatch.setattr(HOLD, slowly)
    monkeypatch.setattr(doing, "pause", waiting)

    def send(page: str, form: str, said: Mapping[str, object]) -> list[tuple[int, str, str]]:
        looked.get(page)

        def one() -> tuple[int, str, str]:
            browser = Browser(client.application.test_client(), looked.page)
            browser.carry(token)
            answer = browser.post(form, said, reason="twice")
            return answer.status_code, answer.location or "", browser.page

        with ThreadPoolExecutor(max_workers=2) as pool:
            first = pool.submit(one)
            assert has_begun.wait(PATIENCE_S)
            second = pool.submit(one)
            return [first.result(), second.result()]

    return send


def test_a_form(twice: Twice, placed: Database) -> None:
    first, second = twice("/orders/ord_1", "/orders/ord_1/hold", {})

    assert first == second
    assert first[:2] == (303, "/orders/ord_1?done=holdOrder")
    assert len(people.trail(placed)) == 1


def test_many_at_once(twice: Twice, placed: Database) -> None:
    said = {"order_ids": "ord_1", "as_seen": "ord_1=placed"}
    first, second = twice("/orders", "/orders/many/hold?", said)

    assert first == second
    assert first[0] == 200
    assert "1 of 1 held" in first[2]
    assert len(people.trail(placed)) == 1


def test_what_takes_too_long_is_told_so(
    operator: Browser, placed: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doing, "PATIENCE_S", 0.0)

    def never(*_: object) -> None:
        raise StillRunning("not answered yet", retry_after_s=1)

    monkeypatch.setattr(HOLD, never)
    operator.get("/orders/ord_1")

    assert operator.post("/orders/ord_1/hold", reason="x").status_code == 503
    assert "Not answered yet" in operator.page
