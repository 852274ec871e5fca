"""What a run of the line starts from: a catalogue, the stock, and the orders to come."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shop:
    """One source of orders.

    `catalogue` is a document of the contract shared/contracts/catalogue.py without `valid_from`.
    `stock` is warehouse -> SKU -> units at the start, `later` the same for what arrives once half
    of the orders are sent.
    """

    name: str
    catalogue: JsonObject
    stock: Mapping[str, Mapping[str, int]]
    later: Mapping[str, Mapping[str, int]]
    orders: Sequence["ShopOrder"]


@dataclass(frozen=True, slots=True)
class ShopOrder:
    """An order to be submitted `after` the run's beginning, in the recorded pace."""

    order_id: str
    after: timedelta
    promised_after: timedelta
    service_level: str
    currency: str
    destination: JsonObject
    lines: Sequence[JsonObject]

    def submission(self, begun_at: datetime) -> JsonObject:
        """The body of the event with which a channel submits it."""
        return {
            "order_id": self.order_id,
            "channel": "replay",
            "service_level": self.service_level,
            "ordered_at": (begun_at + self.after).isoformat(),
            "promised_at": (begun_at + self.promised_after).isoformat(),
            "currency": self.currency,
            "destination": self.destination,
            "lines": list(self.lines),
        }


def units_in(levels: Mapping[str, Mapping[str, int]]) -> Iterator[tuple[str, str, int]]:
    """(warehouse, SKU, units) of everything that is there."""
    for warehouse, units in levels.items():
        for sku, quantity in units.items():
            yield warehouse, sku, quantity
