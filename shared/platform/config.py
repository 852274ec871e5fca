"""Settings from the environment: complete, or no request is served."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from shared.kit.errors import Fault

PREFIX = "DISPATCH_"
GOOGLE_CERTS_URL = "https://www.googleapis.com/oauth2/v1/certs"
EASYPOST_API_BASE = "https://api.easypost.com/v2"


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
    easypost_webhook_secret: SecretStr | None = None  # several, during a rotation: comma-separated

    @model_validator(mode="after")
    def _one_database(self) -> "Config":
        if (self.database_url is None) == (self.instance_connection_name is None):
            raise ValueError("give either database_url or instance_connection_name")
        return self


def read(environment: Mapping[str, str]) -> Config:
    """The settings in `environment`; values never appear in the error, only names and reasons.

    Raises:
        Misconfigured: names every setting that is missing, unknown or malformed.
    """
    found = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX)
    }
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
