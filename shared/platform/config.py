"""Settings from the environment: complete, or no request is served."""

import os
import re
from collections.abc import Mapping
from functools import cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from shared.kit.errors import Fault

PREFIX = "DISPATCH_"
GOOGLE_CERTS_URL = "https://www.googleapis.com/oauth2/v1/certs"
EASYPOST_API_BASE = "https://api.easypost.com/v2"
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
    pool_size: int = Field(default=8, ge=1, le=32)  # connections of an instance, >= concurrency
    lock_timeout_ms: int = Field(default=3_000, ge=100, le=30_000)
    statement_timeout_ms: int = Field(default=10_000, ge=100, le=60_000)

    longest_wait_s: int = Field(default=7_200, ge=1, le=86_400)  # of an order, to be placed
    hold_ttl_s: int = Field(default=900, ge=60, le=86_400)  # how long a cart keeps what it holds

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

    easypost_api_base: str = EASYPOST_API_BASE
    easypost_api_key: SecretStr | None = None

    # By vendor, from DISPATCH_VENDOR_WEBHOOK_SECRET and DISPATCH_VENDOR_WEBHOOK_KEYS_URL: what its
    # webhooks are verified by. Without either they are all turned away.
    webhook_secrets: Mapping[str, SecretStr] = {}  # several, while one is replaced: comma-separated
    webhook_keys_urls: Mapping[str, str] = {}  # of a JWK set
    webhook_vendors: str = "{}"  # JSON: vendors that no code knows, see shared/tracking/vendors

    @model_validator(mode="after")
    def _one_database(self) -> "Config":
        if (self.database_url is None) == (self.instance_connection_name is None):
            raise ValueError("give either database_url or instance_connection_name")
        return self

    @model_validator(mode="after")
    def _keys_over_tls(self) -> "Config":
        for vendor, url in self.webhook_keys_urls.items():
            if not url.startswith("https://") and self.env not in ("local", "test"):
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
