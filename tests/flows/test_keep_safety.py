"""Safety: as many units as were set are kept back, over however many rows the balance is spread."""

import pytest

from shared.ops.availability import available_to_promise
from shared.platform.db import Database
from tests.flows import partitioned
from tests.flows.partitioned import ordered, rows, spread
from tests.support import given


def available(database: Database) -> int:
    (sku,) = database.run(lambda tx: available_to_promise(tx, ["MUG"]), given.cause())
    return sku.available


@pytest.mark.parametrize("into", [1, 3])
def test_what_was_set_is_kept_back_and_no_more(database: Database, into: int) -> None:
    given.catalogue(database, {"BER": {"MUG": 10}})
    spread(database, into)
    ordered(database, "ord_1", 3)

    for safety, left in ((4, 3), (0, 7), (7, 0), (9, 0), (2, 5)):
        given.keep_back(database, "BER", {"MUG": safety})

        assert sum(row[3] for row in rows(database)) == safety
        assert available(database) == left
    assert given.violations(database) == []


def test_it_is_kept_of_what_comes_too(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 2}})
    spread(database, 4)
    given.keep_back(database, "BER", {"MUG": 6})

    given.receive(database, "BER", {"MUG": 5})

    assert available(database) == 1
    spread(database, 1)
    assert rows(database)[0] == (0, 7, 0, 6, "")


def test_what_a_sale_has_for_itself_is_not_kept_back(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 10}})
    partitioned.allot(database, 4)

    given.keep_back(database, "BER", {"MUG": 9})

    assert rows(database) == [(0, 6, 0, 9, ""), (64, 4, 0, 0, "friday")]


def test_a_warehouse_may_keep_back_what_it_does_not_have_yet(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 0}, "LIS": {}})

    given.keep_back(database, "LIS", {"MUG": 2})
    given.receive(database, "LIS", {"MUG": 3})

    assert available(database) == 1
