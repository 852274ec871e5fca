"""`python3 -m emulators link`: where a customer can follow an order."""

import pytest

from emulators.laptop import link
from shared.platform.config import Config
from shared.platform.db import Database
from tests.support import given
from tests.support.commands import PAGES_URL, Command, as_json, command


@pytest.fixture
def linked(
    config: Config,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    return command("link", config, monkeypatch, capsys)


def test_the_address_is_printed_alone(linked: Command, database: Database) -> None:
    ((token,),) = given.rows(database, "SELECT tracking_token FROM orders")

    code, out, _ = linked("ord_1")

    assert (code, out) == (0, f"{PAGES_URL}/{token}\n")
    assert as_json(linked, "ord_1") == {"url": f"{PAGES_URL}/{token}"}


def test_an_order_that_does_not_exist_is_a_mistake(linked: Command) -> None:
    code, out, err = linked("ord_none")

    assert (code, out) == (1, "")
    assert "there is no order ord_none (unknown_order)" in err


def test_where_orders_have_no_pages_that_is_said(
    linked: Command, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "settings", lambda: config)

    code, _, err = linked("ord_1")

    assert code == 1
    assert "DISPATCH_TRACKING_PAGE_URL is not set" in err
