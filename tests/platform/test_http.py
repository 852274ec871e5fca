"""Calls to others: where they may lead, and that nobody keeps us."""

import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, ip_address
from pathlib import Path
from threading import Event, Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from shared.platform.http import (
    MOST_URL_LENGTH,
    Address,
    Answer,
    BadUrl,
    Http,
    NoAnswer,
    Reach,
    endpoint,
    is_public,
    reach_for_others,
)
from tests.support.database import settings
from tests.support.receiver import receiving

LOOPBACK = ip_address("127.0.0.1")
PUBLIC = ip_address("93.184.216.34")
PATIENCE_S = 5.0


def http(
    reach: Reach = Reach.ANYWHERE,
    *,
    addresses: Sequence[Address] = (LOOPBACK,),
    timeout_s: float = PATIENCE_S,
    trust: ssl.SSLContext | None = None,
) -> Http:
    return Http(
        reach,
        timeout_s=timeout_s,
        most_bytes=100,
        resolve=lambda _host, _port: addresses,
        trust=trust,
    )


@contextmanager
def speaking(speak: Callable[[socket.socket, Event], None]) -> Iterator[int]:
    """A server that says what `speak` says to each who connects; yields its port."""
    over = Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while not over.is_set():
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    try:
                        speak(connection, over)
                    except OSError:
                        continue

        thread = Thread(target=serve)
        thread.start()
        try:
            yield int(server.getsockname()[1])
        finally:
            over.set()
            server.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=10)


def reason(call: Callable[[], object]) -> str:
    """Why a call brought no answer."""
    with pytest.raises(NoAnswer) as caught:
        call()
    return caught.value.reason


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://shop.test/hooks", "https://"),
        ("ftp://shop.test/hooks", "https://"),
        ("file:///etc/passwd", "https://"),
        ("shop.test/hooks", "https://"),
        ("", "ASCII"),
        ("https://shop.test:22/", "port"),
        ("https://shop.test:80/", "port"),
        ("https://shop.test:0/", "port"),
        ("https://shop.test:99999/", "not an address"),
        ("https://shop.test:x/", "not an address"),
        ("https://ada:secret@shop.test/", "user"),
        ("https://@shop.test/", "user"),
        ("https://shop.test\\@127.0.0.1/", "ASCII"),
        ("https://shop.test/#part", "fragment"),
        ("https:///hooks", "host"),
        ("https://-shop.test/", "host"),
        ("https://sh_op%2etest/", "host"),
        ("https://shop.test/a b", "ASCII"),
        ("https://shop.test/\r\nHost: other", "ASCII"),
        ("https://shöp.test/", "ASCII"),
        ("https://[::1/", "not an address"),
        (f"https://shop.test/{'x' * MOST_URL_LENGTH}", "longer"),
    ],
)
def test_an_address_that_leads_elsewhere_is_refused_and_the_field_is_named(
    url: str, complaint: str
) -> None:
    with pytest.raises(BadUrl, match=r"^url: ") as caught:
        endpoint(url, Reach.PUBLIC)

    assert complaint in str(caught.value)
    assert caught.value.field == "url"


@pytest.mark.parametrize(
    ("url", "host", "port", "target"),
    [
        ("https://shop.test", "shop.test", 443, "/"),
        ("https://shop.test:8443/hooks?from=dispatch", "shop.test", 8443, "/hooks?from=dispatch"),
        ("https://xn--shp-sna.test/a/b", "xn--shp-sna.test", 443, "/a/b"),
        ("https://[2606:4700::1111]:443/", "2606:4700::1111", 443, "/"),
    ],
)
def test_an_address_is_taken_apart(url: str, host: str, port: int, target: str) -> None:
    found = endpoint(url, Reach.PUBLIC)

    assert (found.host, found.port, found.target, found.has_tls) == (host, port, target, True)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254",
        "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1",
        "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.2.3", "240.0.0.1",
        "255.255.255.255",
        "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8",
        "64:ff9b::7f00:1", "64:ff9b::8.8.8.8", "64:ff9b:1::a00:1", "100::1", "2001::1",
        "2001:db8::1", "2002:7f00:1::", "2002:808:808::", "3fff::1", "5f00::1", "fc00::1",
        "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1",
    ],
)  # fmt: skip
def test_an_address_inside_or_on_the_way_there_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111"])
def test_an_address_on_the_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@given(st.ip_addresses(v=4))
def test_no_way_of_writing_an_inner_address_in_ipv6_is_public(inner: IPv4Address) -> None:
    number = int(inner)
    ways = [number, 0xFFFF << 32 | number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80]

    assert [way for way in ways if is_public(ip_address(way.to_bytes(16)))] == []


