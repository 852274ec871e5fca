"""A real Chromium, where the machine has one; and the console, served as it is deployed."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from shared import wiring
from tests.console.conftest import ada, cabinet, client, desk, placed, queues
from tests.people.given import PASSWORD
from tests.stream.conftest import serve as stream_of
from tests.support.served import served

__all__ = [
    "ada",
    "cabinet",
    "client",
    "desk",
    "placed",
    "queues",
]  # fixtures, for the tests here as well

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PATIENCE_MS = 20_000.0  # on a machine that is busy with other things
WIDTHS = (1440, 1024, 390)


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab of a person's browser at the console."""

    page: Page
    address: str

    def go(self, path: str) -> None:
        """Look at a page of the console."""
        self.page.goto(self.address + path)

    def sign_in(self, email: str) -> None:
        """By the form that is shown."""
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()

    def beside(self) -> "Tab":
        """Another tab of the same browser."""
        return Tab(self.page.context.new_page(), self.address)

    def check(self) -> None:
        """Nothing is in the way of anybody, and nothing is wider than the window."""
        found = Axe().run(self.page).response["violations"]
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 900})
            assert self.page.evaluate("document.documentElement.scrollWidth") <= width
        self.page.set_viewport_size({"width": WIDTHS[0], "height": 900})


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The machine's own Chromium; without one these tests are left out, and say so.

    Not for longer than this folder: while it is open an event loop runs, and others want their own.
    """
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"NO BROWSER TEST WAS RUN: there is none of {', '.join(NAMES)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture
def address(client: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where the console is served, by threads as in production."""
    console: Flask = client.application  # type: ignore[attr-defined]
    app = DispatcherMiddleware(console, {"/live": stream_of(monkeypatch)})
    with served(app) as found:
        yield found
        wiring.post().hub.send_away("deaf")


@pytest.fixture
def person(chromium: Browser, address: str) -> Iterator[Callable[..., Tab]]:
    """Opens a browser of its own for whoever is named; whatever goes wrong in it fails the test."""
    opened: list[BrowserContext] = []
    wrong: list[str] = []

    def open_browser(scheme: str = "light") -> Tab:
        context = chromium.new_context(
            color_scheme=scheme,  # type: ignore[arg-type]
            viewport={"width": WIDTHS[0], "height": 900},
        )
        context.set_default_timeout(PATIENCE_MS)
        context.on("weberror", lambda error: wrong.append(str(error.error)))
        context.on(
            "console",
            lambda said: wrong.append(said.text) if "Content Security" in said.text else None,
        )
        opened.append(context)
        return Tab(context.new_page(), address)

    yield open_browser
    for context in opened:
        context.close()
    assert wrong == []
