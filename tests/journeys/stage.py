"""A running stack as a channel, a warehouse, a subscriber and an operator see it."""

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import grpc
from google.pubsub_v1 import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport
from sqlalchemy import text

from emulators.chaos.switchboard import Switchboard
from emulators.laptop.stack import ROOT, Options, Stack
from emulators.line.run import Line
from emulators.line.sample import sample_shop
from emulators.line.script import SUBMITTED, Message
from emulators.line.shop import JsonObject, Shop, ShopOrder
from shared.kit.clock import utc_now
from tests.support.cluster import lay_out

PATIENCE_S = 60.0
STEP_S = 0.1  # between two events of a parcel
EARS = "/test-"  # in the names of subscriptions that tests make
END = "test.end"  # published last, so that nobody waits for what does not come

UNFINISHED = """
    SELECT (SELECT count(*) FROM outbox)
         + (SELECT count(*) FROM parcels
             WHERE state <> 'cancelled' AND parcel_id NOT IN (SELECT parcel_id FROM charges))
"""

Row = tuple[Any, ...]


def wait_until(true: Callable[[], object], what: str, timeout_s: float = PATIENCE_S) -> None:
    """Wait for a condition; the test fails with `what` when it does not come about."""
    deadline_s = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline_s, f"waited {timeout_s:g} s in vain: {what}"
        time.sleep(0.02)


@contextlib.contextmanager
def open_directory() -> Iterator[Path]:
    """A folder that every account may enter, unlike pytest's own: Postgres is not root."""
    with TemporaryDirectory(prefix="dispatch-journey-") as name:
        path = Path(name).resolve()
        path.chmod(0o755)
        yield path


@contextlib.contextmanager
def staged(options: Options | None = None) -> Iterator["Stage"]:
    """A stack of one's own with an empty database."""
    chosen = options or Options(durable=False, carrier_step_s=STEP_S)
    with open_directory() as directory:
        lay_out(directory)
        with Stack(directory, chosen) as stack:
            line = Line(stack.environment, stack.addresses["google"])
            try:
                yield Stage(stack, line)
            finally:
                line.close()


def shop(stock: Mapping[str, Mapping[str, int]]) -> Shop:
    """The sample's catalogue, with this stock ({"SAO": {"MUG-RED": 5}}) and without orders."""
    sample = sample_shop(0)
    return Shop(name="journeys", catalogue=sample.catalogue, stock=stock, later={}, orders=[])


def order(order_id: str, wants: Mapping[str, int]) -> JsonObject:
    """What a channel submits: an order by somebody in Sao Paulo."""
    made = ShopOrder(
        order_id=order_id,
        after=timedelta(0),
        promised_after=timedelta(days=5),
        service_level="standard",
        currency="BRL",
        destination={
            "name": "Ana Exemplo",
            "street": "Rua da Amostra 1",
            "city": "Sao Paulo",
            "state": "SP",
            "postcode": "01310100",
            "country": "BR",
            "lat": -23.5614,
            "lon": -46.6559,
        },
        lines=[
            {"line_no": number, "sku": sku, "quantity": quantity, "unit_price_cents": 2_990}
            for number, (sku, quantity) in enumerate(wants.items(), start=1)
        ],
    )
    return made.submission(utc_now())


@dataclass(frozen=True, slots=True)
class Heard:
    """A message as a subscriber gets it."""

    attributes: Mapping[str, str]
    body: JsonObject

    @property
    def kind(self) -> str:
        """The type without namespace and version: `order.placed`."""
        return self.attributes["ce-type"].removeprefix("dispatch.").removesuffix(".v1")


