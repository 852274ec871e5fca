"""The house and everybody around it, put together for one run."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta

from emulators.laptop.manifest import Manifest, load_all
from emulators.laptop.postgres import Server
from emulators.laptop.stack import ROOT
from emulators.simulation.carrier import SimulatedCarrier
from emulators.simulation.chance import Chance, VirtualClock
from emulators.simulation.channel import Channel
from emulators.simulation.checks import Outside
from emulators.simulation.database import Rival, prepare, watched
from emulators.simulation.faults import Crashed, Fault, Faults
from emulators.simulation.functions import HOOK_SECRET, Functions, Trusting
from emulators.simulation.goods import CARRIERS, catalogue, rate_card
from emulators.simulation.post import (
    Delivery,
    Message,
    Post,
    ToQueues,
    ToTopics,
    sources_of,
)
from emulators.simulation.warehouse import Warehouses
from shared.contracts.base import Cause
from shared.contracts.catalogue import Catalogue
from shared.edge.services import Services
from shared.flows.load_catalogue import load_catalogue
from shared.ops.auditor import Violation, audit
from shared.platform.config import Config
from shared.platform.db import ATTEMPTS, Database
from shared.platform.relay import Relay

CAUSE = Cause("simulation", "simulation")
NOTICE = timedelta(minutes=2)  # before a rate card is valid
_STANDING = "SELECT picked_at IS NOT NULL, state = 'cancelled' FROM parcels WHERE parcel_id = %s"
CRASHED = 0  # what stands for the status of a function that gave no answer


@dataclass(slots=True)
class World:
    """All that a run moves. Made by `world`."""

    chance: Chance
    clock: VirtualClock
    faults: Faults
    rival: Rival
    database: Database
    post: Post
    functions: Functions
    manifests: dict[str, Manifest]
    outside: Outside
    rises_cents: int = 0

    def deliver(self, delivery: Delivery) -> int:
        """Hand one message to its function; returns what was answered, `CRASHED` for nothing."""
        status = self._call(delivery)
        if 200 <= status < 300 or (delivery.source.kind == "hook" and 400 <= status < 500):
            self.post.done(delivery)
        else:
            self.post.failed(delivery)
        return status

    def run_job(self, function: str, path: str) -> int:
        """Run a job of the scheduler's; returns as `deliver` does."""
        if self.faults.choose() is Fault.LOCK_TIMEOUT:
            self.rival.hold(None, 1)
        try:
            return self.functions.call(function, b"", path=path)
        except Crashed:
            self.functions.restart(function)
            return CRASHED
        finally:
            self.faults.forget()
            self.rival.let_go()

    def raise_prices(self) -> None:
        """A carrier publishes its next rate card."""
        self.rises_cents += 10
        valid_from = self.clock.now + NOTICE
        card = rate_card(self.chance.pick(CARRIERS), self.rises_cents, valid_from)
        document = Catalogue(skus=(), warehouses=(), rate_cards=(card,))
        self.database.run(lambda tx: load_catalogue(tx, document), CAUSE)

    def audit(self) -> tuple[Violation, ...]:
        """What the product's auditor finds at this moment."""
        return self.database.run(audit, CAUSE)

    def _call(self, delivery: Delivery) -> int:
        buys = delivery.source.function == "label_purchase"
        if self.faults.choose(buys=buys) is Fault.LOCK_TIMEOUT:
            attempts = self.chance.pick((1, ATTEMPTS))
            self.rival.hold(_order_in(delivery.message), attempts)
        try:
            return self.functions.deliver(delivery)
        except Crashed:
            self.functions.restart(delivery.source.function)
            return CRASHED
        finally:
            self.faults.forget()
            self.rival.let_go()


@contextmanager
def world(seed: int, server: Server, name: str) -> Iterator[World]:
    """A fresh house on the empty database `name` of `server`, for as long as the block lasts."""
    config = settings(server.url_of(name))
    prepare(server, name, config)
    chance, clock = Chance(seed), VirtualClock()
    faults = Faults(chance, clock)
    manifests = load_all(ROOT / "functions")
    with ExitStack() as open_things:
        rival = Rival(server, name)
        open_things.callback(rival.close)
        database = open_things.enter_context(watched(config, clock, faults, rival))
        post = Post(sources_of(manifests), chance, clock, faults)
        services = Services(
            database=database,
            relay=Relay(
                database, {"topic": lambda: ToTopics(post), "queue": lambda: ToQueues(post)}
            ),
            verifier=Trusting(),
        )
        warehouses = Warehouses(post.publish, chance, clock)
        carrier = SimulatedCarrier(
            post.call_hook,
            warehouses,
            chance,
            clock,
            faults,
            standing=lambda parcel_id: _standing(rival, parcel_id),
        )
        post.heard.append(carrier.hear)
        functions = open_things.enter_context(Functions(manifests, config, services, carrier))
        document = catalogue(clock.now - timedelta(days=1))
        database.run(lambda tx: load_catalogue(tx, document), CAUSE)
        outside = Outside(Channel(post.publish, chance, clock), warehouses, carrier, post)
        warehouses.open()
        yield World(chance, clock, faults, rival, database, post, functions, manifests, outside)


def _standing(rival: Rival, parcel_id: str) -> tuple[bool, bool]:
    ((picked, cancelled),) = rival.query(_STANDING, parcel_id)
    return picked, cancelled


def settings(url: str) -> Config:
    """What the functions are told about their surroundings."""
    return Config.model_validate(
        {
            "env": "test",
            "project": "simulated",
            "location": "nowhere",
            "database_url": url,
            "pool_size": 2,
            "statement_timeout_ms": 60_000,
            # So few orders come that one makes its SKUs hot: balances are spread and merged.
            "hot_orders_a_minute": 1,
            "hot_partitions": 3,
            "oidc_audience": "https://simulated.invalid",
            "oidc_caller": "simulated@simulated.invalid",
            "webhook_secrets": {"easypost": HOOK_SECRET},
        }
    )


def _order_in(message: Message) -> str | None:
    try:
        order_id = json.loads(message.data)["order_id"]
    except (ValueError, KeyError, TypeError):
        return None
    return order_id if isinstance(order_id, str) else None
