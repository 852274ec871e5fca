"""Orders sent into a running stack as channels send them, and what becomes of them.

All of it goes the whole way: the topic `orders`, the real functions, the real queues. A queue is
held and let go through Cloud Tasks' own API, as an operator does.
"""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import grpc
from google.cloud.tasks_v2 import CloudTasksClient
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport

from emulators.laptop.provision import job_name
from emulators.laptop.stack import Stack
from emulators.line.books import CAUSE
from emulators.line.run import GaveUp, Line
from emulators.line.sample import sample_shop
from emulators.line.script import SUBMITTED, Message
from emulators.line.shop import Shop, ShopOrder
from shared.contracts.catalogue import Catalogue, CatalogueAgeing
from shared.flows.load_catalogue import load_catalogue
from shared.kit.clock import utc_now
from shared.platform.sql import text

SERVICE_LEVELS = {"express": "express", "standard": "standard", "bulk": "economy"}
PROMISED_AFTER = timedelta(days=6)  # far enough to leave the priority to the service level
UNITS_EACH = 100_000  # of every SKU of the sample in every warehouse: nobody waits for these
SENT_EVERY_S = 0.25
PERIOD_S = 0.1
PATIENCE_S = 180.0

_PLACED = text("""
    SELECT order_id, placed_at
      FROM orders
     WHERE order_id = ANY(CAST(:order_ids AS text[])) AND placed_at IS NOT NULL
""")


