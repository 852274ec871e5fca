"""The composition root: every part of a process, built once, when it is first needed."""

import atexit
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache, partial
from typing import TYPE_CHECKING

from shared.edge.services import Services
from shared.kit.clock import utc_now
from shared.platform import db, log
from shared.platform.auth import Door, Verifier
from shared.platform.config import Config, Misconfigured, config
from shared.platform.relay import Relay

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from pydantic import SecretStr

    from shared.carriers.types import Carrier
    from shared.costing.book import Bookshelf
    from shared.edge.console.desk import Desk, Webhooks
    from shared.edge.hooks import Hook
    from shared.edge.stream.serving import Post
    from shared.flows.place_order import Crowd
    from shared.flows.rules import Rules
    from shared.platform.db import Database, Transaction
    from shared.platform.dead_letters import DeadLetter
    from shared.platform.documents import Documents
    from shared.platform.http import Http
    from shared.platform.tasks import Queues
    from shared.platform.topics import Topics
    from shared.subscribers.signing import Keyring
    from shared.tracking.vendors.vendor import Vendor


@cache
def services() -> Services:
    """What the edges need."""
    log.belong_to(config().project)
    if config().telemetry != "none":
        from shared.platform import telemetry  # noqa: PLC0415  a quarter of a second, where wanted

        telemetry.start(config())
    database = db.connect(config(), utc_now)
    parts = Services(
        database=database,
        relay=Relay(database, {"topic": topics, "queue": queues}, _give_up),
        verifier=Verifier(config(), utc_now),
    )
    atexit.register(parts.software_costs.keep, database)
    return parts


def _give_up(tx: "Transaction", letter: "DeadLetter") -> None:
    """Keep the work of a queue that is not there, under its order."""
    from shared.flows.give_up import give_up  # noqa: PLC0415  only where something is amiss

    give_up(tx, letter, work=None)


@cache
def api_verifier() -> Verifier:
    """Who may use the HTTP API."""
    callers = (caller.strip() for caller in config().api_callers.split(","))
    audience = config().api_audience or config().oidc_audience
    return Verifier(config(), utc_now, Door(audience, frozenset(filter(None, callers))))


@cache
def desk() -> "Desk":
    """What the console needs."""
    from shared.edge.console.desk import Desk  # noqa: PLC0415  only the console needs it
    from shared.platform.iap import IapVerifier  # noqa: PLC0415

    audience = config().iap_audience
    return Desk(
        services=services(),
        is_local=config().env in {"local", "test"},
        iap=IapVerifier(audience, config().iap_keys_url, utc_now) if audience else None,
        trusted_proxies=config().trusted_proxies,
        stream_path=config().stream_path,
        stream_port=config().stream_port,
    )


@cache
def post() -> "Post":
    """What live updates need."""
    from shared.edge.arrival import kept_busy  # noqa: PLC0415  only ops_stream needs it
    from shared.edge.stream import serving  # noqa: PLC0415
    from shared.edge.stream.hub import Hub  # noqa: PLC0415

    watched = desk()
    hub = Hub(
        partial(serving.read_for, watched),
        partial(serving.alive_for, watched),
        partial(kept_busy, watched.services, "ops_stream"),
    )
    return serving.Post(watched, hub)


def longest_wait_s() -> int:
    """How long an order may wait to be placed, in seconds."""
    return config().longest_wait_s


def hold_ttl_s() -> int:
    """How long a cart keeps what it holds, in seconds."""
    return config().hold_ttl_s


def updates_kept() -> timedelta:
    """How long what carriers have sent is kept as they sent it."""
    return timedelta(days=config().carrier_updates_kept_days)


def pages_url() -> str | None:
    """Below which address customers can follow their orders; None where there is none."""
    return config().tracking_page_url


def hot_skus() -> tuple[int, int]:
    """From how many orders a minute on a SKU is hot, and over how many rows it is spread then."""
    return config().hot_orders_a_minute, config().hot_partitions


@cache
def bookshelf() -> "Bookshelf":
    """The rate cards of this process."""
    from shared.costing.book import Bookshelf  # noqa: PLC0415  only who knows prices needs it

    return Bookshelf()


@cache
def crowd() -> "Crowd":
    """Whether many wait, as this process sees it."""
    from shared.flows.place_order import Crowd  # noqa: PLC0415  only who places orders needs it

    return Crowd()


@cache
def rules() -> "Rules":
    """What this process follows when it decides."""
    from shared.flows.rules import Rules  # noqa: PLC0415  only who decides needs it

    return Rules()


@cache
def topics() -> "Topics":
    """The client for Pub/Sub."""
    from shared.platform.topics import Topics  # noqa: PLC0415  a third of a second

    return Topics(config())


