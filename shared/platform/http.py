"""HTTP to others: the one place that calls addresses which are not Google's own.

Two kinds of addresses. One that our settings name may be anywhere. One that somebody outside named
must not lead inside: https to two ports, a host whose addresses are all public, and a connection to
just the address that was looked at, so that a name which changes its mind in between leads nowhere
else. Nobody is followed (a redirect is an answer like others), no proxy of the environment is used,
and a call ends after its time whatever the other side does: slowly answered bytes keep nobody.
"""

import re
import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from enum import StrEnum
from functools import cache
from http.client import HTTPConnection, HTTPException
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from time import monotonic
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from shared.kit.errors import Malformed, NotYet
from shared.platform.config import Config

PORTS = (443, 8443)  # of public addresses; others belong to services that are no web servers
MOST_URL_LENGTH = 500
_VISIBLE = re.compile(r"[!-~]+")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?\.?|\[[0-9A-Fa-f:.]+\]")

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[Address]]
Reason = Literal[
    "unknown_host", "forbidden_address", "no_connection", "tls_failed", "timed_out", "bad_answer"
]

# The only part of IPv6 in which public addresses are; within it 6to4, Teredo and documentation are
# not. What embeds an IPv4 address (mapped, compatible, NAT64) lies outside of it.
_GLOBAL_UNICAST = ip_network("2000::/3")
_EMBEDDING = (ip_network("2002::/16"), ip_network("2001::/23"), ip_network("3fff::/20"))
_RELAYS = ip_network("192.88.99.0/24")  # 6to4, RFC 7526


class Reach(StrEnum):
    """Where a call may go."""

    ANYWHERE = "anywhere"  # the address is one of our own settings
    PUBLIC = "public"  # the address is somebody's word


def reach_for_others(config: Config) -> Reach:
    """Where an address may lead that others name. On a laptop they are on the laptop as well."""
    return Reach.ANYWHERE if config.is_local else Reach.PUBLIC


class BadUrl(Malformed):
    """No address that may be called."""

    code = "bad_url"


class NoAnswer(NotYet):
    """The call brought no answer; `reason` says how far it came."""

    code = "no_answer"

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"there was no answer: {reason}", reason=reason)
        self.reason = reason


class Endpoint(NamedTuple):
    """An address, taken apart."""

    has_tls: bool
    host: str
    port: int
    authority: str  # as it stands in the URL
    target: str  # path and query


