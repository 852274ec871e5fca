"""Run a shop's orders through the running line, to the end, and account for every one of them."""

import json
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from emulators.line.books import CAUSE, Books
from emulators.line.channel import Channel
from emulators.line.script import Message, Mischief, Script, write_script
from emulators.line.shop import Shop, units_in
from shared.contracts.catalogue import Catalogue
from shared.flows.load_catalogue import load_catalogue
from shared.kit.clock import utc_now

LINES_A_RECEIPT = 500
WINDOW = 24  # messages that may wait for intake or placement while more are published
PERIOD_S = 0.1
PATIENCE_S = 90.0  # without any progress, before a run is given up
ENDED = ("delivered", "returned", "cancelled")
RESTING = (*ENDED, "backordered", "partly_placed", "review")

Progress = Callable[[str], None]


class GaveUp(Exception):
    """The line has not moved for a long while."""


@dataclass(frozen=True, slots=True)
class Latency:
    """From an event's publication to the moment its order was placed."""

    p50: float
    p95: float
    max: float


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of a run."""

    shop: str
    orders_sent: int
    orders_accepted: int
    orders_rejected: int
    orders_unaccounted: int
    orders_delivered: int
    orders_returned: int
    orders_cancelled: int
    orders_backordered: int
    orders_in_review: int
    orders_unsettled: int
    parcels: int
    parcels_delivered: int
    cost_minor: int
    currency: str
    duplicates_sent: int
    reordered_sent: int
    parked: Mapping[str, int]
    oversold_units: int
    invariant_violations: int
    violations: tuple[Mapping[str, str], ...]
    event_to_placed_ms: Latency
    orders_per_second: float
    wall_s: float

    @property
    def is_good(self) -> bool:
        """Every order is accounted for and at rest, and every invariant holds."""
        return not (
            self.orders_unaccounted
            or self.orders_unsettled
            or self.oversold_units
            or self.invariant_violations
        )

    def as_json(self) -> str:
        """One JSON object."""
        return json.dumps(asdict(self))


@dataclass(slots=True)
class Line:
    """A running stack, seen by those who send orders into it."""

    environment: Mapping[str, str]
    google: str  # host:port of the stand-ins' statistics
    books: Books = field(init=False)
    channel: Channel = field(init=False)

    def __post_init__(self) -> None:
        self.books = Books(self.environment)
        self.channel = Channel(
            self.environment["DISPATCH_PUBSUB_ADDRESS"], self.environment["DISPATCH_PROJECT"]
        )

    def close(self) -> None:
        """Let go of the database."""
        self.books.close()

    def load(self, shop: Shop) -> None:
        """Put the shop's catalogue in place, and let its stock arrive as warehouses report it."""
        known = self.books.on_hand()
        valid_from = (utc_now() - timedelta(days=1)).isoformat()
        cards = (
            [] if known else [{**c, "valid_from": valid_from} for c in shop.catalogue["rate_cards"]]
        )
        # Who sells labels may have been changed by hand since.
        accounts = [] if known else shop.catalogue.get("carrier_accounts", [])
        document = Catalogue.model_validate(
            {**shop.catalogue, "rate_cards": cards, "carrier_accounts": accounts}
        )
        self.books.database.run(lambda tx: load_catalogue(tx, document), CAUSE)
        self.receive(shop.stock, f"{shop.name}-opening")
        self.wait_for_quiet("the opening stock is booked", lambda: None)

    def receive(self, levels: Mapping[str, Mapping[str, int]], name: str) -> None:
        """Goods arrive; the same name is the same goods."""
        for warehouse, units in levels.items():
            rows = [{"sku": sku, "quantity": n} for sku, n in sorted(units.items()) if n > 0]
            receipts = [
                _receipt(
                    warehouse, f"{name}-{warehouse}-{start}", rows[start : start + LINES_A_RECEIPT]
                )
                for start in range(0, len(rows), LINES_A_RECEIPT)
            ]
            self.channel.publish("stock-updates", receipts, ordering_key=warehouse)

    def waiting(self) -> tuple[int, int]:
        """What waits for intake or placement, and all that is under way but for webhooks."""
        with urllib.request.urlopen(f"http://{self.google}/stats", timeout=5) as answer:
            return waiting_of(json.load(answer))

    def wait_for_rest(self, progress: Callable[[], None]) -> None:
        """Wait until nothing is under way anywhere and every order is at rest.

        Raises:
            GaveUp: nothing has changed for a long while.
        """
        self._wait_until("every order is at rest", progress, orders_rest=True)

    def wait_for_quiet(self, what: str, progress: Callable[[], None]) -> None:
        """Wait until nothing is under way anywhere, wherever orders stand.

        Raises:
            GaveUp: nothing has changed for a long while.
        """
        self._wait_until(what, progress, orders_rest=False)

    def _wait_until(self, what: str, progress: Callable[[], None], *, orders_rest: bool) -> None:
        """Wait until no message and no work is under way, and perhaps until all orders rest.

        Raises:
            GaveUp: nothing has changed for a long while.
        """
        last: object = None
        changed_s = time.monotonic()
        while True:
            _, under_way = self.waiting()
            states = self.books.orders_by_state()
            unsent, uncharged = self.books.unsent_and_uncharged()
            parcels = self.books.parcels_by_state()
            moving = sum(n for state, n in states.items() if state not in RESTING)
            # Of what is sent in part the parcels go on while the order waits for the rest.
            moving += sum(n for state, n in parcels.items() if state not in ENDED)
            if not (under_way or unsent or uncharged or (moving and orders_rest)):
                return
            seen = (under_way, unsent, uncharged, states, parcels)
            if seen != last:
                last, changed_s = seen, time.monotonic()
            if time.monotonic() - changed_s > PATIENCE_S:
                raise GaveUp(f"waited {PATIENCE_S:g} s in vain until {what}")
            progress()
            time.sleep(PERIOD_S)