@cache
def queues() -> "Queues":
    """The client for Cloud Tasks."""
    from shared.platform.tasks import Queues  # noqa: PLC0415  a third of a second

    return Queues(config())


@cache
def carriers() -> "Mapping[str, Carrier]":
    """Where labels are bought, by the vendor's name."""
    return carriers_of(config(), lambda: services().database)


def carriers_of(settings: Config, database: "Callable[[], Database]") -> "Mapping[str, Carrier]":
    """Where labels are bought with these settings; a vendor is made when it is first needed.

    Without its key a vendor raises Misconfigured then.
    """
    from shared.carriers.vendors import Sellers  # noqa: PLC0415  only label_purchase needs it

    def easypost() -> "Carrier":
        from shared.carriers.easypost import EasyPost  # noqa: PLC0415

        return EasyPost(
            api_key=_key(settings.easypost_api_key, "EASYPOST"),
            api_base=settings.easypost_api_base,
        )

    def shippo() -> "Carrier":
        from shared.carriers.shippo import Shippo  # noqa: PLC0415
        from shared.carriers.vendor_notes import VendorNotes  # noqa: PLC0415

        return Shippo(
            api_key=_key(settings.shippo_api_key, "SHIPPO"),
            api_base=settings.shippo_api_base,
            notes=VendorNotes(database()),
            clock=utc_now,
        )

    return Sellers({"easypost": easypost, "shippo": shippo})


def _key(found: "SecretStr | None", vendor: str) -> str:
    if found is None:
        raise Misconfigured(f"DISPATCH_{vendor}_API_KEY: needed to buy labels of this vendor")
    return found.get_secret_value()


@cache
def documents() -> "Documents":
    """Where labels and manifests are kept."""
    from shared.platform.documents import documents_of  # noqa: PLC0415  where it is printed

    return documents_of(config())


@cache
def webhook_sender() -> "Http":
    """What calls subscribers. Only a laptop's may be on the laptop."""
    from shared.flows.deliver_webhook import MOST_BYTES, TIMEOUT_S  # noqa: PLC0415  delivery only
    from shared.platform.http import Http, reach_for_others  # noqa: PLC0415

    return Http(reach_for_others(config()), timeout_s=TIMEOUT_S, most_bytes=MOST_BYTES)


@cache
def webhook_keyring() -> "Keyring":
    """What the secrets of subscribers are derived from.

    Raises:
        Misconfigured: there is no key, or one that could be guessed.
    """
    from shared.subscribers.signing import keyring  # noqa: PLC0415  only webhooks need it

    return keyring(config())


@cache
def webhooks() -> "Webhooks":
    """What whoever changes who gets webhooks needs; raises as `webhook_keyring`."""
    from shared.edge.console.desk import Webhooks  # noqa: PLC0415  only the console needs it
    from shared.platform.http import reach_for_others  # noqa: PLC0415

    return Webhooks(webhook_keyring(), reach_for_others(config()))


@cache
def vendors() -> "Mapping[str, Vendor]":
    """Who may report on parcels, and how that is read."""
    from shared.tracking.vendors.configured import configured  # noqa: PLC0415  tracking only
    from shared.tracking.vendors.table import VENDORS  # noqa: PLC0415

    return configured(config().webhook_vendors, VENDORS)


@cache
def hooks() -> "Mapping[str, Hook]":
    """The webhooks of all vendors. Without anything to trust a vendor by, its own is shut.

    Raises:
        Misconfigured: a secret or an address of keys is of a vendor that nobody knows, or that
            signs otherwise.
    """
    from shared.edge.hooks import Hook  # noqa: PLC0415  only tracking_webhook needs it
    from shared.platform.signatures import Trust  # noqa: PLC0415

    found = {
        name: Hook(vendor, Trust(_webhook_secrets(name), _webhook_key(name)))
        for name, vendor in vendors().items()
    }
    for name in sorted(config().webhook_secrets.keys() | config().webhook_keys_urls.keys()):
        if name not in found:
            raise Misconfigured(f"DISPATCH_{name.upper()}_WEBHOOK_…: there is no such vendor")
        if not found[name].is_open and (_webhook_secrets(name) or _webhook_key(name)):
            raise Misconfigured(f"DISPATCH_{name.upper()}_WEBHOOK_…: it is not recognised by that")
    return found


def _webhook_secrets(vendor: str) -> tuple[str, ...]:
    text = config().webhook_secrets.get(vendor)
    return tuple(filter(None, map(str.strip, text.get_secret_value().split(",")))) if text else ()


@cache
def _webhook_key(vendor: str) -> "Callable[[str], RSAPublicKey | None] | None":
    from shared.platform.published_keys import PublishedKeys, rsa_keys  # noqa: PLC0415

    url = config().webhook_keys_urls.get(vendor)
    return PublishedKeys(url, utc_now, rsa_keys).get if url else None
