"""The composition root: every part of a process, built once, when it is first needed."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING

from shared.costing.book import Bookshelf
from shared.edge.services import Services
from shared.kit.clock import utc_now
from shared.platform import db
from shared.platform.auth import Door, Verifier
from shared.platform.config import Misconfigured, config
from shared.platform.memory import collect_rarely
from shared.platform.relay import Relay

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    from shared.carriers.types import Carrier
    from shared.edge.hooks import Hook
    from shared.flows.rules import Rules
    from shared.platform.tasks import Queues
    from shared.platform.topics import Topics
    from shared.tracking.vendors.vendor import Vendor


@cache
def services() -> Services:
    """What the edges need."""
    collect_rarely()
    database = db.connect(config(), utc_now)
    return Services(
        database=database,
        relay=Relay(database, {"topic": topics, "queue": queues}),
        verifier=Verifier(config(), utc_now),
    )


@cache
def api_verifier() -> Verifier:
    """Who may use the HTTP API."""
    callers = (caller.strip() for caller in config().api_callers.split(","))
    audience = config().api_audience or config().oidc_audience
    return Verifier(config(), utc_now, Door(audience, frozenset(filter(None, callers))))


def longest_wait_s() -> int:
    """How long an order may wait to be placed, in seconds."""
    return config().longest_wait_s


def hold_ttl_s() -> int:
    """How long a cart keeps what it holds, in seconds."""
    return config().hold_ttl_s


def hot_skus() -> tuple[int, int]:
    """From how many orders a minute on a SKU is hot, and over how many rows it is spread then."""
    return config().hot_orders_a_minute, config().hot_partitions


@cache
def bookshelf() -> Bookshelf:
    """The rate cards of this process."""
    return Bookshelf()


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
def carrier() -> "Carrier":
    """Where labels are bought."""
    from shared.carriers.easypost import EasyPost  # noqa: PLC0415  only label_purchase needs it

    key = config().easypost_api_key
    if key is None:
        raise Misconfigured("DISPATCH_EASYPOST_API_KEY: needed to buy labels")
    return EasyPost(api_key=key.get_secret_value(), api_base=config().easypost_api_base)


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