class Answer(NamedTuple):
    """What was answered; `body` is cut where the caller wanted no more."""

    status: int
    body: bytes

    @property
    def is_good(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300


def endpoint(url: str, reach: Reach) -> Endpoint:
    """The parts of a URL.

    Raises:
        BadUrl: it is none, or none that may be called with this reach.
    """
    if len(url) > MOST_URL_LENGTH:
        raise _bad(f"longer than {MOST_URL_LENGTH} characters")
    if not _VISIBLE.fullmatch(url) or "\\" in url:
        raise _bad("may have visible ASCII characters only")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _bad("not an address") from None
    if parts.scheme not in ({"https"} if reach is Reach.PUBLIC else {"https", "http"}):
        raise _bad("must begin with https://")
    if "@" in parts.netloc or parts.fragment:
        raise _bad("must hold no user, no password and no fragment")
    host = parts.hostname or ""
    if not _HOST.fullmatch(f"[{host}]" if ":" in host else host):
        raise _bad("the host is missing, or no name or address")
    has_tls = parts.scheme == "https"
    chosen = port if port is not None else (443 if has_tls else 80)
    if reach is Reach.PUBLIC and chosen not in PORTS:
        raise _bad(f"the port must be one of {', '.join(map(str, PORTS))}")
    query = f"?{parts.query}" if parts.query else ""
    return Endpoint(has_tls, host, chosen, parts.netloc, f"{parts.path or '/'}{query}")


def _bad(reason: str) -> BadUrl:
    return BadUrl(f"url: {reason}", field="url")


def is_public(address: Address) -> bool:
    """Whether the address is on the internet, and is itself no way to another one that is not.

    Sources: the IANA special-purpose address registries (RFC 6890), as `ipaddress` has them;
    RFC 4291 2.5.5 (embedded IPv4), RFC 6052 (NAT64), RFC 3056 (6to4), RFC 4380 (Teredo).
    """
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if isinstance(address, IPv4Address):
        return address not in _RELAYS
    return address in _GLOBAL_UNICAST and not any(address in part for part in _EMBEDDING)


def resolve(host: str, port: int) -> Sequence[Address]:
    """The addresses of a host, those first that the machine prefers.

    Raises:
        OSError: there are none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    # Behind a `%` is the interface of a link-local address.
    return [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


class Http:
    """Calls with one reach and its limits. Threads may share it: each call has its connection."""

    def __init__(
        self,
        reach: Reach,
        *,
        timeout_s: float,
        most_bytes: int,
        resolve: Resolve = resolve,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """`timeout_s` is for all of a call but looking the host up, which the machine limits.

        `most_bytes` of an answer's body are read. `trust` is who vouches for servers; None: the
        authorities that browsers trust.
        """
        self._reach = reach
        self._timeout_s = timeout_s
        self._most_bytes = most_bytes
        self._resolve = resolve
        self._trust = trust

    def get(self, url: str) -> Answer:
        """Fetch a document; raises as `post`."""
        return self._call("GET", url, None, {})

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a document.

        Raises:
            BadUrl: the address may not be called.
            NoAnswer: there was none in time, or none that is HTTP.
        """
        return self._call("POST", url, body, headers)

    def _call(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        there = endpoint(url, self._reach)
        trust = (self._trust or _authorities()) if there.has_tls else None
        connection = _Connection(there, self._addresses(there), trust, self._timeout_s)
        with closing(connection):
            return connection.exchange(method, body, headers, self._most_bytes)

    def _addresses(self, there: Endpoint) -> Sequence[Address]:
        try:
            addresses = self._resolve(there.host, there.port)
        except (OSError, UnicodeError):
            raise NoAnswer("unknown_host") from None
        if not addresses:
            raise NoAnswer("unknown_host")
        # All of them: a name with one address inside is a way inside.
        if self._reach is Reach.PUBLIC and not all(map(is_public, addresses)):
            raise NoAnswer("forbidden_address")
        return addresses


class _Connection(HTTPConnection):
    """To one of the given addresses and to no other, and for a limited time altogether."""

    def __init__(
        self,
        there: Endpoint,
        addresses: Sequence[Address],
        trust: ssl.SSLContext | None,
        timeout_s: float,
    ) -> None:
        super().__init__(there.host, there.port, timeout=timeout_s)
        self._there = there
        self._addresses = addresses
        self._trust = trust
        self._open: socket.socket | None = None  # `sock` goes with the headers of an answer
        self._ends_s = monotonic() + timeout_s
        self._is_over = False

    def exchange(
        self, method: str, body: bytes | None, headers: Mapping[str, str], most_bytes: int
    ) -> Answer:
        """One request and its answer. Raises NoAnswer."""
        watch = threading.Timer(self._left_s(), self._end)
        watch.daemon = True
        watch.start()
        try:
            self.request(
                method, self._there.target, body, {"Host": self._there.authority, **headers}
            )
            with closing(self.getresponse()) as answer:
                if self._is_over:  # what was cut off in its headers looks complete
                    raise TimeoutError
                return Answer(answer.status, answer.read(most_bytes))
        except (OSError, HTTPException, ValueError) as error:
            raise NoAnswer(self._reason(error)) from None
        finally:
            watch.cancel()

    def connect(self) -> None:
        """Reach one of the addresses. The name in the certificate is still the host's."""
        self.sock = self._open = self._reach_one()
        if self._trust is not None:
            secured = self._trust.wrap_socket(
                self.sock, server_hostname=self._there.host, do_handshake_on_connect=False
            )
            self.sock = self._open = secured
            secured.do_handshake()

    def _reach_one(self) -> socket.socket:
        failed: OSError = OSError("no address")
        for address in self._addresses:
            try:
                return socket.create_connection(
                    (str(address), self._there.port), timeout=self._left_s()
                )
            except OSError as error:
                failed = error
        raise failed

    def _left_s(self) -> float:
        left_s = self._ends_s - monotonic()
        if left_s <= 0:
            raise TimeoutError
        return left_s

    def _end(self) -> None:
        """Time is up, and whoever reads or writes finds the connection at its end."""
        self._is_over = True
        if self._open is not None:
            with suppress(OSError):  # it may just have been closed
                # Not the method of the TLS socket, which would first take its state away.
                socket.socket.shutdown(self._open, socket.SHUT_RDWR)

    def _reason(self, error: Exception) -> Reason:
        if self._is_over or isinstance(error, TimeoutError):
            return "timed_out"
        if isinstance(error, ssl.SSLError):
            return "tls_failed"
        # A connection that ends before the answer is an OSError too.
        is_http = isinstance(error, HTTPException | ValueError) and not isinstance(error, OSError)
        return "bad_answer" if is_http else "no_connection"


@cache
def _authorities() -> ssl.SSLContext:
    import certifi  # noqa: PLC0415  only for TLS

    # A bundle that comes along, so that it does not depend on the machine. 20 ms, once.
    return ssl.create_default_context(cafile=certifi.where())
