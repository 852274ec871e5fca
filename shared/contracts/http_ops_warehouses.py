"""Warehouses and transfers in the console over HTTP. Additive only, as events are.

All figures are units, where nothing else is said.
"""

from datetime import date
from typing import Annotated, Any

from pydantic import Field

from shared.contracts.base import Document, Identifier, Moment
from shared.contracts.http_ops_acts import Because, Said
from shared.contracts.http_ops_stock import ByHand, FencedRow, InboundStateName, Units


class WarehouseRow(Document):
    """A warehouse in a list. `today` are parcels that leave today; `daily_parcels` may."""

    warehouse: str
    city: str
    country: str
    closed_for: str | None
    cut_off: str  # of its own clock
    time_zone: str
    today: int
    daily_parcels: int | None
    skus: int
    on_hand: int
    available: int
    fenced: int  # balances
    coming: int


class OpsWarehouses(Document):
    """Every warehouse of theirs."""

    warehouses: tuple[WarehouseRow, ...]


class SiteDay(Document):
    """A day of a warehouse: whether it works, and how many parcels leave."""

    day: date
    works: bool
    parcels: int


class InboundRow(Document):
    """A delivery in a list; without an `origin` from a supplier. `missing` left and never came."""

    inbound_id: str
    origin: str | None
    warehouse: str
    state: InboundStateName
    created_at: Moment
    expected_at: Moment | None
    shipped_at: Moment | None
    received_at: Moment | None
    is_overdue: bool
    skus: int
    units: int
    coming: int
    missing: int


class OpsWarehouse(Document):
    """A warehouse: what lies there, when it works, and what is on its way to it and from it."""

    row: WarehouseRow
    address: dict[str, Any]
    working_days: tuple[int, ...]  # ISO, Monday is 1
    closed_on: tuple[date, ...]
    capabilities: tuple[str, ...]
    orders: int  # that it was given in the last weeks
    refused: int  # of these, where it missed something
    days: tuple[SiteDay, ...]
    fenced: tuple[FencedRow, ...]
    inbound: tuple[InboundRow, ...]
    outbound: tuple[InboundRow, ...]


class TransferFilters(Document):
    """Which deliveries. `q` is a delivery's id; the newest come first."""

    q: Said = ""
    state: InboundStateName | None = None
    origin: Said = ""
    warehouse: Said = ""
    overdue: bool = False
    cursor: Said = ""


class OpsTransfers(Document):
    """A page of transfers and suppliers' deliveries; `origins` are those that may be asked."""

    inbounds: tuple[InboundRow, ...]
    next: str | None
    acts: tuple[str, ...]
    origins: tuple[str, ...]
    warehouses: tuple[str, ...]


class InboundItem(Document):
    """Units of a SKU in a delivery: asked for or announced, shipped, and received."""

    sku: str
    quantity: int
    shipped: int
    received: int


class OpsTransfer(Document):
    """A delivery with its units. `version` is what an act on it is checked against."""

    version: str
    inbound: InboundRow
    reason: str
    items: tuple[InboundItem, ...]
    by_hand: tuple[ByHand, ...]
    acts: tuple[str, ...]


class TransferLine(Document):
    """Units of a SKU in a transfer."""

    sku: Identifier
    quantity: Units


class TransferWanted(Because):
    """Units that are to go from one warehouse to another, expected there within that day (UTC)."""

    origin: Identifier
    warehouse: Identifier
    expected_on: date
    lines: Annotated[tuple[TransferLine, ...], Field(min_length=1, max_length=200)]


class TransferSent(Because):
    """All that has left the origin; what was asked for beyond it is free again."""

    lines: Annotated[tuple[TransferLine, ...], Field(min_length=1, max_length=200)]
    expected_on: date | None = None  # None: as it was


class TransferArrived(Because):
    """All that has arrived; without a line, nothing did. What is missing is lost."""

    lines: Annotated[tuple[TransferLine, ...], Field(max_length=200)] = ()