@pytest.mark.parametrize(
    ("env", "reach"),
    [
        ("local", Reach.ANYWHERE),
        ("test", Reach.ANYWHERE),
        ("dev", Reach.PUBLIC),
        ("prod", Reach.PUBLIC),
    ],
)
def test_only_where_nobody_else_is_an_address_may_lead_inside(env: str, reach: Reach) -> None:
    assert reach_for_others(settings("postgresql+pg8000://", env=env)) is reach


def test_a_host_with_one_address_inside_is_not_called_at_all() -> None:
    with receiving() as receiver:
        mixed = http(Reach.PUBLIC, addresses=[PUBLIC, LOOPBACK])

        assert reason(lambda: mixed.post("https://shop.test/", b"", {})) == "forbidden_address"
        assert receiver.received == []


def test_a_name_that_changes_its_mind_leads_nowhere_else() -> None:
    # Goal: DNS rebinding. The name is public when it is looked at, and ours a moment later. It is
    # looked at once, and the connection goes to just what was looked at.
    asked: list[str] = []
    answers = iter([[PUBLIC], [LOOPBACK], [LOOPBACK]])

    def resolve(host: str, _port: int) -> Sequence[Address]:
        asked.append(host)
        return next(answers)

    connected: list[object] = []

    def connect(address: object, timeout: float) -> socket.socket:
        connected.append(address)
        raise ConnectionRefusedError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "create_connection", connect)
        rebinding = Http(Reach.PUBLIC, timeout_s=1.0, most_bytes=1, resolve=resolve)

        assert reason(lambda: rebinding.get("https://shop.test/")) == "no_connection"

    assert asked == ["shop.test"]
    assert connected == [(str(PUBLIC), 443)]


@pytest.mark.parametrize("failure", [socket.gaierror("no such name"), UnicodeError("label")])
def test_a_name_without_an_address_is_said(failure: Exception) -> None:
    def resolve(_host: str, _port: int) -> Sequence[Address]:
        raise failure

    nowhere = Http(Reach.PUBLIC, timeout_s=1.0, most_bytes=1, resolve=resolve)

    assert reason(lambda: nowhere.get("https://nowhere.test/")) == "unknown_host"


def test_the_real_resolver_finds_this_machine_and_it_is_not_public() -> None:
    outward = Http(Reach.PUBLIC, timeout_s=1.0, most_bytes=1)

    for url in (
        "https://localhost/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://[::1]/",
    ):
        assert reason(lambda url=url: outward.get(url)) == "forbidden_address"  # type: ignore[misc]


def test_a_document_arrives_with_its_headers_and_the_name_that_was_called() -> None:
    with receiving([201]) as receiver:
        port = receiver.url.split(":")[2].partition("/")[0]
        answer = http().post(f"http://shop.test:{port}/a?b=c", b"body", {"webhook-id": "evt_1"})

    (request,) = receiver.received
    assert answer.status == 201
    assert answer.is_good
    assert (request.path, request.body) == ("/a?b=c", b"body")
    assert request.headers["host"] == f"shop.test:{port}"
    assert request.headers["webhook-id"] == "evt_1"


def test_a_redirect_is_an_answer_and_nobody_is_followed() -> None:
    with receiving([200]) as inside, receiving([302]) as receiver:
        receiver.headers["Location"] = inside.url
        answer = http().post(receiver.url, b"{}", {})

    assert answer == Answer(302, b"")
    assert not answer.is_good
    assert inside.received == []


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving([500]) as proxy, receiving([200]) as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert http().post(receiver.url, b"{}", {}).status == 200

    # Clients of other tests may still be at work in this process, and those ask the environment.
    assert [request for request in proxy.received if receiver.url in request.path] == []


