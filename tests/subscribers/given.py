"""What tests of webhooks start from, said in a line each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import pytest

from shared.contracts.base import Cause
from shared.contracts.parcels import ParcelLabelled
from shared.contracts.work import DeliverWebhook
from shared.flows.add_subscriber import add_subscriber
from shared.flows.deliver_webhook import NotDelivered, Sender, deliver_webhook
from shared.flows.steps import Run
from shared.flows.subscribed import WantedSubscriber
from shared.flows.tell_subscribers import tell_subscribers
from shared.kit.ids import new_id
from shared.people.types import Person
from shared.platform.db import Database, Transaction
from shared.platform.http import Answer, Http, Reach
from shared.subscribers.signing import Keyring
from tests.support import given

Result = TypeVar("Result")

ADA = Person("ada", "because")
KEYS = Keyring(["the-first-signing-key-of-the-tests"])
LABELLED = ParcelLabelled(
    parcel_id="par_1", order_id="ord_1", carrier="correios", tracking_code="BR1"
)
HTTP = Http(Reach.ANYWHERE, timeout_s=5.0, most_bytes=100)


@dataclass
class Subscriber:
    """A subscriber's server in memory; `before` runs in every call and may raise."""

    status: int = 200
    before: Callable[[], None] = lambda: None
    sent: list[tuple[str, bytes, Mapping[str, str]]] = field(default_factory=list)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Take it, and answer with the status."""
        self.sent.append((url, body, headers))
        self.before()
        return Answer(self.status, b"")

    @property
    def ids(self) -> list[str]:
        """The ids of what was sent."""
        return [headers["webhook-id"] for _, _, headers in self.sent]


def runner(database: Database) -> Run:
    """Each step in a transaction of its own, for one cause."""
    cause = given.cause()

    def run(step: Callable[[Transaction], Result], /) -> Result:
        return database.run(step, cause)

    return run


def subscriber(
    database: Database, name: str = "shop", url: str = "https://shop.test/hooks", **fields: Any
) -> str:
    """Somebody who gets webhooks; returns their secret."""
    keys = fields.pop("keys", KEYS)
    wish = WantedSubscriber(name=name, url=url, person=ADA, **fields)
    _, secret = database.run(
        lambda tx: add_subscriber(tx, wish, keys, Reach.ANYWHERE), given.cause()
    )
    return secret


def told(
    database: Database, event: Any = LABELLED, *, occurred_at: datetime | None = None
) -> list[str]:
    """The event happens; returns the ids of the deliveries that it makes, by subscriber."""
    event_id = new_id("evt")
    database.run(lambda tx: tell_subscribers(tx, event), Cause(event_id, event_id, occurred_at))
    return [
        delivery_id
        for (delivery_id,) in given.rows(
            database,
            "SELECT delivery_id FROM webhook_deliveries JOIN webhook_subscribers"
            f" USING (subscriber_id) WHERE event_id = '{event_id}' ORDER BY name",
        )
    ]


def deliver(
    database: Database, delivery_id: str, sender: Sender = HTTP, keys: Keyring = KEYS
) -> None:
    """The function does its work once."""
    deliver_webhook(runner(database), DeliverWebhook(delivery_id=delivery_id), sender, keys)


def state(database: Database, delivery_id: str) -> str:
    """Where the delivery stands."""
    ((found,),) = given.rows(
        database, f"SELECT state FROM webhook_deliveries WHERE delivery_id = '{delivery_id}'"
    )
    return str(found)


def journal(database: Database) -> list[tuple[Any, ...]]:
    """(number, status, error) of every attempt, the oldest first."""
    return given.rows(
        database, "SELECT number, status, error FROM webhook_attempts ORDER BY started_at, number"
    )


def subscribed(database: Database) -> list[tuple[Any, ...]]:
    """(state, failures in a row, why disabled) of every subscriber, by name."""
    return given.rows(
        database,
        "SELECT state, failures, disabled_because FROM webhook_subscribers ORDER BY name",
    )


def fails(database: Database, delivery_id: str, sender: Subscriber) -> None:
    """One attempt that is not taken and will be repeated."""
    with pytest.raises(NotDelivered):
        deliver(database, delivery_id, sender)
