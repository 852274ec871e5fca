"""What carriers report, through the real webhook, its topic and the fold; and what they do not."""

import base64
import http.client
import http.server
import json
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from urllib.parse import urlsplit

import pytest

from emulators.laptop.stack import Options
from shared.kit.clock import utc_now
from tests.journeys.stage import Stage, shop, staged, wait_until
from tests.tracking.lab.cases.shipengine import private_key
from tests.tracking.lab.cases.table import ALL_VENDORS, CASES, SETTING
from tests.tracking.stories import Story, standing, story

SECRET = "between-all-of-them-and-us"
LABELS = ("labels-correios", "labels-jadlog")
ORDERS = 50
UPDATES = 20  # of each order's parcel: 1,000 in all, each sent twice
SENDERS = 8


def control(stage: Stage, verb: str, **said: object) -> None:
    """Tell the carrier simulator what to do."""
    request = urllib.request.Request(
        f"http://{stage.stack.addresses['easypost']}/control/{verb}",
        data=json.dumps(said).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30):
        pass


def has_arrived(stage: Stage) -> bool:
    """Whether the simulator has brought all its parcels home."""
    address = f"http://{stage.stack.addresses['easypost']}/control/stats"
    with urllib.request.urlopen(address, timeout=30) as answer:
        stats = json.load(answer)
    return bool(stats["trackers"] == stats["trackers_delivered"])


def test_a_silent_carriers_parcel_comes_home_by_asking_alone(stage: Stage) -> None:
    # Goal: no webhook ever comes; half a day later somebody asks, and the order is delivered.
    with stage.paused(*LABELS):
        stage.submit("silent", {"TEAPOT-RED": 1})
        stage.wait_for("silent", "placed")
        carrier = stage.value("SELECT carrier FROM parcels WHERE order_id = 'silent'")
        control(stage, "silence", carrier=carrier.title())
    try:
        wait_until(
            lambda: stage.value("SELECT state = 'labelled' FROM parcels WHERE order_id = 'silent'"),
            "it has its label",
        )
        wait_until(lambda: has_arrived(stage), "it has arrived")
        stage.wait_for_rest()
        stage.run_job("housekeeping-poll-parcels")
        stage.wait_for_rest()
        assert stage.state("silent") == "placed", "nobody knows, and it is too early to ask"

        stage.rows(
            "UPDATE parcels SET planned_at = planned_at - interval '13 hours',"
            " ship_on = ship_on - 1 WHERE order_id = 'silent' RETURNING 1"
        )
        stage.run_job("housekeeping-poll-parcels")
        stage.wait_for("silent", "delivered")
    finally:
        control(stage, "silence", carrier=None)

    history = stage.rows(
        "SELECT raw_status FROM tracking_events JOIN parcels USING (parcel_id)"
        " WHERE order_id = 'silent' ORDER BY occurred_at"
    )
    assert [status for (status,) in history] == [
        "pre_transit", "in_transit", "out_for_delivery", "delivered",
    ]  # fmt: skip
    assert stage.rows(
        "SELECT times, unknown_times FROM parcel_polls JOIN parcels USING (parcel_id)"
        " WHERE order_id = 'silent'"
    ) == [(1, 0)]
    assert stage.value("SELECT count(*) FROM dead_letters WHERE source LIKE 'polls-%'") == 0


def base64url(number: int) -> str:
    """A number as a JWK has it. Source: RFC 7518, section 2."""
    octets = number.to_bytes((number.bit_length() + 7) // 8)
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


@contextmanager
def published_keys() -> Iterator[str]:
    """ShipEngine's keys, where it publishes them; yields the address."""
    numbers = private_key(SECRET).public_key().public_numbers()
    key = {"kty": "RSA", "kid": SECRET, "n": base64url(numbers.n), "e": base64url(numbers.e)}
    document = json.dumps({"keys": [key]}).encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(document)))
            self.end_headers()
            self.wfile.write(document)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/jwks"
        finally:
            server.shutdown()


