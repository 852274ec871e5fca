"""What Dispatch tells about stock."""

from typing import ClassVar

from shared.contracts.base import Event, Identifier


class StockIncreased(Event):
    """More can be promised than before: one event for all that a receipt or a count brought."""

    type: ClassVar[str] = "dispatch.stock.increased.v1"
    topic: ClassVar[str] = "stock-events"

    warehouse: Identifier
    available: dict[Identifier, int]  # sku -> available-to-promise there to all, after the change

    @property
    def ordering_key(self) -> str:
        return self.warehouse


class StockCountWanted(Event):
    """The books of some SKUs contradict each other; only a count can say how many there are."""

    type: ClassVar[str] = "dispatch.stock.count_wanted.v1"
    topic: ClassVar[str] = "stock-events"

    warehouse: Identifier
    skus: tuple[Identifier, ...]
    fenced: tuple[Identifier, ...] = ()  # those of them of which less is promised until then

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
