"""What a person does on a page is a step like any other: it has a trace, figures and a cost."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from shared import wiring
from shared.edge.console.desk import Desk
from shared.people.types import User
from shared.platform import metrics, trace
from shared.platform.db import Database
from tests.console.browser import Browser
from tests.edge.serving import function
from tests.edge.test_arrival import TRACE, Told
from tests.people import given as people
from tests.people.given import PASSWORD
from tests.platform.doubles import RecordingQueues, RecordingTopics, relay
from tests.support import given

COSTS = "SELECT steps FROM software_costs"


@pytest.fixture
def told() -> Iterator[Told]:
    found = Told()
    metrics.keep_with(found)
    yield found
    metrics.keep_with(None)


def attempts(told: Told) -> list[tuple[object, object]]:
    return [(labels["source"], labels["outcome"]) for _, labels in told.of("dispatch.attempts")]


def test_what_an_act_announces_goes_on_with_its_trace(
    placed: Database, ada: User, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    topics = RecordingTopics()
    services = replace(desk.services, relay=relay(placed, topics, RecordingQueues()))
    monkeypatch.setattr(wiring, "desk", lambda: desk._replace(services=services))
    operator = Browser(function("ops"))
    operator.carry(people.session(placed, ada))
    given.silence(placed)
    operator.get("/orders/ord_1")
    operator.headers[trace.HEADER] = f"00-{TRACE}-00f067aa0ba902b7-01"

    assert operator.post("/orders/ord_1/hold", reason="x").status_code == 303

    traces = {attributes[trace.ATTRIBUTE].split("-")[1] for attributes in topics.attributes}
    assert traces == {TRACE}


def test_pages_forms_and_doors_are_counted_by_what_they_are(
    browser: Browser, placed: Database, ada: User, told: Told
) -> None:
    browser.sign_in(ada.email, "wrong")
    browser.sign_in(ada.email, PASSWORD)
    browser.get("/orders/ord_1")
    browser.post("/orders/ord_1/hold", reason="x")
    browser.get("/orders/ord_9")
    browser.get("/nowhere")

    assert attempts(told) == [
        ("signIn", "rejected"),
        ("signIn", "done"),
        ("showOrderStory", "done"),
        ("holdOrder", "done"),
        ("showOrderStory", "rejected"),
    ]
    wiring.desk().services.software_costs.keep(placed)
    assert given.rows(placed, COSTS) == [(5,)]


def test_a_stranger_has_no_cost_written_down(
    browser: Browser, placed: Database, told: Told
) -> None:
    # Goal: who is nobody waits for no database, and makes nobody else wait for it.
    for path in ("/sign-in", "/orders/ord_1", "/nowhere"):
        browser.get(path)

    assert attempts(told) == [("showOrderStory", "done")]
    assert given.rows(placed, COSTS) == []
