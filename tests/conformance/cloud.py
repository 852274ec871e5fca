"""Google's clients pointed at a started process, and short ways to say what a test needs."""

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

import grpc
import requests
from google.cloud import tasks_v2
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from tests.conformance.patience import at_most

PROJECT = "projects/demo"
LOCATION = f"{PROJECT}/locations/europe-west1"
READY_WITHIN_S = 60
PULL_WITHIN_S = 30
LATE_S = 0.25  # what a busy machine may add to a pause

_numbers = itertools.count()


def unique(word: str) -> str:
    return f"{word}-{next(_numbers)}"


def start(
    *extra: str, errors: IO[bytes] | None = None
) -> tuple[subprocess.Popen[str], dict[str, str]]:
    """A started process and the addresses it printed; `errors` receives its stderr."""
    ports = ("--pubsub-port", "0", "--tasks-port", "0", "--http-port", "0")
    process = subprocess.Popen(
        [sys.executable, "-m", "emulators.google", *ports, *extra],
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
    )
    assert process.stdout is not None
    addresses: dict[str, str] = json.loads(process.stdout.readline())
    return process, addresses


def stop(process: subprocess.Popen[str]) -> int:
    process.terminate()
    code = process.wait(timeout=READY_WITHIN_S)
    assert process.stdout is not None
    process.stdout.close()
    return code


def eventually(holds: Callable[[], bool], timeout_s: float = 30.0) -> None:
    """Wait for a condition that another process brings about."""
    timeout_s = at_most(timeout_s)
    deadline = time.monotonic() + timeout_s
    pause = 0.01
    while not holds():
        assert time.monotonic() < deadline, f"it did not hold within {timeout_s} s"
        time.sleep(pause)


def about(pause_s: float, wanted_s: float, early_s: float = 0.02) -> bool:
    """Whether a pause was as long as it had to be: hardly shorter, and not much longer."""
    return wanted_s - early_s <= pause_s < wanted_s + LATE_S


@dataclass(frozen=True, slots=True)
class Cloud:
    """The clients, and the address of the HTTP port."""

    publisher: Any
    subscriber: Any
    tasks: Any
    http: str
    addresses: dict[str, str]

    def topic(self) -> str:
        name = f"{PROJECT}/topics/{unique('topic')}"
        self.publisher.create_topic(request={"name": name})
        return name

    def subscribe(self, topic: str, endpoint: str = "", **fields: Any) -> str:
        """A subscription that pushes to `endpoint`, or is pulled when there is none."""
        name = f"{PROJECT}/subscriptions/{unique('subscription')}"
        if endpoint:
            fields["push_config"] = {"push_endpoint": endpoint, **fields.get("push_config", {})}
        self.subscriber.create_subscription(request={"name": name, "topic": topic, **fields})
        return name

    def publish(self, topic: str, *messages: dict[str, Any]) -> list[str]:
        response = self.publisher.publish(request={"topic": topic, "messages": list(messages)})
        return list(response.message_ids)

    def pull(self, subscription: str, limit: int = 100) -> list[Any]:
        request = {"subscription": subscription, "max_messages": limit}
        answer = self.subscriber.pull(request=request, timeout=at_most(PULL_WITHIN_S))
        return list(answer.received_messages)

    def acknowledge(self, subscription: str, *ack_ids: str) -> None:
        request = {"subscription": subscription, "ack_ids": list(ack_ids)}
        self.subscriber.acknowledge(request=request)

    def extend(self, subscription: str, ack_id: str, seconds: int) -> None:
        self.subscriber.modify_ack_deadline(
            request={
                "subscription": subscription,
                "ack_ids": [ack_id],
                "ack_deadline_seconds": seconds,
            }
        )

    def queue(self, **fields: Any) -> str:
        name = f"{LOCATION}/queues/{unique('queue')}"
        self.tasks.create_queue(request={"parent": LOCATION, "queue": {"name": name, **fields}})
        return name

    def task(self, queue: str, url: str, *, task_id: str = "", **fields: Any) -> Any:
        """A task that posts to `url`; `http` adds to its HTTP request."""
        http = {"url": url, **fields.pop("http", {})}
        task = {"http_request": http, **fields}
        if task_id:
            task["name"] = f"{queue}/tasks/{task_id}"
        return self.tasks.create_task(request={"parent": queue, "task": task})

    def stats(self) -> Any:
        return requests.get(f"{self.http}/stats", timeout=30).json()


def connect(addresses: dict[str, str]) -> Cloud:
    pubsub = grpc.insecure_channel(addresses["pubsub"])
    tasks = grpc.insecure_channel(addresses["tasks"])
    return Cloud(
        publisher=PublisherClient(transport=PublisherGrpcTransport(channel=pubsub)),
        subscriber=SubscriberClient(transport=SubscriberGrpcTransport(channel=pubsub)),
        tasks=tasks_v2.CloudTasksClient(transport=CloudTasksGrpcTransport(channel=tasks)),
        http=f"http://{addresses['http']}",
        addresses=addresses,
    )