def waiting_of(figures: Mapping[str, Mapping[str, Mapping[str, int]]]) -> tuple[int, int]:
    """What waits, of the stand-ins' statistics: for intake or placement, and anywhere.

    Without webhooks: who does not answer is tried for a day, and no order waits for that.
    """
    backlog = {
        name.rpartition("/")[2]: row["backlog"] for name, row in figures["subscriptions"].items()
    }
    depth = {name.rpartition("/")[2]: row["depth"] for name, row in figures["queues"].items()}
    depth.pop("webhooks", None)
    ahead = [
        n for name, n in backlog.items() if name.startswith(("order_intake", "order_placement"))
    ]
    ahead += [n for name, n in depth.items() if name.startswith("placement")]
    return sum(ahead), sum(backlog.values()) + sum(depth.values())


def run_shop(
    line: Line, shop: Shop, mischief: Mischief, speed: float | None, progress: Progress
) -> Summary:
    """Send every order of `shop`, wait until all are at rest, audit, and sum up.

    Args:
        line: a running stack with an empty database.
        shop: whose orders are sent.
        mischief: how much is repeated, reordered, changed and wrong on purpose.
        speed: how many times the recorded pace; None as fast as the line takes them.
        progress: called with a line of text now and then.
    """
    progress(f"loading the catalogue and the stock of {shop.name}")
    line.load(shop)
    begun_at, begun_s = utc_now(), time.monotonic()
    script = write_script(shop, begun_at, mischief)
    tell = _Teller(line, len(script.messages), progress)
    sent_at = _send(line, shop, script, speed, tell)
    tell.everything_is_sent()
    try:
        line.wait_for_rest(tell)
    except GaveUp as given_up:
        progress(str(given_up))
    wall_s = time.monotonic() - begun_s
    progress("auditing")
    return _sum_up(line, shop, script, sent_at, wall_s)


