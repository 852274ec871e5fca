"""The words of stock.

available-to-promise = on-hand - reserved - safety, never below zero.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared.kit.errors import Rejected
from shared.kit.geo import Point


@dataclass(frozen=True, slots=True)
class Level:
    """The balance of one SKU in one warehouse, in units."""

    sku: str
    warehouse: str
    on_hand: int
    reserved: int
    safety: int

    @property
    def available(self) -> int:
        """Units that may still be promised."""
        return max(0, self.on_hand - self.reserved - self.safety)

    def plus(self, units: int) -> "Level":
        """The balance after `units` were added to what is on hand."""
        return replace(self, on_hand=self.on_hand + units)

    def without_reserved(self, units: int) -> "Level":
        """The balance after `units` that were promised are free again."""
        return replace(self, reserved=self.reserved - units)


@dataclass(frozen=True, slots=True)
class Supply:
    """A locked balance together with where it is and what a unit weighs."""

    level: Level
    location: Point
    unit_weight_g: int


@dataclass(frozen=True, slots=True)
class Warehouse:
    """A place that sends parcels."""

    warehouse: str
    address: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pick:
    """Units of one SKU that one warehouse is to send."""

    warehouse: str
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Movement:
    """Units added to (or taken from) on-hand. The reference makes it unrepeatable."""

    sku: str
    warehouse: str
    kind: str
    quantity: int
    reference: str
    occurred_at: datetime


class UnknownSku(Rejected):
    """A warehouse reports something that the catalogue does not have."""

    code = "unknown_sku"


class UnknownWarehouse(Rejected):
    """No such warehouse."""

    code = "unknown_warehouse"


class CountBelowReserved(Rejected):
    """Fewer units were counted than are promised: orders must be moved away first."""

    code = "count_below_reserved"
