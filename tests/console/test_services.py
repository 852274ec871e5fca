"""Another service for a parcel at the console: what is offered, what it costs, and why not."""

import pytest

from shared.people.permissions import Action
from shared.people.types import Role
from shared.platform.db import Database
from tests.console.browser import Browser, Machine
from tests.flows import doubles
from tests.flows.rerouting import offer
from tests.people import given as people
from tests.support import given
from tests.support.clock import TestClock

PAGE = "/parcels/par_1/services"


@pytest.fixture
def offered(placed: Database, clock: TestClock) -> Database:
    """Jadlog takes it in a day for more, and does not take it by its light service."""
    offer(placed, "jadlog", 800, service="express", days=1)
    offer(placed, "jadlog", 100, service="light", max_weight_g=1)
    clock.advance(minutes=1)
    given.silence(placed)
    return placed


@pytest.fixture
def machine(operator: Browser, offered: Database) -> Machine:
    return Machine(operator.client, key=people.key(offered, *Action))


def test_the_order_leads_to_what_is_offered_with_its_price_and_day(
    operator: Browser, machine: Machine, offered: Database
) -> None:
    for path in ("/orders/ord_1", "/parcels/par_1"):
        operator.get(path)
        assert f'href="{PAGE}"' in operator.page

    found = machine.get(PAGE).get_json()

    ((quoted,),) = given.rows(offered, "SELECT quoted_cents FROM parcels")
    assert found["cost_cents"] == quoted
    assert found["offers"] == [
        {
            "rate_card_id": "jadlog@express-1",
            "carrier": "jadlog",
            "service": "express",
            "cost_cents": 800,
            "difference_cents": 800 - quoted,
            "arrives_on": "2026-03-03",
            "late_days": 0,
        }
    ]
    assert found["not_offered"] == [
        {
            "carrier": "jadlog",
            "service": "light",
            "reason": "the rate card does not go that heavy",
        }
    ]
    operator.get(PAGE)
    assert "in time" in operator.page
    assert "the rate card does not go that heavy" in operator.page


def test_it_is_chosen_with_who_and_why(operator: Browser, offered: Database) -> None:
    operator.get(PAGE)
    done = operator.post(
        f"{PAGE}/choose", rate_card_id="jadlog@express-1", reason="the customer pays for it"
    )

    assert (done.status_code, done.location) == (303, f"{PAGE}?done=chooseService")
    operator.get(done.location)
    assert "It goes by the service that you chose." in operator.page
    assert "BER · jadlog express" in operator.page
    assert people.trail(offered) == [
        ("ada@example.org", "choose_service", "ord_1", "the customer pays for it")
    ]
    operator.get("/orders/ord_1")
    assert "Rerouted from correios standard to jadlog express" in operator.page
    assert given.violations(offered) == []


def test_a_label_that_it_has_is_given_back_and_the_page_leads_to_its_twin(
    operator: Browser, offered: Database, clock: TestClock
) -> None:
    doubles.labelled(offered, "ord_1")
    operator.get(PAGE)
    assert "This parcel is cancelled and its label given back to correios" in operator.page

    done = operator.post(f"{PAGE}/choose", rate_card_id="jadlog@express-1", reason="faster")

    operator.get(done.location)
    ((twin,),) = given.rows(offered, "SELECT parcel_id FROM parcels WHERE state = 'planned'")
    assert f'href="/parcels/{twin}"' in operator.page
    assert "Nothing is to be chosen: the parcel is cancelled." in operator.page


@pytest.mark.parametrize(
    ("rate_card_id", "status", "reason"),
    [
        ("jadlog@light-1", 422, "does not go that heavy"),
        ("correios-1", 422, "goes by correios standard already"),
        ("no such prices", 400, "pattern"),
    ],
)
def test_what_cannot_be_is_told_beside_the_field(
    operator: Browser, machine: Machine, rate_card_id: str, status: int, reason: str
) -> None:
    refused = machine.post(f"{PAGE}/choose", {"rate_card_id": rate_card_id, "reason": "x"})

    assert refused.status_code == status
    problem = refused.get_json()
    told = problem["errors"][0] if "errors" in problem else problem
    assert told["field"] == "rate_card_id"
    assert reason in told["detail"]
    operator.get(PAGE)
    page = operator.post(f"{PAGE}/choose", rate_card_id=rate_card_id, reason="x")
    assert page.status_code == status
    assert 'class="error"' in operator.page


def test_what_has_changed_since_or_is_picked_is_a_conflict(
    operator: Browser, machine: Machine, offered: Database
) -> None:
    wish = {"rate_card_id": "jadlog@express-1"}
    operator.get(PAGE)
    doubles.labelled(offered, "ord_1")
    stale = operator.post(f"{PAGE}/choose", wish, reason="second")
    assert stale.status_code == 409
    assert "the order has changed since you looked" in operator.page

    doubles.picked(offered, "par_1")
    late = machine.post(f"{PAGE}/choose", {**wish, "reason": "third"})
    assert (late.status_code, late.get_json()["code"]) == (409, "too_late_to_change")
    assert machine.get(PAGE).get_json()["why_not"].startswith("is picked already")
    assert people.trail(offered) == []


def test_a_viewer_sees_prices_and_has_no_form(browser: Browser, offered: Database) -> None:
    browser.carry(people.session(offered, people.user(offered, "eve@x.org", Role.VIEWER)))
    browser.get(PAGE)
    assert "jadlog express" in browser.page
    assert "/choose" not in browser.page