def test_the_next_address_is_tried_where_the_first_is_dead() -> None:
    with receiving() as receiver:
        both = http(addresses=[ip_address("127.0.0.2"), LOOPBACK])

        assert both.post(receiver.url, b"{}", {}).status == 200


def silence(connection: socket.socket, over: Event) -> None:
    over.wait(timeout=60)


def drip(connection: socket.socket, over: Event) -> None:
    """A byte now and then: each comes in time, and the whole never does."""
    connection.recv(1_000)
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not over.wait(timeout=0.02):
        connection.sendall(b"x")


def drip_body(connection: socket.socket, over: Event, header: bytes) -> None:
    connection.recv(1_000)
    connection.sendall(b"HTTP/1.1 500 Oh\r\n" + header + b"\r\n\r\n")
    while not over.wait(timeout=0.02):
        connection.sendall(b"x")


@pytest.mark.parametrize("speak", [silence, drip])
def test_who_does_not_come_to_an_end_is_left(
    speak: Callable[[socket.socket, Event], None],
) -> None:
    with speaking(speak) as port:
        impatient = http(timeout_s=0.3)

        assert reason(lambda: impatient.get(f"http://127.0.0.1:{port}/")) == "timed_out"


def test_who_is_silent_where_tls_begins_is_left() -> None:
    with speaking(silence) as port:
        impatient = http(timeout_s=0.3)

        assert reason(lambda: impatient.get(f"https://127.0.0.1:{port}/")) == "timed_out"


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (b"", "no_connection"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "bad_answer"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000, "bad_answer"),
        (b"HTTP/1.1 99 Odd\r\n\r\n", "bad_answer"),
    ],
)
def test_what_is_no_http_is_no_answer(said: bytes, found: str) -> None:
    def speak(connection: socket.socket, _over: Event) -> None:
        connection.recv(1_000)
        connection.sendall(said)

    with speaking(speak) as port:
        assert reason(lambda: http().get(f"http://127.0.0.1:{port}/")) == found


def test_of_a_body_without_end_only_the_beginning_is_read() -> None:
    def pour(connection: socket.socket, over: Event) -> None:
        connection.recv(1_000)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not over.is_set():
            connection.sendall(b"x" * 1_000)

    with speaking(pour) as port:
        assert http().get(f"http://127.0.0.1:{port}/") == Answer(200, b"x" * 100)


def test_where_nobody_listens_there_is_no_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    assert reason(lambda: http().get(f"http://127.0.0.1:{port}/")) == "no_connection"


@contextmanager
def secured(folder: Path, name: str) -> Iterator[tuple[int, ssl.SSLContext]]:
    """A TLS server with a certificate of this name, and a context that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    own = folder / "own.pem"
    own.write_bytes(
        pem
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    mine = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    mine.load_cert_chain(own)

    def speak(connection: socket.socket, _over: Event) -> None:
        with mine.wrap_socket(connection, server_side=True) as tls:
            tls.recv(1_000)
            tls.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with speaking(speak) as port:
        yield port, ssl.create_default_context(cadata=pem.decode())


def test_a_certificate_has_to_name_the_host_and_not_the_address(tmp_path: Path) -> None:
    # Goal: the connection goes to an address that was looked at, and proves whose it is by name.
    with secured(tmp_path, "shop.test") as (port, trust):
        client = http(trust=trust)

        assert client.get(f"https://shop.test:{port}/").status == 204
        assert reason(lambda: client.get(f"https://other.test:{port}/")) == "tls_failed"
        assert reason(lambda: client.get(f"https://127.0.0.1:{port}/")) == "tls_failed"
        assert reason(lambda: http().get(f"https://shop.test:{port}/")) == "tls_failed"


@pytest.mark.parametrize("header", [b"Content-Length: 5000", b"Connection: close"])
def test_a_status_that_came_counts_though_the_body_does_not_end(header: bytes) -> None:
    with speaking(lambda connection, over: drip_body(connection, over, header)) as port:
        patient = Http(Reach.ANYWHERE, timeout_s=1.0, most_bytes=5_000)
        answer = patient.get(f"http://127.0.0.1:{port}/")

    assert answer.status == 500
    assert 0 < len(answer.body) < 1_000
