"""Settings from the environment: complete, or no request is served."""

import os
import re
from collections.abc import Mapping
from functools import cache
from typing import Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from shared.kit.errors import Fault

PREFIX = "DISPATCH_"
IAP_KEYS_URL = "https://www.gstatic.com/iap/verify/public_key"
GOOGLE_CERTS_URL = "https://www.googleapis.com/oauth2/v1/certs"
EASYPOST_API_BASE = "https://api.easypost.com/v2"
SHIPPO_API_BASE = "https://api.goshippo.com"
_PAGES = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~/-]*)?")
_OF_A_VENDOR = re.compile(r"([a-z0-9_]+)_(webhook_secret|webhook_keys_url)")


class Misconfigured(Fault):
    """A setting is missing, misspelt or malformed."""

    code = "misconfigured"


class Config(BaseModel):
    """What a function is told about its surroundings. No secret has a default, anywhere."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    env: Literal["local", "test", "dev", "prod"]
    project: str
    location: str

    # One of the two: a URL (laptop, tests), or a Cloud SQL instance with an IAM user.
    database_url: SecretStr | None = None
    instance_connection_name: str | None = None
    database_user: str = "dispatch"
    database_name: str = "dispatch"
    pool_size: int = Field(default=8, ge=1, le=32)  # connections; a function is told its own
    lock_timeout_ms: int = Field(default=3_000, ge=100, le=30_000)
    statement_timeout_ms: int = Field(default=10_000, ge=100, le=60_000)

    longest_wait_s: int = Field(default=7_200, ge=1, le=86_400)  # of an order, to be placed
    hold_ttl_s: int = Field(default=900, ge=60, le=86_400)  # how long a cart keeps what it holds

    # How long the bodies that carriers have sent are kept: longer than any message may come again.
    carrier_updates_kept_days: int = Field(default=400, ge=60, le=4_000)

    # A SKU of which so many orders are placed in a minute is spread by itself; 0: none ever is.
    hot_orders_a_minute: int = Field(default=120, ge=0, le=1_000_000)
    hot_partitions: int = Field(default=8, ge=2, le=64)  # over so many rows

    # host:port of stand-ins that speak plaintext gRPC; none = Google's own endpoints.
    pubsub_address: str | None = None
    tasks_address: str | None = None

    oidc_audience: str
    oidc_caller: str  # e-mail of the account that Pub/Sub, Cloud Tasks and Scheduler sign as
    oidc_certs_url: str = GOOGLE_CERTS_URL

    # Machines that use the HTTP API sign as themselves; without callers nobody is let in.
    api_audience: str | None = None  # whom their tokens are made for; none: as oidc_audience
    api_callers: str = ""  # e-mails of their accounts, comma-separated

    # The console. With an audience whoever uses it comes through the identity-aware proxy, which
    # names the service by it; without, people sign in with a password.
    iap_audience: str | None = None
    iap_keys_url: str = IAP_KEYS_URL
    # How many of the last addresses in X-Forwarded-For are those of proxies of ours and the address
    # that they saw; Cloud Run's front end is one.
    trusted_proxies: int = Field(default=1, ge=0, le=5)

    # Where traces and figures go: nowhere, to an OTLP endpoint over HTTP, or to Google's.
    telemetry: Literal["none", "otlp", "google"] = "none"
    telemetry_endpoint: str | None = None  # http://host:port; none with google: its own
    telemetry_period_s: float = Field(default=5.0, gt=0, le=60)  # between two exports
    telemetry_sampled_percent: float = Field(default=100.0, ge=0, le=100)  # of traces begun here

    # Where the console's pages look on. A balancer has it below their own address; a laptop has no
    # balancer, and says at which port of the same host it is.
    stream_path: str = "/live"
    stream_port: int | None = Field(default=None, ge=1, le=65_535)

    easypost_api_base: str = EASYPOST_API_BASE
    easypost_api_key: SecretStr | None = None
    shippo_api_base: str = SHIPPO_API_BASE
    shippo_api_key: SecretStr | None = None

    # Where labels and manifests are kept; one of the two. A folder is for laptops and tests: what
    # Cloud Run writes to its disk is memory, and gone with the instance.
    documents_bucket: str | None = None
    documents_folder: str | None = None

    # Below it every order has a page for its customer; none: nobody is told of one.
    tracking_page_url: str | None = None

    # By vendor, from DISPATCH_VENDOR_WEBHOOK_SECRET and DISPATCH_VENDOR_WEBHOOK_KEYS_URL: what its
    # webhooks are verified by. Without either they are all turned away.
    webhook_secrets: Mapping[str, SecretStr] = {}  # several, while one is replaced: comma-separated
    webhook_keys_urls: Mapping[str, str] = {}  # of a JWK set
    webhook_vendors: str = "{}"  # JSON: vendors that no code knows, see shared/tracking/vendors

    # What the secrets of those who get webhooks are derived from; several, newest first, while one
    # is replaced: comma-separated.
    webhook_signing_key: SecretStr | None = None

    @property
    def is_local(self) -> bool:
        """Whether this runs on a laptop or in a test, where nobody has certificates."""
        return self.env in ("local", "test")

    @model_validator(mode="after")
    def _one_database(self) -> "Config":
        if (self.database_url is None) == (self.instance_connection_name is None):
            raise ValueError("give either database_url or instance_connection_name")
        return self

    @field_validator("tracking_page_url")
    @classmethod
    def _an_address(cls, url: str | None) -> str | None:
        if url is not None and not _PAGES.fullmatch(url):
            raise ValueError("must be an address such as https://track.example.com/orders")
        return url and url.rstrip("/")

    @model_validator(mode="after")
    def _pages_over_tls(self) -> "Config":
        url = self.tracking_page_url or "https://"
        if not url.startswith("https://") and self.env not in ("local", "test"):
            raise ValueError("tracking_page_url must begin with https://")
        return self

    @model_validator(mode="after")
    def _documents_in_one_place(self) -> "Config":
        if self.documents_folder is not None:
            if self.documents_bucket is not None:
                raise ValueError("give either documents_bucket or documents_folder")
            if self.env not in ("local", "test"):
                raise ValueError("documents_folder is for env local and test alone")
        return self

    @model_validator(mode="after")
    def _keys_over_tls(self) -> "Config":
        for vendor, url in self.webhook_keys_urls.items():
            if not url.startswith("https://") and not self.is_local:
                raise ValueError(f"{vendor}_webhook_keys_url must begin with https://")
        return self


def read(environment: Mapping[str, str]) -> Config:
    """The settings in `environment`; values never appear in the error, only names and reasons.

    Raises:
        Misconfigured: names every setting that is missing, unknown or malformed.
    """
    found: dict[str, object] = {}
    by_vendor: dict[str, dict[str, str]] = {}
    for name, value in environment.items():
        if not name.startswith(PREFIX):
            continue
        setting = name.removeprefix(PREFIX).lower()
        if of_a_vendor := _OF_A_VENDOR.fullmatch(setting):
            vendor, kind = of_a_vendor.groups()
            by_vendor.setdefault(f"{kind}s", {})[vendor] = value
        else:
            found[setting] = value
    found |= by_vendor
    try:
        return Config.model_validate(found)
    except ValidationError as error:
        faults = (
            f"{PREFIX}{'.'.join(map(str, fault['loc'])).upper()}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        )
        raise Misconfigured("; ".join(faults)) from None


@cache
def config() -> Config:
    """The settings of this process."""
    return read(os.environ)
