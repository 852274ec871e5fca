"""Inbound: transfers between warehouses, suppliers' deliveries, and what Dispatch tells of them."""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.contracts.base import NO_NUL, Document, Event, Identifier, Moment


class InboundUnits(Document):
    """Units of one SKU on their way to a warehouse."""

    sku: Identifier
    quantity: Annotated[int, Field(ge=1, le=1_000_000)]


Units = Annotated[tuple[InboundUnits, ...], Field(min_length=1, max_length=1_000)]
UnitsOrNone = Annotated[tuple[InboundUnits, ...], Field(max_length=1_000)]


class _InboundEvent(Event):
    topic: ClassVar[str] = "stock-updates"

    inbound_id: Identifier

    @property
    def ordering_key(self) -> str:
        return self.inbound_id


class _TransferEvent(_InboundEvent):
    origin: Identifier
    warehouse: Identifier  # where the units are to go


class TransferRequested(_TransferEvent):
    """Units are to go from one warehouse to another; until they leave, nobody else has them."""

    type: ClassVar[str] = "warehouse.transfer.requested.v1"

    expected_at: Moment
    lines: Units


class TransferShipped(_TransferEvent):
    """All that will be sent has left the origin; what was asked for beyond it is free again."""

    type: ClassVar[str] = "warehouse.transfer.shipped.v1"

    shipped_at: Moment
    expected_at: Moment | None = None  # None: as it was
    lines: Units


class TransferReceived(_TransferEvent):
    """All that will arrive has arrived; without a line, nothing did. What is missing is lost."""

    type: ClassVar[str] = "warehouse.transfer.received.v1"

    received_at: Moment
    lines: UnitsOrNone


class TransferCancelled(_TransferEvent):
    """Nothing will be sent: the units at the origin are free again."""

    type: ClassVar[str] = "warehouse.transfer.cancelled.v1"

    reason: Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]


class InboundAnnounced(_InboundEvent):
    """What a supplier will deliver, all of it; a later announcement replaces an earlier one.

    Without a line, nothing comes any more.
    """

    type: ClassVar[str] = "warehouse.inbound.announced.v1"

    warehouse: Identifier
    announced_at: Moment
    expected_at: Moment
    lines: UnitsOrNone


class InboundChanged(Event):
    """What is on its way to a warehouse is asked for, announced, shipped, received or cancelled."""

    type: ClassVar[str] = "dispatch.inbound.changed.v1"
    topic: ClassVar[str] = "stock-events"

    inbound_id: Identifier
    origin: Identifier | None  # None: a supplier
    warehouse: Identifier
    state: str
    expected_at: Moment | None
    coming: dict[Identifier, int]  # sku -> units that are still to come
    missing: dict[Identifier, int]  # sku -> units that left the origin and did not arrive

    @property
    def ordering_key(self) -> str:
        return self.inbound_id
