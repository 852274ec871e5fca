"""Suppliers' deliveries: announced, corrected, received in parts, and in any order."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.contracts.inbound import InboundAnnounced
from shared.contracts.stock import ReceivedUnits, StockReceived
from shared.flows.expect_delivery import expect_delivery
from shared.flows.receive_stock import receive_stock
from shared.inbound.types import InboundConflict, InboundEnded
from shared.platform.db import Database
from shared.stock.types import KitHasNoStock, UnknownSku, UnknownWarehouse
from tests.flows import transfers
from tests.support import given
from tests.support.clock import TestClock

COMING = """
    SELECT body::jsonb->'coming' FROM outbox
     WHERE attributes->>'ce-type' = 'dispatch.inbound.changed.v1'
     ORDER BY outbox_id DESC LIMIT 1
"""


def announce(database: Database, units: Mapping[str, int], **others: Any) -> None:
    """A supplier will deliver to BER in two days."""
    fields = {
        "inbound_id": "asn_1",
        "warehouse": "BER",
        "announced_at": database.now(),
        "expected_at": database.now() + timedelta(days=2),
        **others,
    }
    event = InboundAnnounced(lines=transfers.lines(units), **fields)
    given.apply(database, expect_delivery, event)


def receive(
    database: Database, units: Mapping[str, int], receipt_id: str = "rcp_1", **others: Any
) -> None:
    fields = {
        "inbound_id": "asn_1",
        "warehouse": "BER",
        "received_at": database.now(),
        **others,
    }
    lines = tuple(ReceivedUnits(sku=sku, quantity=n) for sku, n in units.items())
    event = StockReceived(receipt_id=receipt_id, lines=lines, **fields)
    given.apply(database, receive_stock, event)


def test_what_is_announced_is_coming_and_ends_with_its_last_unit(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 0, "PEN": 0}})
    announce(database, {"MUG": 5, "PEN": 2})
    assert given.rows(database, COMING) == [({"MUG": 5, "PEN": 2},)]

    receive(database, {"MUG": 3}, "rcp_1")
    receive(database, {"MUG": 3}, "rcp_1")
    assert given.rows(database, COMING) == [({"MUG": 2, "PEN": 2},)]
    receive(database, {"MUG": 4, "PEN": 2}, "rcp_2")

    assert given.rows(database, transfers.ITEMS) == [
        ("received", "MUG", 5, 0, 7),
        ("received", "PEN", 2, 0, 2),
    ]
    assert given.rows(database, "SELECT sku, on_hand FROM stock_levels ORDER BY 1") == [
        ("MUG", 7),
        ("PEN", 2),
    ]
    assert given.violations(database) == []


def test_a_later_announcement_replaces_an_earlier_one_and_never_the_other_way_round(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 0, "PEN": 0}})
    first = clock.now - timedelta(hours=3)
    announce(database, {"MUG": 5, "PEN": 2}, announced_at=first + timedelta(hours=1))

    announce(database, {"MUG": 9}, announced_at=first)
    assert given.rows(database, COMING) == [({"MUG": 5, "PEN": 2},)]
    announce(database, {"MUG": 6}, announced_at=first + timedelta(hours=2))

    assert given.rows(database, COMING) == [({"MUG": 6},)]


def test_a_receipt_that_comes_before_the_announcement_counts(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 0}})
    receive(database, {"MUG": 3})

    announce(database, {"MUG": 5})
    assert given.rows(database, COMING) == [({"MUG": 2},)]
    clock.advance(hours=1)
    announce(database, {"MUG": 3})

    assert given.rows(database, transfers.ITEMS) == [("received", "MUG", 3, 0, 3)]


def test_nothing_comes_any_more_when_an_announcement_says_so(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 0}})
    announce(database, {"MUG": 5})
    clock.advance(hours=1)

    announce(database, {})

    assert given.rows(database, "SELECT state FROM inbounds") == [("cancelled",)]
    clock.advance(hours=1)
    with pytest.raises(InboundEnded, match="under another inbound_id"):
        announce(database, {"MUG": 5})
    receive(database, {"MUG": 1})
    assert given.rows(database, "SELECT state FROM inbounds") == [("cancelled",)]
    assert given.rows(database, "SELECT on_hand FROM stock_levels") == [(1,)]


@pytest.mark.parametrize(
    ("units", "fields", "error", "field"),
    [
        ({"MUG": 1}, {"warehouse": "NYC"}, UnknownWarehouse, "warehouse"),
        ({"MUG": 1, "CUP": 1}, {}, UnknownSku, "lines.1.sku"),
        ({"SET": 1}, {}, KitHasNoStock, "lines.0.sku"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(
    database: Database, units: dict[str, int], fields: dict[str, Any], error: Any, field: str
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.kit(database, "SET", {"MUG": 2})

    with pytest.raises(error) as caught:
        announce(database, units, **fields)

    assert caught.value.facts["field"] == field


def test_a_delivery_and_a_transfer_are_not_taken_for_one_another(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}, "LIS": {}})
    transfers.request(database, {"MUG": 1})
    announce(database, {"MUG": 5})
    now: datetime = database.now()

    with pytest.raises(InboundConflict, match="under another inbound_id"):
        announce(database, {"MUG": 5}, inbound_id="trf_1", announced_at=now)
    with pytest.raises(InboundConflict, match=r"report it with warehouse\.transfer\.received"):
        receive(database, {"MUG": 1}, inbound_id="trf_1", warehouse="LIS")
    with pytest.raises(InboundConflict, match="asn_1 goes to BER"):
        receive(database, {"MUG": 1}, warehouse="LIS")
    with pytest.raises(InboundConflict, match="goes from a supplier to BER"):
        transfers.ship(database, {"MUG": 1}, inbound_id="asn_1")