@dataclass(slots=True)
class Stage:
    """One running stack and short ways to act on it."""

    stack: Stack
    line: Line
    _numbers: Iterator[int] = field(default_factory=count)

    def rows(self, sql: str, **parameters: object) -> list[Row]:
        """What a query finds, as plain tuples."""
        found = self.line.books.database.statement(text(sql), **parameters)
        return [tuple(row) for row in found]

    def value(self, sql: str, **parameters: object) -> Any:
        """The only value of the only row; None without a row."""
        found = self.rows(sql, **parameters)
        return found[0][0] if found else None

    def publish(
        self,
        topic: str,
        kind: str,
        body: JsonObject | bytes,
        *,
        event_id: str = "",
        ordering_key: str = "",
        express: bool = False,
    ) -> str:
        """Publish one event as upstream services do; returns its id."""
        chosen = event_id or f"evt-{next(self._numbers)}-{time.time_ns()}"
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        message = Message(chosen, kind, timedelta(0), data, is_order=False, express=express)
        self.line.channel.publish(topic, [message], ordering_key)
        return chosen

    def submit(
        self, order_id: str, wants: Mapping[str, int], service_level: str = "standard"
    ) -> str:
        """A channel submits an order; returns the event's id."""
        body = {**order(order_id, wants), "service_level": service_level}
        return self.publish("orders", SUBMITTED, body, express=service_level == "express")

    def state(self, order_id: str) -> str | None:
        """Where the order stands; None while nobody knows it."""
        found: str | None = self.value(
            "SELECT state FROM orders WHERE order_id = :order_id", order_id=order_id
        )
        return found

    def wait_for(self, order_id: str, state: str) -> None:
        """Wait until the order stands there."""
        wait_until(lambda: self.state(order_id) == state, f"{order_id} is {state}")

    def wait_for_rest(self) -> None:
        """Wait until no function has anything left to do; a test's own ears do not count."""
        wait_until(self._is_at_rest, "nothing is under way anywhere")

    def _is_at_rest(self) -> bool:
        figures = self.figures()
        backlog = [
            row["backlog"] for name, row in figures["subscriptions"].items() if EARS not in name
        ]
        depths = [row["depth"] for row in figures["queues"].values()]
        return not any((*backlog, *depths, self.value(UNFINISHED)))

    def letter(self, message_id: str) -> Row | None:
        """(source, code, reason, original, attempts) of a parked message."""
        found = self.rows(
            "SELECT source, code, reason, payload, attempts FROM dead_letters"
            " WHERE message_id = :message_id",
            message_id=message_id,
        )
        return found[0] if found else None

    def figures(self) -> dict[str, dict[str, dict[str, int]]]:
        """What Google's stand-ins count: subscriptions, queues and topics by full name."""
        address = f"http://{self.stack.addresses['google']}/stats"
        with urllib.request.urlopen(address, timeout=30) as answer:
            found: dict[str, dict[str, dict[str, int]]] = json.load(answer)
            return found

    def failures(self, subscription: str) -> int:
        """How many deliveries of a function's subscription were refused so far."""
        name = f"projects/{self.stack.environment['DISPATCH_PROJECT']}/subscriptions/{subscription}"
        return self.figures()["subscriptions"][name]["failed"]

    def run_job(self, name: str) -> None:
        """Start a scheduled job at once, as a person would in the console."""
        environment = self.stack.environment
        request = urllib.request.Request(
            f"http://{self.stack.addresses['google']}/v1/projects/"
            f"{environment['DISPATCH_PROJECT']}/locations/{environment['DISPATCH_LOCATION']}"
            f"/jobs/{name}:run",
            data=b"{}",
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=30):
            pass

    def status(self) -> dict[str, Any]:
        """What `python3 -m emulators status --json` says."""
        ran = subprocess.run(
            [sys.executable, "-m", "emulators", "status", "--json"],
            cwd=ROOT,
            env={**os.environ, "DISPATCH_HOME": str(self.stack.directory)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        found: dict[str, Any] = json.loads(ran.stdout)
        return found

    @contextlib.contextmanager
    def paused(self, *targets: str) -> Iterator[None]:
        """Hold back what these queues and subscriptions deliver, for the length of a block."""
        switchboard = self.switchboard
        for target in targets:
            switchboard.pause(target)
        try:
            yield
        finally:
            for target in targets:
                switchboard.resume(target)

    @property
    def switchboard(self) -> Switchboard:
        """Where faults are ordered."""
        return Switchboard(self.stack.addresses["google"], self.stack.pids)

    @contextlib.contextmanager
    def listening(self, *topics: str) -> Iterator["Ears"]:
        """Subscribe to topics as downstream services do, in order per key."""
        with grpc.insecure_channel(self.stack.addresses["pubsub"]) as channel:
            client = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
            project = f"projects/{self.stack.environment['DISPATCH_PROJECT']}"
            names = {topic: f"{project}/subscriptions{EARS}{topic}" for topic in topics}
            for topic, name in names.items():
                client.create_subscription(
                    request={
                        "name": name,
                        "topic": f"{project}/topics/{topic}",
                        "enable_message_ordering": True,
                    }
                )
            try:
                yield Ears(self, client, names)
            finally:
                for name in names.values():
                    client.delete_subscription(subscription=name)


@dataclass(frozen=True, slots=True)
class Ears:
    """Pull subscriptions on topics."""

    stage: Stage
    client: SubscriberClient
    names: Mapping[str, str]

    def hear(self, topic: str, key: str) -> list[Heard]:
        """Everything that came about `key`, in order. Call it once, when no more is to come."""
        self.stage.publish(topic, END, {}, ordering_key=key)
        heard: list[Heard] = []
        while not heard or heard[-1].attributes["ce-type"] != END:
            answer = self.client.pull(
                request={"subscription": self.names[topic], "max_messages": 100}, timeout=60
            )
            for received in answer.received_messages:
                message = received.message
                if message.ordering_key == key:
                    heard.append(Heard(dict(message.attributes), json.loads(message.data)))
            self.client.acknowledge(
                subscription=self.names[topic],
                ack_ids=[received.ack_id for received in answer.received_messages],
            )
        return heard[:-1]