@pytest.fixture
def open_doors() -> Iterator[Stage]:
    """A stack of which every vendor's door is open, and whose own carrier says nothing."""
    with published_keys() as keys:
        settings = {
            "DISPATCH_WEBHOOK_VENDORS": SETTING,
            "DISPATCH_SHIPENGINE_WEBHOOK_KEYS_URL": keys,
            **{
                f"DISPATCH_{name.upper()}_WEBHOOK_SECRET": SECRET
                for name in ALL_VENDORS
                if name != "shipengine"
            },
        }
        with staged(Options(durable=False, carrier_step_s=3_600.0, settings=settings)) as stage:
            stage.line.load(shop({"SAO": {"MUG-RED": ORDERS}}))
            yield stage


def send(stage: Stage, letters: Sequence[tuple[str, bytes]]) -> None:
    """Post them one after the other, signed now; each is acknowledged."""
    url = urlsplit(stage.stack.addresses["tracking_webhook"])
    connection = http.client.HTTPConnection(url.netloc, timeout=60)
    try:
        for vendor, body in letters:
            headers = dict(CASES[vendor].sign(body, SECRET, utc_now()))
            connection.request("POST", f"{url.path}{vendor}", body, headers)
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (204, b""), vendor
    finally:
        connection.close()


def test_updates_of_all_vendors_come_to_the_right_ends_over_the_whole_line(
    open_doors: Stage,
) -> None:
    # Goal: as in tests/flows/test_ten_thousand_updates.py, with everything that lies between: the
    # signatures, many requests at once, a topic that keeps each parcel's order, and its redelivery.
    stage, random = open_doors, Random(7)
    order_ids = [f"told-{number}" for number in range(ORDERS)]
    with stage.listening("delivery-events") as ears:
        for order_id in order_ids:
            stage.submit(order_id, {"MUG-RED": 1})
        wait_until(lambda: len(codes(stage)) == ORDERS, "every parcel has its label")
        stage.wait_for_rest()
        stories = told_of(stage, random)
        letters = [(told.vendor, body) for told in stories for body in (*told.bodies, *told.bodies)]
        random.shuffle(letters)

        with ThreadPoolExecutor(max_workers=SENDERS) as pool:
            list(pool.map(lambda n: send(stage, letters[n::SENDERS]), range(SENDERS)))
        stage.wait_for_rest()

        heard = ears.hear_all("delivery-events", order_ids)

    for told in stories:
        end = told.end()
        found = stage.rows(
            "SELECT tracking_status, tracking_status_at, shipped_at, delivered_at, returned_at"
            " FROM parcels WHERE tracking_code = :code",
            code=told.code,
        )
        assert found == [
            (end.status, end.status_at, end.shipped_at, end.delivered_at, end.returned_at)
        ]
        history = stage.rows(
            "SELECT content_id FROM tracking_events JOIN parcels USING (parcel_id)"
            " WHERE tracking_code = :code AND raw_status <> 'pre_transit'",
            code=told.code,
        )
        # The simulator has told of the label, and the story has not.
        assert {content_id for (content_id,) in history} == set(told.updates())
    for messages in heard.values():
        places = [standing(one.body["status"], one.body["status_at"]) for one in messages]
        assert places, "its order was told of"
        assert places == sorted(places)
    # What ends the listening is no event of ours, and is parked as such.
    assert (
        stage.rows("SELECT source, reason FROM dead_letters WHERE reason NOT LIKE '%test.end%'")
        == []
    )
    assert stage.line.books.violations() == ()


def codes(stage: Stage) -> list[str]:
    return [
        code
        for (code,) in stage.rows(
            "SELECT tracking_code FROM parcels WHERE tracking_code IS NOT NULL ORDER BY order_id"
        )
    ]


def told_of(stage: Stage, random: Random) -> list[Story]:
    """A story of each parcel, that has begun after its label was bought; vendors take turns."""
    begun_at = datetime.now(UTC) + timedelta(minutes=1)
    vendors = sorted(ALL_VENDORS)
    return [
        story(code, vendors[number % len(vendors)], UPDATES, begun_at, random)
        for number, code in enumerate(codes(stage))
    ]
