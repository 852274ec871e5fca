"""The composition root: every part of a process, built once, when it is first needed."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from shared.costing.book import Bookshelf
from shared.edge.services import Services
from shared.kit.clock import utc_now
from shared.platform import db
from shared.platform.auth import Door, Verifier
from shared.platform.config import Misconfigured, config
from shared.platform.relay import Relay

if TYPE_CHECKING:
    from shared.carriers.types import Carrier
    from shared.edge.hooks import Vendor
    from shared.flows.rules import Rules
    from shared.platform.tasks import Queues
    from shared.platform.topics import Topics


@cache
def services() -> Services:
    """What the edges need."""
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
def hook_vendors() -> "Mapping[str, Vendor]":
    """Whose webhooks are taken. Without a secret a vendor's updates are all refused."""
    from shared.edge.hooks import Vendor  # noqa: PLC0415  only tracking_webhook needs it
    from shared.platform.signatures import EASYPOST_HEADER, verify_easypost  # noqa: PLC0415
    from shared.tracking.vendors.easypost import read_event  # noqa: PLC0415

    secret = config().easypost_webhook_secret
    secrets = secret.get_secret_value().split(",") if secret else []
    return {
        "easypost": Vendor(
            signature_header=EASYPOST_HEADER,
            verify=lambda body, header: verify_easypost(body, header, secrets),
            read=read_event,
        )
    }
