"""Warehouses: goods come and go, get lost, and are counted. What is really there stands here."""

import json
from collections import Counter
from typing import Any

from emulators.simulation.chance import Chance, VirtualClock
from emulators.simulation.channel import Publish
from emulators.simulation.goods import PLACES, SKUS, TOO_HEAVY

RECEIVED = "warehouse.stock.received.v1"
COUNTED = "warehouse.stock.counted.v1"
PICKED = "warehouse.parcel.picked.v1"

ACTS = {"receipt": 40.0, "count": 54.0, "repeat": 6.0}
OPENING_UNITS = 6
Key = tuple[str, str]  # SKU, warehouse


class Warehouses:
    """Publish to the topic `stock-updates`.

    Attributes:
        units: what really lies there.
        received: SKU -> units that ever came, and those that were found.
        differing: event id of a count that told of a loss or a find -> the SKUs and warehouses.
        sent: every event id.
    """

    def __init__(self, publish: Publish, chance: Chance, clock: VirtualClock) -> None:
        self.units = Counter[Key]()
        self.received = Counter[str]()
        self.differing: dict[str, list[Key]] = {}
        self.sent: list[str] = []
        self._publish = publish
        self._chance = chance
        self._clock = clock
        self._last: tuple[str, tuple[dict[str, str], bytes]] | None = None

    def open(self) -> None:
        """The first goods arrive everywhere."""
        for place in PLACES:
            self._receive(place, {**dict.fromkeys(SKUS, OPENING_UNITS), TOO_HEAVY: 1})

    def act(self) -> str:
        """Report one thing; returns what it was."""
        place = self._chance.pick(tuple(PLACES))
        act = self._chance.weighted(ACTS)
        match act:
            case "receipt":
                units = {self._chance.pick(SKUS): 2 + self._chance.below(9) for _ in range(4)}
                self._receive(place, units)
            case "count":
                self._count(place, {self._chance.pick(SKUS): None for _ in range(3)})
            case _:
                assert self._last is not None, "the first goods have arrived"
                place, message = self._last
                self._publish("stock-updates", place, [message])
        return act

    def pick(self, place: str, parcel_id: str) -> None:
        """A parcel is picked, and will be reported until Dispatch knows it."""
        picked_at = self._clock.now.isoformat()
        body = {"warehouse": place, "parcel_id": parcel_id, "picked_at": picked_at}
        self._send(PICKED, place, body)

    def leave(self, place: str, units: Counter[str]) -> None:
        """A carrier takes a parcel."""
        for sku, quantity in units.items():
            self.units[sku, place] -= quantity

    def _receive(self, place: str, units: dict[str, int]) -> None:
        for sku, quantity in units.items():
            self.units[sku, place] += quantity
            self.received[sku] += quantity
        name = f"receipt-{len(self.sent):06}"
        self._send(
            RECEIVED,
            place,
            {
                "warehouse": place,
                "receipt_id": name,
                "received_at": self._clock.now.isoformat(),
                "lines": [{"sku": sku, "quantity": n} for sku, n in units.items()],
            },
        )

    def _count(self, place: str, skus: dict[str, None]) -> None:
        differing = []
        for sku in skus:
            difference = self._chance.weighted({0: 80.0, -1: 12.0, 1: 8.0})
            if difference and self.units[sku, place] + difference >= 0:
                self.units[sku, place] += difference
                self.received[sku] += max(0, difference)
                differing.append((sku, place))
        event_id = self._send(
            COUNTED,
            place,
            {
                "warehouse": place,
                "count_id": f"count-{len(self.sent):06}",
                "counted_at": self._clock.now.isoformat(),
                "lines": [{"sku": sku, "on_hand": max(0, self.units[sku, place])} for sku in skus],
            },
        )
        if differing:
            self.differing[event_id] = differing

    def _send(self, kind: str, place: str, body: dict[str, Any]) -> str:
        event_id = f"warehouse-{len(self.sent):06}"
        message = ({"ce-id": event_id, "ce-type": kind}, json.dumps(body).encode())
        self.sent.append(event_id)
        self._last = (place, message)
        self._publish("stock-updates", place, [message])
        return event_id
