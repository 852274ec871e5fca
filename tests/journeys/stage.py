"""A running stack as a channel, a warehouse, a subscriber and an operator see it."""

import contextlib
import json
import shutil
import time
import urllib.request
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import grpc
import yaml
from google.pubsub_v1 import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from emulators.chaos.switchboard import Switchboard
from emulators.laptop.stack import ROOT, Options, Stack
from emulators.line.run import Line
from emulators.line.sample import sample_shop
from emulators.line.script import SUBMITTED, Message
from emulators.line.shop import JsonObject, Shop, ShopOrder
from shared.kit.clock import utc_now
from shared.platform.sql import text
from tests.support.cluster import lay_out
from tests.support.terminal import said

PATIENCE_S = 60.0
# Longer than the longest back-off, and than a lease of the outbox with the sweep that follows it.
REST_S = 120.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 0.1  # looking costs those a processor who are waited for
STEP_S = 0.1  # between two events of a parcel
EARS = "/test-"  # in the names of subscriptions that tests make
END = "test.end"  # published last, so that nobody waits for what does not come

UNFINISHED = """
    SELECT 'messages in the outbox', (SELECT count(*) FROM outbox)
     UNION ALL
    SELECT 'parcels without charges',
           (SELECT count(*) FROM parcels
             WHERE state <> 'cancelled' AND parcel_id NOT IN (SELECT parcel_id FROM charges))
"""

Row = tuple[Any, ...]


def wait_until(true: Callable[[], object], what: str, timeout_s: float = PATIENCE_S) -> None:
    """Wait for a condition; the test fails with `what` when it does not come about."""
    wait_until_nothing(lambda: () if true() else (what,), timeout_s)


def wait_until_nothing(left: Callable[[], Collection[str]], timeout_s: float) -> None:
    """Wait until nothing is left; the test fails with what still is when that does not come."""
    deadline_s, pause_s = time.monotonic() + timeout_s, FIRST_PAUSE_S
    while found := left():
        waited = f"waited {timeout_s:g} s in vain: {', '.join(found)}"
        assert time.monotonic() < deadline_s, waited
        time.sleep(pause_s)
        pause_s = min(LONGEST_PAUSE_S, 1.2 * pause_s)


@contextlib.contextmanager
def open_directory() -> Iterator[Path]:
    """A folder that every account may enter, unlike pytest's own: Postgres is not root."""
    with TemporaryDirectory(prefix="dispatch-journey-") as name:
        path = Path(name).resolve()
        path.chmod(0o755)
        yield path


def functions_with(root: Path, name: str, change: Callable[[JsonObject], object]) -> Path:
    """A copy of the real functions below `root`, with a change to what one of them asks for."""
    functions = root / "functions"
    shutil.copytree(ROOT / "functions", functions, ignore=shutil.ignore_patterns("__pycache__"))
    path = functions / name / "function.yaml"
    manifest = yaml.safe_load(path.read_text())
    change(manifest)
    path.write_text(yaml.safe_dump(manifest))
    return functions


@contextlib.contextmanager
def staged(options: Options | None = None) -> Iterator["Stage"]:
    """A stack of one's own with an empty database."""
    chosen = options or Options(durable=False, carrier_step_s=STEP_S)
    chosen = replace(chosen, migrate=False)  # what is laid out is migrated
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
        wait_until_nothing(self._under_way, REST_S)

    def _under_way(self) -> list[str]:
        """What is still to be done, and where: `3 of placement-bulk`."""
        counted = [
            (name.rpartition("/")[2], row[what])
            for where, what in (
                ("subscriptions", "backlog"),
                ("queues", "depth"),
                ("jobs", "under_way"),
            )
            for name, row in self.figures()[where].items()
            if EARS not in name
        ]
        counted += [tuple(row) for row in self.rows(UNFINISHED)]
        return [f"{number} of {name}" for name, number in counted if number]

    def let_leases_end(self) -> None:
        """What a minute or two would do: whoever leased this over three seconds ago is dead."""
        self.rows(
            "UPDATE labels SET leased_until = now()"
            " WHERE leased_until < now() + interval '87 s' RETURNING 1"
        )
        self.rows(
            "UPDATE outbox SET claimed_until = now()"
            " WHERE claimed_until < now() + interval '27 s' RETURNING 1"
        )
        self.run_job("outbox_relay-sweep")

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
        """Start a scheduled job at once, as a person would in the console; nobody waits for it."""
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
        found: dict[str, Any] = said(self.stack.directory, "status")
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
        return self.hear_all(topic, [key])[key]

    def hear_all(self, topic: str, keys: Collection[str]) -> dict[str, list[Heard]]:
        """The same about several keys; what came about others is forgotten.

        What comes again is the same event, and counts once, as for every subscriber: the relay
        sends again what it has not heard to have arrived.
        """
        for key in keys:
            self.stage.publish(topic, END, {}, ordering_key=key)
        heard: dict[str, list[Heard]] = {key: [] for key in keys}
        known: dict[str, Heard] = {}
        going_on = set(keys)
        while going_on:
            answer = self.client.pull(
                request={"subscription": self.names[topic], "max_messages": 100}, timeout=60
            )
            for received in answer.received_messages:
                message = received.message
                if message.ordering_key not in going_on:
                    continue
                if message.attributes["ce-type"] == END:
                    going_on.remove(message.ordering_key)
                else:
                    found = Heard(dict(message.attributes), json.loads(message.data))
                    first = known.setdefault(found.attributes["ce-id"], found)
                    if first is found:
                        heard[message.ordering_key].append(found)
                    assert (first.kind, first.body) == (found.kind, found.body), (
                        "one id, two events"
                    )
            self.client.acknowledge(
                subscription=self.names[topic],
                ack_ids=[received.ack_id for received in answer.received_messages],
            )
        return heard
