"""A transfer is cancelled: its units are free again, and who waits for them is woken."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from shared.inbound.types import InboundEnded, InboundNotHereYet
from shared.kit.errors import Rejected
from shared.platform.db import Database
from tests.flows import transfers
from tests.support import given


def asked(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}, "LIS": {}})
    transfers.request(database, {"MUG": 4})
    given.silence(database)


def test_what_was_held_is_free_and_told_once(database: Database) -> None:
    asked(database)

    transfers.cancel(database)
    transfers.cancel(database)

    assert given.rows(database, transfers.BALANCES) == [("MUG", "BER", 5, 0)]
    assert given.rows(database, "SELECT state, state_reason FROM inbounds") == [
        ("cancelled", "no truck")
    ]
    assert given.rows(database, "SELECT state FROM stock_holds") == [("released",)]
    assert given.told(database) == ["inbound.changed", "stock.increased"]
    assert given.violations(database) == []


@pytest.mark.parametrize("report", [transfers.ship, transfers.receive])
def test_what_has_left_cannot_be_cancelled(database: Database, report: object) -> None:
    asked(database)
    assert callable(report)
    report(database, {"MUG": 4})

    with pytest.raises(InboundEnded, match="report what LIS receives"):
        transfers.cancel(database)


def test_what_nobody_has_asked_for_is_asked_for_again(database: Database) -> None:
    with pytest.raises(InboundNotHereYet):
        transfers.cancel(database)


def test_a_cancellation_and_a_shipment_race_and_one_of_them_is_told_why(
    database: Database,
) -> None:
    asked(database)

    def one(report: str) -> None:
        with suppress(Rejected):
            if report == "cancel":
                transfers.cancel(database)
            else:
                transfers.ship(database, {"MUG": 4})

    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(one, ["cancel", "ship"]))

    ((state, on_hand, held),) = given.rows(
        database, "SELECT state, on_hand, held FROM inbounds, stock_levels"
    )
    assert (state, on_hand, held) in [("cancelled", 5, 0), ("shipped", 1, 0)]
    assert given.violations(database) == []
