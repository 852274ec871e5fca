"""Warehouses: goods come and go, get lost, and are counted. What is really there stands here."""

import json
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from emulators.simulation.chance import Chance, VirtualClock
from emulators.simulation.channel import Publish
from emulators.simulation.goods import PLACES, SKUS, TOO_HEAVY
from emulators.simulation.shelves import NEVER, Place, Report, Shelves

RECEIVED = "warehouse.stock.received.v1"
COUNTED = "warehouse.stock.counted.v1"
PICKED = "warehouse.parcel.picked.v1"
SHORT_PICKED = "warehouse.parcel.short_picked.v1"

ACTS = {"receipt": 24.0, "count": 54.0, "late count": 14.0, "repeat": 8.0}
OPENING_UNITS = 6
AT_WORK = 6  # shelves that parcels were taken from just now
AT_WORK_SHARE = 0.7  # of the counts: they are of those
TOLD_AGAIN_SHARE = 0.1  # of the times that a carrier asks for what is picked
FOUND_SHARE = 0.2  # of the times that somebody looks again for what is missing
WRITTEN_DOWN_SHARE = 0.4  # of the counts: they are entered later, and not in their order

Sent = tuple[str, tuple[dict[str, str], bytes]]  # warehouse, its message


class Warehouses:
    """Publish to the topic `stock-updates`.

    Attributes:
        units: what really lies there.
        shelves: what Dispatch has to believe, by what it was told.
        differed_at: when units were lost, missed or found last, which only a count can settle.
        received: SKU -> units that ever came, and those that were found.
        sent: every event id.
    """

    def __init__(self, publish: Publish, chance: Chance, clock: VirtualClock) -> None:
        self.units = Counter[Place]()
        self.shelves = Shelves()
        self.differed_at: dict[Place, datetime] = {}
        self.received = Counter[str]()
        self.sent: list[str] = []
        self._publish = publish
        self._chance = chance
        self._clock = clock
        self._at_work = deque[Place](maxlen=AT_WORK)
        self._packed: dict[str, Counter[Place]] = {}
        self._short: set[str] = set()
        self._written_down: list[Sent] = []
        self._last: Sent | None = None

    def open(self) -> None:
        """The first goods arrive everywhere."""
        for place in PLACES:
            self._receive(place, {**dict.fromkeys(SKUS, OPENING_UNITS), TOO_HEAVY: 1})

    def act(self) -> str:
        """Report one thing; returns what it was."""
        place = self._chance.pick(tuple(PLACES))
        act = self._chance.weighted(ACTS)
        if act == "late count" and not self._written_down:
            act = "count"
        match act:
            case "receipt":
                units = {self._chance.pick(SKUS): 2 + self._chance.below(9) for _ in range(4)}
                self._receive(place, units)
            case "count":
                self._count(*self._what_to_count(place))
            case "late count":
                self._enter(self._chance.below(len(self._written_down)))
            case _:
                assert self._last is not None, "the first goods have arrived"
                place, message = self._last
                self._publish("stock-updates", place, [message])
        return act

    def enter_all(self) -> int:
        """Report every count that is only written down; returns how many there were."""
        count = len(self._written_down)
        while self._written_down:
            self._enter(0)
        return count

    def pick(self, place: str, parcel_id: str, units: Counter[str]) -> str:
        """Pick a parcel, or report what is missing of it; returns what was done.

        A carrier asks until Dispatch knows of the pick, and now and then it is reported again.
        """
        wanted = Counter({(sku, place): quantity for sku, quantity in units.items()})
        if parcel_id not in self._packed:
            missing = wanted - self._on_shelves(wanted)
            if missing and parcel_id not in self._short:
                self._report_missing(place, parcel_id, missing)
                return "short pick"
            if missing and not self._chance.happens(FOUND_SHARE):
                return "still missing"
            self._differ(missing)
            self._at_work.extend(wanted)
            self._packed[parcel_id] = wanted
        elif not self._chance.happens(TOLD_AGAIN_SHARE):
            return "not known to be picked"
        picked_at = self._clock.now.isoformat()
        body = {"warehouse": place, "parcel_id": parcel_id, "picked_at": picked_at}
        self._send(PICKED, place, body)
        return "picked"

    def unpack(self, parcel_id: str) -> None:
        """What was packed goes back to its shelves, unless it has left."""
        self._packed.pop(parcel_id, None)

    def leave(self, place: str, parcel_id: str, units: Counter[str]) -> None:
        """A carrier takes a parcel, and will tell of it."""
        del self._packed[parcel_id]
        gone = {(sku, place): -quantity for sku, quantity in units.items()}
        self._at_work.extend(gone)
        self.units.update(gone)
        self.shelves.left[parcel_id] = Report(self._clock.now, gone)

    def _receive(self, place: str, units: dict[str, int]) -> None:
        for sku, quantity in units.items():
            self.units[sku, place] += quantity
            self.received[sku] += quantity
        name = f"receipt-{len(self.sent):06}"
        event_id = self._send(
            RECEIVED,
            place,
            {
                "warehouse": place,
                "receipt_id": name,
                "received_at": self._clock.now.isoformat(),
                "lines": [{"sku": sku, "quantity": n} for sku, n in units.items()],
            },
        )
        came = {(sku, place): quantity for sku, quantity in units.items()}
        self.shelves.reported[event_id] = Report(self._clock.now, came)

    def _what_to_count(self, place: str) -> tuple[str, Iterable[str]]:
        """Often what was at work just now: its count crosses what else is told of it."""
        if self._at_work and self._chance.happens(AT_WORK_SHARE):
            _, place = self._chance.pick(self._at_work)
            return place, dict.fromkeys(sku for sku, where in self._at_work if where == place)
        return place, dict.fromkeys(self._chance.pick(SKUS) for _ in range(3))

    def _count(self, place: str, skus: Iterable[str]) -> None:
        places = [(sku, place) for sku in skus]
        loose = self._on_shelves(places)
        for counted in places:
            difference = self._chance.weighted({0: 80.0, -1: 12.0, 1: 8.0})
            if loose[counted] + difference >= 0:
                self._differ({counted: difference})
        there = {counted: self.units[counted] for counted in places}
        count_id = f"count-{len(self.sent):06}"
        event_id, message = self._message(
            COUNTED,
            {
                "warehouse": place,
                "count_id": count_id,
                "counted_at": self._clock.now.isoformat(),
                "lines": [{"sku": sku, "on_hand": n} for (sku, _), n in there.items()],
            },
        )
        self._written_down.append((place, message))
        if not self._chance.happens(WRITTEN_DOWN_SHARE):
            self._enter(-1)
        self.shelves.reported[event_id] = Report(self._clock.now, there, count_id)

    def is_told(self, place: Place) -> bool:
        """Whether Dispatch has applied a count since it could last be wrong about a shelf."""
        return self.shelves[place].counted_at >= self.differed_at.get(place, NEVER)

    def _report_missing(self, place: str, parcel_id: str, missing: Counter[Place]) -> None:
        self._short.add(parcel_id)
        event_id = self._send(
            SHORT_PICKED,
            place,
            {
                "warehouse": place,
                "parcel_id": parcel_id,
                "short_picked_at": self._clock.now.isoformat(),
                "lines": [{"sku": sku, "missing": units} for (sku, _), units in missing.items()],
            },
        )
        gone = {shelf: -units for shelf, units in missing.items()}
        report = Report(self._clock.now, gone, missing_from=parcel_id)
        self.shelves.reported[event_id] = report
        # A count on its way may have told of the same units: then they are missing twice.
        self.differed_at.update(dict.fromkeys(missing, self._clock.now))

    def _on_shelves(self, places: Iterable[Place]) -> Counter[Place]:
        """What lies there and is not packed."""
        packed = Counter[Place]()
        for units in self._packed.values():
            packed.update(units)
        return Counter({place: self.units[place] - packed[place] for place in places})

    def _differ(self, differences: Mapping[Place, int]) -> None:
        """Units are lost, or found where positive."""
        for place, difference in differences.items():
            if difference:
                self.units[place] += difference
                self.received[place[0]] += max(0, difference)
                self.differed_at[place] = self._clock.now

    def _enter(self, position: int) -> None:
        """Report a count that is written down."""
        self._last = place, message = self._written_down.pop(position)
        self._publish("stock-updates", place, [message])

    def _send(self, kind: str, place: str, body: dict[str, Any]) -> str:
        event_id, message = self._message(kind, body)
        self._last = (place, message)
        self._publish("stock-updates", place, [message])
        return event_id

    def _message(self, kind: str, body: dict[str, Any]) -> tuple[str, tuple[dict[str, str], bytes]]:
        event_id = f"warehouse-{len(self.sent):06}"
        self.sent.append(event_id)
        return event_id, ({"ce-id": event_id, "ce-type": kind}, json.dumps(body).encode())
