"""The link to an order's page: one an order, not to be guessed, made when it is accepted."""

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from shared.flows.accept_order import accept_order
from shared.flows.link_order import link_order
from shared.kit.ids import new_token
from shared.orders.types import UnknownOrder
from shared.platform.db import Database, LostRace
from shared.platform.sql import text
from tests.support import given

PAGES = "https://track.dispatch.test/orders"


@pytest.fixture(autouse=True)
def catalogue(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})


def link(database: Database, order_id: str) -> str:
    return database.run(lambda tx: link_order(tx, order_id, PAGES), given.cause())


def test_an_accepted_order_is_announced_with_the_link_to_its_page(database: Database) -> None:
    event = given.submitted("ord_1", {"MUG": 2})

    database.run(lambda tx: accept_order(tx, event, PAGES), given.cause())

    ((announced,),) = given.rows(database, "SELECT body::json->>'tracking_url' FROM outbox")
    assert re.fullmatch(rf"{PAGES}/[A-Za-z0-9_-]{{22}}", announced)
    assert link(database, "ord_1") == announced


def test_where_orders_have_no_pages_none_is_announced_and_each_has_its_token(
    database: Database,
) -> None:
    given.order(database, "ord_1", {"MUG": 2})

    ((announced,),) = given.rows(database, "SELECT body::json->>'tracking_url' FROM outbox")
    assert announced is None
    assert given.rows(database, "SELECT tracking_token IS NOT NULL FROM orders") == [(True,)]


def test_every_order_has_a_link_of_its_own(database: Database) -> None:
    for order_id in ("ord_1", "ord_2", "ord_3"):
        given.order(database, order_id, {"MUG": 1})

    assert len({link(database, order_id) for order_id in ("ord_1", "ord_2", "ord_3")}) == 3


def test_an_order_from_before_gets_its_link_when_it_is_asked_for_and_keeps_it(
    database: Database,
) -> None:
    given.order(database, "ord_1", {"MUG": 2})
    database.statement(text("UPDATE orders SET tracking_token = NULL"))

    first = link(database, "ord_1")

    assert re.fullmatch(rf"{PAGES}/[A-Za-z0-9_-]{{22}}", first)
    assert link(database, "ord_1") == first


def test_of_two_that_ask_at_once_for_an_order_from_before_both_get_the_same_link(
    database: Database,
) -> None:
    given.order(database, "ord_1", {"MUG": 2})
    database.statement(text("UPDATE orders SET tracking_token = NULL"))
    start = Barrier(4)

    def ask(_number: int) -> str:
        start.wait(timeout=10)
        return link(database, "ord_1")

    with ThreadPoolExecutor(max_workers=4) as pool:
        links = set(pool.map(ask, range(4)))

    assert len(links) == 1


def test_there_is_no_link_to_an_order_that_does_not_exist(database: Database) -> None:
    with pytest.raises(UnknownOrder):
        link(database, "ord_none")


def test_two_orders_never_share_a_token(database: Database) -> None:
    given.order(database, "ord_1", {"MUG": 1})
    given.order(database, "ord_2", {"MUG": 1})

    with pytest.raises(LostRace):
        database.statement(text("UPDATE orders SET tracking_token = 'the same'"))


def test_a_token_has_128_random_bits_and_fits_into_an_address() -> None:
    tokens = {new_token() for _ in range(1_000)}

    assert len(tokens) == 1_000
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", token) for token in tokens)
