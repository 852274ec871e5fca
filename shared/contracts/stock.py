"""Stock: what warehouses report. What Dispatch tells about it stands in `stock_facts`."""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.contracts.base import NO_NUL, Document, Event, Identifier, Moment


class ReceivedUnits(Document):
    """Units of one SKU that arrived."""

    sku: Identifier
    quantity: Annotated[int, Field(ge=1, le=1_000_000)]


class CountedUnits(Document):
    """Units of one SKU that a person or a machine counted."""

    sku: Identifier
    on_hand: Annotated[int, Field(ge=0, le=10_000_000)]


class AdjustmentKind(StrEnum):
    """Which way an adjustment goes."""

    UP = "up"
    DOWN = "down"
    WRITE_OFF = "write_off"  # down, because the units are of no use any more


class AdjustedUnits(Document):
    """Units of one SKU that were found or are gone; `reason` is the warehouse's own code."""

    sku: Identifier
    kind: AdjustmentKind
    quantity: Annotated[int, Field(ge=1, le=1_000_000)]
    reason: Identifier


class Disposition(StrEnum):
    """What becomes of units that came back."""

    RESTOCK = "restock"
    QUARANTINE = "quarantine"  # somebody has to look at them first
    WRITE_OFF = "write_off"


class ReturnedUnits(Document):
    """Units of one SKU that came back."""

    sku: Identifier
    quantity: Annotated[int, Field(ge=1, le=1_000_000)]
    disposition: Disposition


class ReleasedUnits(Document):
    """Units of one SKU that somebody has looked at."""

    sku: Identifier
    quantity: Annotated[int, Field(ge=1, le=1_000_000)]
    disposition: Literal["restock", "write_off"]


class MissingUnits(Document):
    """Units of one SKU that are in a parcel by the books and were not on the shelf."""

    sku: Identifier
    missing: Annotated[int, Field(ge=1, le=1_000_000)]


class _WarehouseEvent(Event):
    topic: ClassVar[str] = "stock-updates"

    warehouse: Identifier

    @property
    def ordering_key(self) -> str:
        return self.warehouse


class StockReceived(_WarehouseEvent):
    """Goods arrived. The warehouse's `receipt_id` names them, once and for ever."""

    type: ClassVar[str] = "warehouse.stock.received.v1"

    receipt_id: Identifier
    received_at: Moment
    lines: Annotated[tuple[ReceivedUnits, ...], Field(min_length=1, max_length=1_000)]
    inbound_id: Identifier | None = None  # the announced delivery that this is, or a part of


class StockCounted(_WarehouseEvent):
    """What was there at `counted_at`, whatever has moved since."""

    type: ClassVar[str] = "warehouse.stock.counted.v1"

    count_id: Identifier
    counted_at: Moment
    lines: Annotated[tuple[CountedUnits, ...], Field(min_length=1, max_length=1_000)]


class StockAdjusted(_WarehouseEvent):
    """Somebody corrected the stock. `adjustment_id` names it once and for ever."""

    type: ClassVar[str] = "warehouse.stock.adjusted.v1"

    adjustment_id: Identifier
    adjusted_at: Moment
    lines: Annotated[tuple[AdjustedUnits, ...], Field(min_length=1, max_length=1_000)]


class StockReturned(_WarehouseEvent):
    """Goods came back from a customer. `return_id` names the return once and for ever."""

    type: ClassVar[str] = "warehouse.stock.returned.v1"

    return_id: Identifier
    returned_at: Moment
    parcel_id: Identifier | None = None  # in which they had been sent, where that is known
    order_id: Identifier | None = None
    lines: Annotated[tuple[ReturnedUnits, ...], Field(min_length=1, max_length=1_000)]


class QuarantineReleased(_WarehouseEvent):
    """Units of a return leave quarantine. `release_id` names it once and for ever."""

    type: ClassVar[str] = "warehouse.stock.released.v1"

    release_id: Identifier
    return_id: Identifier
    released_at: Moment
    lines: Annotated[tuple[ReleasedUnits, ...], Field(min_length=1, max_length=1_000)]


class ParcelPicked(_WarehouseEvent):
    """All that is in a parcel was picked: from here on the parcel cannot be changed."""

    type: ClassVar[str] = "warehouse.parcel.picked.v1"

    parcel_id: Identifier
    picked_at: Moment


class ParcelShortPicked(_WarehouseEvent):
    """A parcel cannot be packed: units that were promised to it were not on the shelf."""

    type: ClassVar[str] = "warehouse.parcel.short_picked.v1"

    parcel_id: Identifier
    short_picked_at: Moment
    lines: Annotated[tuple[MissingUnits, ...], Field(min_length=1, max_length=1_000)]


class ParcelRejected(_WarehouseEvent):
    """The warehouse will not send the parcel, though nothing is missing: say it at once."""

    type: ClassVar[str] = "warehouse.parcel.rejected.v1"

    parcel_id: Identifier
    rejected_at: Moment
    reason: Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]
