"""Moments of warehouses' reports: never ahead of now, however their clocks go."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.contracts.base import Event
from shared.contracts.inbound import (
    InboundAnnounced,
    InboundUnits,
    TransferReceived,
    TransferShipped,
)
from shared.contracts.stock import (
    AdjustedUnits,
    AdjustmentKind,
    CountedUnits,
    Disposition,
    MissingUnits,
    ParcelPicked,
    ParcelRejected,
    ParcelShortPicked,
    QuarantineReleased,
    ReceivedUnits,
    ReleasedUnits,
    ReturnedUnits,
    StockAdjusted,
    StockCounted,
    StockReceived,
    StockReturned,
)
from shared.flows.adjust_stock import adjust_stock
from shared.flows.count_stock import count_stock
from shared.flows.expect_delivery import expect_delivery
from shared.flows.happened import CLOCKS_DIFFER, LONGEST_AGO, AheadOfNow, LongAgo, happened
from shared.flows.pick_parcel import pick_parcel
from shared.flows.receive_stock import receive_stock
from shared.flows.receive_transfer import receive_transfer
from shared.flows.reject_parcel import reject_parcel
from shared.flows.release_stock import release_stock
from shared.flows.return_stock import return_stock
from shared.flows.ship_transfer import ship_transfer
from shared.flows.short_pick import short_pick
from shared.platform.db import Database
from tests.support import given
from tests.support.clock import TestClock

MOVING = {"inbound_id": "trf_1", "origin": "BER", "warehouse": "LIS"}
MUGS = (InboundUnits(sku="MUG", quantity=1),)

REPORTS: list[tuple[Callable[..., object], type[Event], str, dict[str, Any]]] = [
    (
        receive_stock,
        StockReceived,
        "received_at",
        {"receipt_id": "rcp_1", "lines": (ReceivedUnits(sku="MUG", quantity=1),)},
    ),
    (
        count_stock,
        StockCounted,
        "counted_at",
        {"count_id": "cnt_1", "lines": (CountedUnits(sku="MUG", on_hand=1),)},
    ),
    (
        adjust_stock,
        StockAdjusted,
        "adjusted_at",
        {
            "adjustment_id": "adj_1",
            "lines": (
                AdjustedUnits(sku="MUG", kind=AdjustmentKind.UP, quantity=1, reason="found"),
            ),
        },
    ),
    (
        return_stock,
        StockReturned,
        "returned_at",
        {
            "return_id": "rma_1",
            "lines": (ReturnedUnits(sku="MUG", quantity=1, disposition=Disposition.RESTOCK),),
        },
    ),
    (
        release_stock,
        QuarantineReleased,
        "released_at",
        {
            "release_id": "rel_1",
            "return_id": "rma_1",
            "lines": (ReleasedUnits(sku="MUG", quantity=1, disposition="restock"),),
        },
    ),
    (pick_parcel, ParcelPicked, "picked_at", {"parcel_id": "par_1"}),
    (
        short_pick,
        ParcelShortPicked,
        "short_picked_at",
        {"parcel_id": "par_1", "lines": (MissingUnits(sku="MUG", missing=1),)},
    ),
    (reject_parcel, ParcelRejected, "rejected_at", {"parcel_id": "par_1", "reason": "closed"}),
    (ship_transfer, TransferShipped, "shipped_at", {**MOVING, "lines": MUGS}),
    (receive_transfer, TransferReceived, "received_at", {**MOVING, "lines": MUGS}),
    (
        expect_delivery,
        InboundAnnounced,
        "announced_at",
        {"inbound_id": "inb_1", "expected_at": "2026-04-01T12:00:00Z", "lines": MUGS},
    ),
]


@pytest.mark.parametrize(
    ("flow", "kind", "field", "said"), REPORTS, ids=[kind.type for _, kind, _, _ in REPORTS]
)
def test_what_has_not_happened_yet_is_refused_by_its_field(
    *,
    database: Database,
    clock: TestClock,
    flow: Callable[..., object],
    kind: type[Event],
    field: str,
    said: dict[str, Any],
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    at = clock.now + CLOCKS_DIFFER + timedelta(seconds=1)
    event = kind.model_validate({"warehouse": "BER", **said, field: at})

    with pytest.raises(AheadOfNow, match=f"^{field}: .* set the clock right") as caught:
        given.apply(database, flow, event)

    assert caught.value.facts["field"] == field
    assert given.rows(database, "SELECT on_hand FROM stock_levels") == [(5,)]


MOVES = [report for report in REPORTS if report[1] is not InboundAnnounced]


@pytest.mark.parametrize(
    ("flow", "kind", "field", "said"), MOVES, ids=[kind.type for _, kind, _, _ in MOVES]
)
def test_what_a_clock_says_that_was_reset_is_refused_by_its_field(
    *,
    database: Database,
    flow: Callable[..., object],
    kind: type[Event],
    field: str,
    said: dict[str, Any],
) -> None:
    # Goal: a count of 1970 would have all added to it that has come since, once more.
    given.catalogue(database, {"BER": {"MUG": 5}})
    event = kind.model_validate({"warehouse": "BER", **said, field: "1970-01-01T00:05:00Z"})

    with pytest.raises(LongAgo, match=f"^{field}: .* set the clock right") as caught:
        given.apply(database, flow, event)

    assert caught.value.facts["field"] == field
    assert given.rows(database, "SELECT on_hand FROM stock_levels") == [(5,)]


@pytest.mark.parametrize("ahead", [timedelta(seconds=1), CLOCKS_DIFFER])
def test_what_is_a_little_ahead_happened_now(
    database: Database, clock: TestClock, ahead: timedelta
) -> None:
    event = ParcelPicked(warehouse="BER", parcel_id="par_1", picked_at=clock.now + ahead)

    found = database.run(lambda tx: happened(tx, event, "picked_at"), given.cause())

    assert found == event.model_copy(update={"picked_at": clock.now})


def test_what_was_announced_long_ago_may_be_said_again(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    said = {"inbound_id": "inb_1", "expected_at": "2026-04-01T12:00:00Z", "lines": MUGS}
    event = InboundAnnounced.model_validate(
        {"warehouse": "BER", **said, "announced_at": "2025-06-01T12:00:00Z"}
    )

    given.apply(database, expect_delivery, event)

    assert given.rows(database, "SELECT state FROM inbounds") == [("requested",)]


def test_what_lies_in_the_past_stays_there(database: Database, clock: TestClock) -> None:
    event = ParcelPicked(warehouse="BER", parcel_id="par_1", picked_at=clock.now - LONGEST_AGO)

    found = database.run(lambda tx: happened(tx, event, "picked_at"), given.cause())

    assert found is event