def _send(
    line: Line, shop: Shop, script: Script, speed: float | None, tell: "_Teller"
) -> dict[str, datetime]:
    """Publish the script; returns when each event was published first."""
    sent_at: dict[str, datetime] = {}
    begun_s = time.monotonic()
    half = len(script.messages) // 2
    position = 0
    while position < len(script.messages):
        if speed is None:
            free = WINDOW - line.waiting()[0]
            until = position + max(0, free)
        else:
            past = timedelta(seconds=(time.monotonic() - begun_s) * speed)
            until = position
            while until < len(script.messages) and script.messages[until].after <= past:
                until += 1
        batch = script.messages[position:until]
        if batch:
            line.channel.publish("orders", batch)
            now = utc_now()
            for message in batch:
                sent_at.setdefault(message.event_id, now)
            if position < half <= position + len(batch):
                line.receive(shop.later, f"{shop.name}-later")
            position += len(batch)
        tell.sent = position
        tell()
        time.sleep(PERIOD_S if speed else PERIOD_S / 4)
    return sent_at


class _Teller:
    """Says now and then how far the run is."""

    def __init__(self, line: Line, messages: int, progress: Progress) -> None:
        self.sent = 0
        self._line = line
        self._messages = messages
        self._progress = progress
        self._next_s = 0.0

    def everything_is_sent(self) -> None:
        self.sent = self._messages

    def __call__(self) -> None:
        if time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + 1.0
        states = self._line.books.orders_by_state()
        told = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        self._progress(f"{self.sent} of {self._messages} messages sent; orders: {told or 'none'}")


def _sum_up(
    line: Line, shop: Shop, script: Script, sent_at: Mapping[str, datetime], wall_s: float
) -> Summary:
    books = line.books
    states, parcels, costs = books.orders_by_state(), books.parcels_by_state(), books.costs()
    known, refused = books.known_orders(), books.refused_messages()
    orders = {message.event_id for message in script.messages if message.is_order}
    violations = books.violations()
    received = [*units_in(shop.stock), *units_in(shop.later)]
    return Summary(
        shop=shop.name,
        orders_sent=len(orders),
        orders_accepted=len(known),
        orders_rejected=len((orders & refused) - known),
        orders_unaccounted=len(orders - known - refused),
        orders_delivered=states.get("delivered", 0),
        orders_returned=states.get("returned", 0),
        orders_cancelled=states.get("cancelled", 0),
        orders_backordered=states.get("backordered", 0) + states.get("partly_placed", 0),
        orders_in_review=states.get("review", 0),
        orders_unsettled=sum(n for state, n in states.items() if state not in RESTING),
        parcels=sum(n for state, n in parcels.items() if state != "cancelled"),
        parcels_delivered=parcels.get("delivered", 0),
        cost_minor=sum(costs.values()),
        currency=", ".join(costs) or str(shop.catalogue["rate_cards"][0]["currency"]),
        duplicates_sent=script.duplicates,
        reordered_sent=script.reordered,
        parked=books.letters_by_code(),
        oversold_units=books.oversold_units(received),
        invariant_violations=len(violations),
        violations=tuple(asdict(violation) for violation in violations[:10]),
        event_to_placed_ms=_latency(sent_at, books.placed_at()),
        orders_per_second=round(len(known) / wall_s, 2),
        wall_s=round(wall_s, 2),
    )


def _latency(sent_at: Mapping[str, datetime], placed_at: Mapping[str, datetime]) -> Latency:
    waits_ms = sorted(
        (placed - sent_at[order_id]).total_seconds() * 1_000
        for order_id, placed in placed_at.items()
        if order_id in sent_at
    )
    if not waits_ms:
        return Latency(0.0, 0.0, 0.0)

    def at(share: float) -> float:
        return round(waits_ms[min(len(waits_ms) - 1, int(share * len(waits_ms)))], 1)

    return Latency(at(0.5), at(0.95), round(waits_ms[-1], 1))


def _receipt(warehouse: str, receipt_id: str, rows: list[dict[str, Any]]) -> Message:
    body = {
        "warehouse": warehouse,
        "receipt_id": receipt_id,
        "received_at": utc_now().isoformat(),
        "lines": rows,
    }
    return Message(
        event_id=receipt_id,
        type="warehouse.stock.received.v1",
        after=timedelta(),
        body=json.dumps(body).encode(),
        is_order=False,
    )
