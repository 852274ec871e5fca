"""What is published in a run, in which order: the orders, and the mischief among them.

Upstream services repeat themselves, overtake themselves and make mistakes; a run of the line does
the same on purpose. Everything follows from the seed.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from emulators.line.shop import JsonObject, Shop, ShopOrder

SUBMITTED = "channel.order.submitted.v1"
AMENDED = "channel.order.amended.v1"
CANCELLED = "channel.order.cancelled.v1"
FROM_THE_FUTURE = "channel.order.submitted.v9"

REORDERED_BY = 6  # places that a message may come too late


@dataclass(frozen=True, slots=True)
class Message:
    """One event as it is published."""

    event_id: str
    type: str
    after: timedelta
    body: bytes
    is_order: bool  # whether it is to become an order, or be refused as one
    express: bool = False  # whether the channel says that it is urgent


@dataclass(frozen=True, slots=True)
class Mischief:
    """How much of what, as shares of the orders."""

    twice: float = 0.05
    late: float = 0.05
    cancelled: float = 0.0
    amended: float = 0.0
    wrong: float = 0.0


RECORDED = Mischief()  # real orders are only repeated and reordered
SAMPLE = Mischief(cancelled=0.03, amended=0.03, wrong=0.02)


@dataclass(frozen=True, slots=True)
class Script:
    """The messages in the order of publication, and what was done to them."""

    messages: tuple[Message, ...]
    duplicates: int
    reordered: int


def write_script(shop: Shop, begun_at: datetime, mischief: Mischief, seed: int = 1) -> Script:
    """The script of one run."""
    random = Random(seed)  # noqa: S311  a script, not a secret
    messages: list[Message] = []
    for number, order in enumerate(shop.orders):
        messages.append(_message(SUBMITTED, order.order_id, order.after, order, begun_at))
        messages += _changes(order, mischief, random)
        if random.random() < mischief.wrong:
            messages.append(_wrong(number, order, begun_at))
    duplicates = [message for message in messages if random.random() < mischief.twice]
    for message in duplicates:
        messages.insert(messages.index(message) + random.randint(1, REORDERED_BY), message)
    late = [place for place in range(len(messages)) if random.random() < mischief.late]
    for place in late:
        message = messages.pop(place)
        messages.insert(place + random.randint(1, REORDERED_BY), message)
    return Script(tuple(messages), len(duplicates), len(late))


def _changes(order: ShopOrder, mischief: Mischief, random: Random) -> Iterator[Message]:
    chance = random.random()
    if chance < mischief.cancelled:
        body: JsonObject = {"order_id": order.order_id, "reason": "the customer changed their mind"}
        yield _event(CANCELLED, f"{order.order_id}-cancelled", order.after, body)
    elif chance < mischief.cancelled + mischief.amended:
        first, *rest = order.lines
        lines = [{**first, "quantity": first["quantity"] + 1}, *rest]
        body = {"order_id": order.order_id, "revision": 2, "lines": lines}
        yield _event(AMENDED, f"{order.order_id}-amended", order.after, body)


def _wrong(number: int, order: ShopOrder, begun_at: datetime) -> Message:
    """Each of five mistakes in turn."""
    name = f"{order.order_id}-wrong"
    good = replace(order, order_id=name)
    made = _message(SUBMITTED, name, order.after, good, begun_at)
    first = order.lines[0]
    match number % 5:
        case 0:
            return replace(made, body=made.body[: len(made.body) // 2])
        case 1:
            lines = ({**first, "sku": "NO-SUCH-THING"},)
            return _message(SUBMITTED, name, order.after, replace(good, lines=lines), begun_at)
        case 2:
            lines = ({**first, "quantity": -1},)
            return _message(SUBMITTED, name, order.after, replace(good, lines=lines), begun_at)
        case 3:
            return replace(made, type=FROM_THE_FUTURE)
        case _:  # another body under an order id that is known
            lines = ({**first, "quantity": first["quantity"] + 9},)
            made = _message(SUBMITTED, name, order.after, replace(order, lines=lines), begun_at)
            return replace(made, is_order=False)  # whichever comes first is the order


def _message(
    kind: str, event_id: str, after: timedelta, order: ShopOrder, begun_at: datetime
) -> Message:
    made = _event(kind, event_id, after, order.submission(begun_at))
    return replace(made, is_order=True, express=order.service_level == "express")


def _event(kind: str, event_id: str, after: timedelta, body: JsonObject) -> Message:
    return Message(event_id, kind, after, json.dumps(body).encode(), is_order=False)
