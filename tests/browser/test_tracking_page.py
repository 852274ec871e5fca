"""The page of an order on a phone, without scripts, by those who see and those who listen."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from shared import wiring
from shared.edge.services import Services
from shared.edge.tracking_page import serve
from shared.ops.order_story import Story, tell
from shared.platform.auth import Verifier
from shared.platform.config import Config
from shared.platform.db import Database
from tests.edge.serving import function
from tests.flows import doubles
from tests.platform.doubles import RecordingQueues, RecordingTopics, relay
from tests.support import given
from tests.support.clock import TestClock
from tests.support.served import served
from tests.tracking_page.situations import NOW, SITUATIONS

PHONE, NARROW, DESK = 360, 320, 1280
LANGUAGES = ("en", "pt", "de")


@pytest.fixture
def site(
    config: Config, database: Database, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The deployed function, on the tests' database."""
    services = Services(
        database,
        relay(database, RecordingTopics(), RecordingQueues()),
        Verifier(config, clock),
    )
    monkeypatch.setattr(wiring, "services", lambda: services)
    with served(function("tracking_page").application) as address:
        yield address


@pytest.fixture
def gallery(site: str, clock: TestClock, monkeypatch: pytest.MonkeyPatch) -> str:
    """The function, where the name of a situation opens an order in it."""

    def follow(_tx: object, name: str) -> Story | None:
        return tell(SITUATIONS[name], NOW) if name in SITUATIONS else None

    clock.now = NOW
    monkeypatch.setattr(serve, "follow_order", follow)
    return site


def without_scripts(chromium: Browser, width: int) -> Page:
    context = chromium.new_context(
        viewport={"width": width, "height": 700}, java_script_enabled=False
    )
    return context.new_page()


def test_a_customer_opens_the_link_on_a_phone_without_scripts(
    chromium: Browser, site: str, database: Database
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_4711", {"MUG": 2}, language="en")
    given.place(database, "ord_4711")
    doubles.labelled(database, "ord_4711")
    ((token,),) = given.rows(database, "SELECT tracking_token FROM orders")
    page = without_scripts(chromium, PHONE)
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))

    page.goto(f"{site}/{token}")

    assert page.locator("h1").inner_text() == "Arriving by Friday, 6\N{NO-BREAK SPACE}March"
    assert "We are packing your parcel." in page.locator("main").inner_text()
    assert page.locator("[aria-current=step]").inner_text().startswith("Ordered")
    assert all(url.startswith(site) for url in loaded)

    page.get_by_role("link", name="Deutsch").click()

    assert page.locator("h1").inner_text() == "Kommt bis Freitag, 6.\N{NO-BREAK SPACE}März"
    page.context.close()


def test_each_parcel_of_several_has_a_history_that_opens_without_scripts(
    chromium: Browser, gallery: str
) -> None:
    page = without_scripts(chromium, PHONE)
    page.goto(f"{gallery}/two-parcels")
    history = page.locator("details").first

    assert not history.locator("ol").is_visible()
    history.locator("summary").click()

    assert history.locator("ol").is_visible()
    page.context.close()


def test_nothing_is_wider_than_the_narrowest_phone(chromium: Browser, gallery: str) -> None:
    context = chromium.new_context(viewport={"width": NARROW, "height": 700})
    page = context.new_page()
    wide = []
    for name in (*SITUATIONS, "nothing-here"):
        for language in LANGUAGES:
            page.goto(f"{gallery}/{name}?lang={language}")
            if page.evaluate("document.documentElement.scrollWidth") > NARROW:
                wide.append((name, language))

    assert wide == []
    context.close()


@pytest.mark.parametrize(("width", "scheme"), [(PHONE, "light"), (DESK, "dark")])
def test_no_rule_of_accessibility_is_broken_in_any_situation(
    chromium: Browser, gallery: str, width: int, scheme: str
) -> None:
    # Goal: contrast, names, order of headings, language; by axe, whose rules follow WCAG 2.
    context = chromium.new_context(
        viewport={"width": width, "height": 700},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()
    broken = []
    for number, name in enumerate((*SITUATIONS, "nothing-here")):
        page.goto(f"{gallery}/{name}?lang={LANGUAGES[number % len(LANGUAGES)]}")
        found = Axe().run(page)
        broken += [(name, rule["id"], rule["help"]) for rule in found.response["violations"]]

    assert broken == []
    context.close()


def test_a_screen_reader_is_told_how_far_the_parcel_is(chromium: Browser, gallery: str) -> None:
    page = without_scripts(chromium, PHONE)
    page.goto(f"{gallery}/on-its-way")

    read_out = page.locator(".steps").aria_snapshot().replace(" ,", ",").splitlines()
    assert read_out == [
        '- list "Progress":',
        "  - listitem: Ordered, done",
        "  - listitem: Packed, done",
        "  - listitem: On its way, now",
        "  - listitem: Out for delivery, still to come",
        "  - listitem: Delivered, still to come",
    ]
    page.context.close()


def test_the_policy_of_the_page_lets_no_script_run(chromium: Browser, gallery: str) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{gallery}/on-its-way")
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))

    page.evaluate("""() => {
        const script = document.createElement('script');
        script.textContent = 'window.ran = true';
        document.head.append(script);
    }""")

    assert page.evaluate("window.ran") is None
    assert any("Content Security Policy" in text for text in refused)
    context.close()


def test_on_paper_dark_colours_are_light_ones_and_every_history_is_there(
    chromium: Browser, gallery: str
) -> None:
    context = chromium.new_context(color_scheme="dark", java_script_enabled=False)
    page = context.new_page()
    page.emulate_media(media="print")
    page.goto(f"{gallery}/two-parcels")

    tones = "e => getComputedStyle(e).getPropertyValue('--deep')"
    assert page.locator(".parcel").first.evaluate(tones) == "#0e6539"
    assert page.locator("details ol").last.is_visible()
    context.close()
