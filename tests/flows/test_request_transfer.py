"""Asking for a transfer: held at the origin, once, and never what somebody else has."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from shared.inbound.types import InboundConflict, NotEnoughFree, TransferToItself
from shared.kit.errors import Rejected
from shared.platform.db import Database
from shared.stock.types import KitHasNoStock, UnknownSku, UnknownWarehouse
from tests.flows import partitioned, transfers
from tests.support import given


def test_what_is_asked_for_is_held_at_the_origin_without_an_end(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5, "PEN": 3}, "LIS": {}})

    transfers.request(database, {"MUG": 4, "PEN": 1})

    assert given.rows(database, transfers.BALANCES) == [("MUG", "BER", 5, 4), ("PEN", "BER", 3, 1)]
    assert given.rows(
        database, "SELECT purpose, reference, state, expires_at FROM stock_holds"
    ) == [("transfer", "trf_1", "open", None)]
    assert given.told(database) == ["inbound.changed"]
    assert given.violations(database) == []


def test_nobody_else_is_promised_what_is_held_for_a_transfer(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}, "LIS": {}})
    transfers.request(database, {"MUG": 4})
    given.order(database, "ord_1", {"MUG": 2})

    given.place(database, "ord_1")

    assert given.rows(database, "SELECT state FROM orders") == [("backordered",)]


def test_the_same_request_again_changes_nothing_whatever_has_happened_since(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}, "LIS": {}})
    transfers.request(database, {"MUG": 4})
    transfers.request(database, {"MUG": 4})
    transfers.ship(database, {"MUG": 4})
    given.silence(database)

    transfers.request(database, {"MUG": 4})

    assert given.rows(database, transfers.BALANCES) == [("MUG", "BER", 1, 0)]
    assert given.told(database) == []


def test_partitions_give_together_what_none_has_alone_and_a_sale_keeps_its_own(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}, "LIS": {}})
    given.spread(database, "MUG", "BER", [4, 5])
    partitioned.allot(database, 3)

    transfers.request(database, {"MUG": 6})

    assert given.rows(
        database, "SELECT partition, held FROM stock_levels WHERE warehouse = 'BER' ORDER BY 1"
    ) == [(0, 3), (1, 3), (64, 0)]
    assert given.violations(database) == []


def test_more_than_is_free_is_refused_and_says_how_many_are(database: Database) -> None:
    # Goal: safety and what orders have are not free; all of a transfer is held or nothing.
    given.catalogue(database, {"BER": {"MUG": 9, "PEN": 9}, "LIS": {}}, safety=1)
    given.order(database, "ord_1", {"MUG": 3})
    given.place(database, "ord_1")

    with pytest.raises(NotEnoughFree) as caught:
        transfers.request(database, {"PEN": 1, "MUG": 6})

    assert str(caught.value) == (
        "lines.1.quantity: 6 of MUG are asked for, and 5 are free in BER; ask for no more than"
        " that, or of another warehouse"
    )
    assert given.rows(database, "SELECT count(*) FROM inbounds") == [(0,)]
    assert given.rows(database, "SELECT sum(held) FROM stock_levels") == [(0,)]


@pytest.mark.parametrize(
    ("units", "fields", "error", "field"),
    [
        ({"MUG": 1}, {"warehouse": "BER"}, TransferToItself, "warehouse"),
        ({"MUG": 1}, {"origin": "NYC"}, UnknownWarehouse, "origin"),
        ({"MUG": 1}, {"warehouse": "NYC"}, UnknownWarehouse, "warehouse"),
        ({"MUG": 1, "CUP": 1}, {}, UnknownSku, "lines.1.sku"),
        ({"SET": 1}, {}, KitHasNoStock, "lines.0.sku"),
        ({"MUG": 1}, {"origin": "LIS", "warehouse": "BER"}, NotEnoughFree, "lines.0.quantity"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(
    database: Database, units: dict[str, int], fields: dict[str, Any], error: Any, field: str
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}, "LIS": {}})
    given.kit(database, "SET", {"MUG": 2})

    with pytest.raises(error) as caught:
        transfers.request(database, units, **fields)

    assert caught.value.facts["field"] == field


def test_a_known_transfer_with_other_units_is_a_conflict(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}, "LIS": {}})
    transfers.request(database, {"MUG": 2})

    with pytest.raises(InboundConflict):
        transfers.request(database, {"MUG": 3})


def test_transfers_and_orders_race_for_the_last_units_and_none_is_promised_twice(
    database: Database,
) -> None:
    # Goal: whatever the interleaving, five units go to five of ten takers.
    given.catalogue(database, {"BER": {"MUG": 5}, "LIS": {}})
    for n in range(5):
        given.order(database, f"ord_{n}", {"MUG": 1})

    def take(n: int) -> bool:
        if n % 2:
            given.place(database, f"ord_{n // 2}")
            return True
        try:
            transfers.request(database, {"MUG": 1}, inbound_id=f"trf_{n}")
        except Rejected:
            return False
        return True

    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(take, range(10)))

    assert given.rows(database, "SELECT on_hand, reserved + held FROM stock_levels") == [(5, 5)]
    assert given.violations(database) == []


def test_one_request_that_comes_twice_at_once_is_one_transfer(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}, "LIS": {}})
    expected_at = database.now() + timedelta(days=1)

    with ThreadPoolExecutor(max_workers=2) as pool:
        list(
            pool.map(
                lambda _: transfers.request(database, {"MUG": 4}, expected_at=expected_at),
                range(2),
            )
        )

    assert given.rows(database, transfers.BALANCES) == [("MUG", "BER", 9, 4)]
