"""Channels: they submit, change and cancel orders, repeat themselves, and make mistakes."""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from emulators.simulation.chance import Chance, VirtualClock
from emulators.simulation.goods import CURRENCY, SKUS, TOO_HEAVY

Body = dict[str, Any]
Lines = list[Body]
Publish = Callable[[str, str, list[tuple[dict[str, str], bytes]]], list[str]]

SUBMITTED = "channel.order.submitted.v1"
AMENDED = "channel.order.amended.v1"
CANCELLED = "channel.order.cancelled.v1"
FROM_THE_FUTURE = "channel.order.submitted.v9"

# latitude, longitude
TOWNS = ((-23.56, -46.65), (-22.9, -43.17), (-8.06, -34.87), (-3.73, -38.52), (-30.03, -51.23))
RECENT = 15  # orders that may still be changed: later on it is almost always too late

ACTS = {"submit": 70.0, "amend": 9.0, "cancel": 7.0, "repeat": 3.0, "resubmit": 2.0, "blunder": 4.0}


@dataclass(slots=True)
class Wish:
    """An order as its channel knows it: event id -> revision and lines, or a cancellation."""

    order_id: str
    submission: Body
    revision: int = 1
    submitted: list[str] = field(default_factory=list)
    revisions: dict[str, tuple[int, Lines]] = field(default_factory=dict)
    cancellations: list[str] = field(default_factory=list)


class Channel:
    """Publishes to the topic `orders`, and remembers all that it did."""

    def __init__(self, publish: Publish, chance: Chance, clock: VirtualClock) -> None:
        self.wishes: dict[str, Wish] = {}
        self.blunders: dict[str, str] = {}  # event id, or message id where there is none -> code
        self._publish = publish
        self._chance = chance
        self._clock = clock
        self._recent: deque[Wish] = deque(maxlen=RECENT)
        self._events = 0
        self._last: tuple[dict[str, str], bytes] | None = None

    def act(self) -> str:
        """Do one thing; returns what it was."""
        act = self._chance.weighted(ACTS) if self._recent else "submit"
        match act:
            case "submit":
                self._submit()
            case "amend":
                self._amend(self._chance.pick(self._recent))
            case "cancel":
                self._cancel(self._chance.pick(self._recent))
            case "repeat":
                assert self._last is not None, "something was submitted first"
                self._publish("orders", "", [self._last])
            case "resubmit":
                wish = self._chance.pick(self._recent)
                wish.submitted.append(self._send(SUBMITTED, wish.submission))
            case _:
                return f"blunder: {self._blunder()}"
        return act

    def _submit(self) -> None:
        number = len(self.wishes)
        order_id = f"ord-{number:06}"
        level = self._chance.weighted({"express": 15.0, "standard": 65.0, "economy": 20.0})
        days = {"express": 2, "standard": 6, "economy": 12}[level]
        lat, lon = self._chance.pick(TOWNS)
        now = self._clock.now
        wish = Wish(
            order_id,
            {
                "order_id": order_id,
                "channel": "simulated",
                "service_level": level,
                "ordered_at": now.isoformat(),
                "promised_at": (now + timedelta(days=days)).isoformat(),
                "currency": CURRENCY,
                "destination": {
                    "name": "Ada Lovelace",
                    "street": "Rua 1",
                    "city": "Here",
                    "postcode": "01310100",
                    "country": "BR",
                    "lat": lat,
                    "lon": lon,
                },
                "lines": self._lines(),
                "ship_together": self._chance.pick((None, None, True, False)),
            },
        )
        self.wishes[order_id] = wish
        self._recent.append(wish)
        if self._chance.happens(0.02):
            # The change overtakes the order that it changes.
            self._amend(wish)
        event_id = self._send(SUBMITTED, wish.submission)
        wish.submitted.append(event_id)

    def _amend(self, wish: Wish) -> None:
        wish.revision += 1
        lines = self._lines()
        body = {"order_id": wish.order_id, "revision": wish.revision, "lines": lines}
        wish.revisions[self._send(AMENDED, body)] = (wish.revision, lines)

    def _cancel(self, wish: Wish) -> None:
        body = {"order_id": wish.order_id, "reason": "the customer changed their mind"}
        wish.cancellations.append(self._send(CANCELLED, body))

    def _blunder(self) -> str:
        wish = self._chance.pick(self._recent)
        body = {**wish.submission, "order_id": f"wrong-{self._events:06}"}
        kind, text = SUBMITTED, None
        match code := self._chance.pick(
            (
                "malformed",
                "unknown_sku",
                "unsupported_version",
                "order_conflict",
                "order_never_came",
                "no event id",
            )
        ):
            case "malformed":
                text = json.dumps(body).encode()[: 40 + self._chance.below(100)]
            case "unknown_sku":
                body["lines"] = [{**body["lines"][0], "sku": "NO-SUCH-THING"}]
            case "unsupported_version":
                kind = FROM_THE_FUTURE
            case "order_conflict":
                body = {**wish.submission, "channel": "another"}
            case "order_never_came":
                kind, body = CANCELLED, {"order_id": body["order_id"], "reason": "no such order"}
            case _:
                text = json.dumps(body).encode()
                (message_id,) = self._publish("orders", "", [({"ce-type": kind}, text)])
                self.blunders[message_id] = "malformed"
                return code
        event_id = self._send(kind, body, text)
        if code == "order_conflict":
            # Whichever of the two comes first is the order.
            wish.submitted.append(event_id)
        else:
            self.blunders[event_id] = code
        return code

    def _lines(self) -> Lines:
        skus: dict[str, None] = {}
        for _ in range(self._chance.weighted({1: 60.0, 2: 27.0, 3: 10.0, 5: 3.0})):
            skus[self._chance.pick(SKUS)] = None
        if self._chance.happens(0.01):
            skus[TOO_HEAVY] = None
        return [
            {
                "line_no": line_no,
                "sku": sku,
                "quantity": self._chance.weighted({1: 75.0, 2: 18.0, 4: 7.0}),
                "unit_price_cents": 1_990,
            }
            for line_no, sku in enumerate(skus, start=1)
        ]

    def _send(self, kind: str, body: Body, text: bytes | None = None) -> str:
        self._events += 1
        event_id = f"channel-{self._events:07}"
        attributes = {"ce-id": event_id, "ce-type": kind, "ce-time": self._clock.now.isoformat()}
        if body.get("service_level") == "express":
            attributes["ce-priority"] = "express"
        message = (attributes, text if text is not None else json.dumps(body).encode())
        self._publish("orders", "", [message])
        if text is None and kind != FROM_THE_FUTURE:
            self._last = message
        return event_id
