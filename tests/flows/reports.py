"""What warehouses report of one SKU, said in a line each."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from shared.contracts.stock import (
    AdjustedUnits,
    AdjustmentKind,
    CountedUnits,
    Disposition,
    MissingUnits,
    ParcelShortPicked,
    QuarantineReleased,
    ReceivedUnits,
    ReturnedUnits,
    StockAdjusted,
    StockCounted,
    StockReceived,
    StockReturned,
)
from shared.kit.errors import NotYet
from shared.platform.db import Database, Transaction
from tests.flows.shelves import Place
from tests.support import given


def received(name: str, place: Place, units: int, at: datetime) -> StockReceived:
    line = ReceivedUnits(sku=place[0], quantity=units)
    return StockReceived(warehouse=place[1], receipt_id=name, received_at=at, lines=(line,))


def counted(name: str, warehouse: str, there: Mapping[str, int], at: datetime) -> StockCounted:
    lines = tuple(CountedUnits(sku=sku, on_hand=n) for sku, n in there.items())
    return StockCounted(warehouse=warehouse, count_id=name, counted_at=at, lines=lines)


def adjusted(name: str, place: Place, kind: AdjustmentKind, at: datetime) -> StockAdjusted:
    line = AdjustedUnits(sku=place[0], kind=kind, quantity=1, reason="R")
    return StockAdjusted(warehouse=place[1], adjustment_id=name, adjusted_at=at, lines=(line,))


def returned(name: str, place: Place, disposition: Disposition, at: datetime) -> StockReturned:
    line = ReturnedUnits(sku=place[0], quantity=1, disposition=disposition)
    return StockReturned(warehouse=place[1], return_id=name, returned_at=at, lines=(line,))


def released(
    name: str, of_return: str, place: Place, disposition: str, at: datetime
) -> QuarantineReleased:
    return QuarantineReleased.model_validate(
        {
            "warehouse": place[1],
            "release_id": name,
            "return_id": of_return,
            "released_at": at,
            "lines": [{"sku": place[0], "quantity": 1, "disposition": disposition}],
        }
    )


def missing(parcel_id: str, place: Place, at: datetime) -> ParcelShortPicked:
    line = MissingUnits(sku=place[0], missing=1)
    return ParcelShortPicked(
        warehouse=place[1], parcel_id=parcel_id, short_picked_at=at, lines=(line,)
    )


def twice(database: Database, flow: Callable[[Transaction, Any], object], event: Any) -> None:
    """It comes twice; what the second time meets changes nothing of the first."""
    given.apply(database, flow, event)
    with suppress(NotYet):
        given.apply(database, flow, event)