@dataclass(slots=True)
class Traffic:
    """What goes into one running stack. Made by `traffic`."""

    stack: Stack
    line: Line
    tasks: CloudTasksClient
    _held: set[str] = field(default_factory=set)
    _numbers: Iterator[int] = field(default_factory=count)

    def age(self, *rules: CatalogueAgeing) -> None:
        """Replace the rules by which waiting orders move up."""
        document = Catalogue(ageing=rules, skus=(), warehouses=(), rate_cards=())
        self.line.books.database.run(lambda tx: load_catalogue(tx, document), CAUSE)

    def publish(self, priority: str, orders: int) -> dict[str, datetime]:
        """Submit that many orders at once; returns when each was published, by order id."""
        number = next(self._numbers)
        shop = sample_shop(orders, seed=number, name=f"{priority}-{number}")
        return self.submit(_of_service_level(shop, SERVICE_LEVELS[priority]))

    def submit(self, orders: Sequence[ShopOrder]) -> dict[str, datetime]:
        """Submit these orders at once; returns when each was published, by order id."""
        now = utc_now()
        self.line.channel.publish("orders", [_submission(order, now) for order in orders])
        return dict.fromkeys((order.order_id for order in orders), now)

    def trickle(self, priorities: Sequence[str], each: int) -> dict[str, list[float]]:
        """Submit `each` orders of every priority, one by one in turn and evenly in time.

        Returns:
            From publication to placement in ms, by priority.

        Raises:
            GaveUp: one of them was not placed.
        """
        sent_at: dict[str, dict[str, datetime]] = {priority: {} for priority in priorities}
        next_s = time.monotonic()
        for _ in range(each):
            for priority in priorities:
                time.sleep(max(0.0, next_s - time.monotonic()))
                next_s += SENT_EVERY_S
                sent_at[priority] |= self.publish(priority, 1)
        return {priority: self.waits_ms(sent) for priority, sent in sent_at.items()}

    def waits_ms(
        self, sent_at: Mapping[str, datetime], meanwhile: Callable[[], object] = lambda: None
    ) -> list[float]:
        """Wait until these orders are placed; from publication to placement of each, in ms.

        Raises:
            GaveUp: one of them was not placed.
        """
        deadline_s = time.monotonic() + PATIENCE_S
        while len(placed_at := self._placed_at(sent_at)) < len(sent_at):
            if time.monotonic() > deadline_s:
                missing = sorted(sent_at.keys() - placed_at.keys())
                raise GaveUp(f"{len(missing)} orders were not placed, {missing[0]} among them")
            meanwhile()
            time.sleep(PERIOD_S)
        return [1e3 * (placed_at[name] - sent).total_seconds() for name, sent in sent_at.items()]

    def unplaced(self, order_ids: Mapping[str, object]) -> int:
        """How many of these orders are not placed yet."""
        return len(order_ids) - len(self._placed_at(order_ids))

    def hold(self, queue: str) -> None:
        """Let a queue stand still."""
        self.tasks.pause_queue(name=self._queue(queue))
        self._held.add(queue)

    def let_go(self, queue: str) -> None:
        """Let a held queue go on."""
        self.tasks.resume_queue(name=self._queue(queue))
        self._held.remove(queue)

    def rest(self) -> None:
        """Wait until nothing is under way but what held queues hold.

        Raises:
            GaveUp: it did not come to rest.
        """
        deadline_s = time.monotonic() + PATIENCE_S
        while moving := {
            name for name, waiting in self._figures().items() if waiting and name not in self._held
        }:
            if time.monotonic() > deadline_s:
                raise GaveUp(f"{', '.join(sorted(moving))} did not come to rest")
            time.sleep(PERIOD_S)

    def promote(self) -> None:
        """Run housekeeping's job that promotes waiting orders, as Cloud Scheduler does."""
        job = job_name("housekeeping", "promote-waiting")
        request = urllib.request.Request(
            f"http://{self.stack.addresses['google']}/v1/{self._location}/jobs/{job}:run",
            data=b"{}",
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10):
            pass

    def faults(self) -> list[str]:
        """What the run broke, as sentences."""
        parked = self.line.books.letters_by_code()
        return [f"{letters} dead letters: {code}" for code, letters in parked.items()] + [
            f"{broken.rule}: {broken.subject}: {broken.found}, should be {broken.expected}"
            for broken in self.line.books.violations()
        ]

    @property
    def _location(self) -> str:
        environment = self.stack.environment
        return (
            f"projects/{environment['DISPATCH_PROJECT']}"
            f"/locations/{environment['DISPATCH_LOCATION']}"
        )

    def _queue(self, name: str) -> str:
        return f"{self._location}/queues/{name}"

    def _figures(self) -> dict[str, int]:
        """What every subscription and every queue still has to deliver, by short name."""
        address = f"http://{self.stack.addresses['google']}/stats"
        with urllib.request.urlopen(address, timeout=10) as answer:
            figures: dict[str, dict[str, dict[str, Any]]] = json.load(answer)
        waiting = {name: row["backlog"] for name, row in figures["subscriptions"].items()}
        waiting |= {name: row["depth"] for name, row in figures["queues"].items()}
        return {name.rpartition("/")[2]: number for name, number in waiting.items()}

    def _placed_at(self, order_ids: Mapping[str, object]) -> dict[str, datetime]:
        rows = self.line.books.database.statement(_PLACED, order_ids=list(order_ids))
        return {row.order_id: row.placed_at for row in rows}


@contextmanager
def traffic(stack: Stack, shop: Shop) -> Iterator[Traffic]:
    """Traffic into a running stack with an empty database; the shop's stock is there."""
    line = Line(stack.environment, stack.addresses["google"])
    with grpc.insecure_channel(stack.addresses["tasks"]) as channel:
        try:
            tasks = CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))
            line.load(shop)
            yield Traffic(stack, line, tasks)
        finally:
            line.close()


def plentiful() -> Shop:
    """The sample catalogue with more stock than anybody will order."""
    shop = sample_shop(0)
    everything = {sku["sku"]: UNITS_EACH for sku in shop.catalogue["skus"]}
    return replace(
        shop, stock={place["warehouse"]: everything for place in shop.catalogue["warehouses"]}
    )


def _of_service_level(shop: Shop, service_level: str) -> list[ShopOrder]:
    return [
        replace(
            order,
            after=timedelta(0),
            promised_after=PROMISED_AFTER,
            service_level=service_level,
        )
        for order in shop.orders
    ]


def _submission(order: ShopOrder, now: datetime) -> Message:
    return Message(
        event_id=order.order_id,
        type=SUBMITTED,
        after=order.after,
        body=json.dumps(order.submission(now)).encode(),
        is_order=True,
        express=order.service_level == "express",
    )
