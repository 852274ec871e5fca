"""Stock: what warehouses report, and what Dispatch tells about it."""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.contracts.base import Document, Event, Identifier, Moment


class ReceivedUnits(Document):
    """Units of one SKU that arrived."""

    sku: Identifier
    quantity: Annotated[int, Field(ge=1, le=1_000_000)]


class CountedUnits(Document):
    """Units of one SKU that a person or a machine counted."""

    sku: Identifier
    on_hand: Annotated[int, Field(ge=0, le=10_000_000)]


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


class StockIncreased(Event):
    """More can be promised than before: one event for all that a receipt or a count brought."""

    type: ClassVar[str] = "dispatch.stock.increased.v1"
    topic: ClassVar[str] = "stock-events"

    warehouse: Identifier
    available: dict[Identifier, int]  # sku -> available-to-promise there, after the change

    @property
    def ordering_key(self) -> str:
        return self.warehouse


class StockAvailableChanged(Event):
    """What can be promised of some SKUs, all warehouses together; once a minute at most of each."""

    type: ClassVar[str] = "dispatch.stock.available_changed.v1"
    topic: ClassVar[str] = "stock-events"

    available: dict[Identifier, int]  # sku -> available-to-promise; of a kit, as many as there are
    sold_out: tuple[Identifier, ...] = ()  # those of them that have reached zero

    @property
    def ordering_key(self) -> str:
        return "available"
