"""How promises stood, beside the throughput, on the first page."""

from shared.flows.measure import measure
from shared.people.types import User
from shared.platform.db import Database
from shared.platform.sql import text
from tests.console.browser import Browser
from tests.people import given as people
from tests.support import given
from tests.support.clock import TestClock


def test_the_first_page_shows_how_promises_stood_over_the_day(
    browser: Browser, placed: Database, ada: User, clock: TestClock
) -> None:
    clock.advance(days=3, hours=7)  # it is promised for the fourth day
    browser.carry(people.session(placed, ada))
    browser.get("/")
    assert "Nobody has looked yet" in browser.page
    placed.run(measure, given.cause())

    browser.get("/")

    assert "Promises at risk, last 24 hours" in browser.page
    assert "1 at risk, 0 broken" in browser.page
    assert "1 of 1 orders that no carrier had, 100 %" in browser.page


def test_where_no_promise_is_at_risk_the_plot_says_none(
    browser: Browser, placed: Database, ada: User
) -> None:
    placed.run(measure, given.cause())
    browser.carry(people.session(placed, ada))

    browser.get("/")

    assert "broken <span" in browser.page
    assert "highest 0 at once" in browser.page


def test_an_order_that_is_promised_for_another_year_says_which(
    browser: Browser, placed: Database, ada: User
) -> None:
    browser.carry(people.session(placed, ada))
    browser.get("/orders/ord_1")
    assert "</time> 2026" not in browser.page
    placed.statement(text("UPDATE orders SET promised_at = '9999-12-31T23:59Z'"))

    browser.get("/orders/ord_1")

    assert "31 Dec 23:59</time> 9999</dd>" in browser.page
