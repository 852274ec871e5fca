"""Where a task goes and with what: the task's request under its queue's `http_target`."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

from google.cloud.tasks_v2 import types

METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
OWN_HEADERS = frozenset({"host", "content-length", "user-agent"})
OWN_PREFIXES = ("x-cloudtasks-", "x-google-", "x-appengine-")

Override = types.UriOverride.pb()


@dataclass(frozen=True, slots=True)
class Request:
    """`account` is empty when no token is wanted."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    account: str
    audience: str


def request_of(task: Any, target: Any) -> Request:
    """The request of a protobuf HttpRequest, overridden by a protobuf HttpTarget or None.

    The audience is the URL that is called unless the token names one.
    """
    method = task.http_method or types.HttpMethod.POST
    url, token = task.url, task.oidc_token
    headers = dict(task.headers)
    if target is not None:
        method = target.http_method or method
        url = overridden(url, target.uri_override)
        token = target.oidc_token if target.HasField("oidc_token") else token
        overrides = {each.header.key: each.header.value for each in target.header_overrides}
        taken = {key.lower() for key in overrides}
        headers = {key: value for key, value in headers.items() if key.lower() not in taken}
        headers |= overrides
    verb = types.HttpMethod(method).name
    return Request(
        method=verb,
        url=url,
        headers={key: value for key, value in headers.items() if not is_own(key)},
        body=task.body if verb in METHODS_WITH_BODY else b"",
        account=token.service_account_email,
        audience=token.audience or url,
    )


def is_own(header: str) -> bool:
    """Whether Cloud Tasks sets the header itself and ignores what a task says of it."""
    name = header.lower()
    return name in OWN_HEADERS or name.startswith(OWN_PREFIXES)


def overridden(url: str, override: Any) -> str:
    """`url` with the parts that a protobuf UriOverride sets.

    IF_NOT_EXISTS fills only what the URL lacks; a URL always has a scheme and a host.
    """
    parts = urlsplit(url)
    always = override.uri_override_enforce_mode != Override.IF_NOT_EXISTS
    port = parts.port
    if override.HasField("port") and (always or port is None):
        port = override.port or None
    host = parts.hostname or ""
    if override.HasField("host") and always:
        host = override.host
    if override.HasField("scheme") and always:
        scheme = "http" if override.scheme == Override.HTTP else "https"
    else:
        scheme = parts.scheme
    return urlunsplit(
        SplitResult(
            scheme=scheme,
            netloc=f"{host}:{port}" if port else host,
            path=_path(parts.path, override, always=always),
            query=_query(parts.query, override, always=always),
            fragment="",
        )
    )


def _path(path: str, override: Any, *, always: bool) -> str:
    if override.HasField("path_override") and (always or path in {"", "/"}):
        path = override.path_override.path
    return path if path.startswith("/") else f"/{path}"


def _query(query: str, override: Any, *, always: bool) -> str:
    if override.HasField("query_override") and (always or not query):
        return str(override.query_override.query_params)
    return query
