"""`python3 -m emulators carriers`: who is called, what waits, how full the queues are."""

from collections.abc import Iterator
from typing import Any

import pytest

from emulators.carriers import verb
from emulators.carriers.queues import usage
from emulators.laptop.manifest import QueueLimits
from shared.kit.breaker import FIRST_PAUSE
from shared.ops.carriers import Sold
from shared.platform import db
from shared.platform.config import Config
from shared.platform.db import Database
from tests.flows.doubles import RecordingCarrier, buy, parcels_of
from tests.flows.rerouting import offer, open_breaker, planned
from tests.support import given
from tests.support.clock import TestClock
from tests.support.commands import Command, as_json, command

PREFIX = "projects/p/locations/l/queues/"


@pytest.fixture
def carriers(
    config: Config,
    database: Database,
    clock: TestClock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    looks = iter(range(0, 1_000, 20))

    def google_figures(_state: object) -> dict[str, Any]:
        counts = {"depth": 7, "in_flight": 3, "dispatched": next(looks)}
        return {"queues": {f"{PREFIX}labels-correios": counts}}

    connect = db.connect
    monkeypatch.setattr(db, "connect", lambda settings, _clock: connect(settings, clock))
    monkeypatch.setattr(verb, "read_state", lambda _directory: {"addresses": {}})
    monkeypatch.setattr(verb, "google_figures", google_figures)
    monkeypatch.setattr(verb, "MEASURED_S", 0.1)
    return command("carriers", config, monkeypatch, capsys)


@pytest.fixture(autouse=True)
def _books(database: Database) -> Iterator[None]:
    yield
    assert given.violations(database) == []


def shown(carriers: Command) -> dict[str, Any]:
    return {carrier["carrier"]: carrier for carrier in as_json(carriers)["carriers"]}


def test_a_carrier_that_works_shows_what_it_sold_today(
    carriers: Command, database: Database, clock: TestClock
) -> None:
    buy(database, planned(database), RecordingCarrier())

    found = shown(carriers)

    assert found["correios"]["breaker"] == {
        "state": "closed",
        "since": None,
        "failures": 0,
        "next_probe_at": None,
    }
    assert (found["correios"]["labels_bought_today"], found["correios"]["waiting"]) == (1, 0)
    (queue,) = found["correios"]["queues"]
    assert (queue["tasks"], queue["in_flight"], queue["max_concurrent"]) == (7, 3, 8)
    assert queue["max_per_second"] == 40
    assert 0 < queue["rate_per_second"] <= 200
    clock.advance(days=1)
    assert shown(carriers)["correios"]["labels_bought_today"] == 0
    assert carriers()[0] == 0


def test_while_a_breaker_is_open_the_parcels_that_wait_are_listed(
    carriers: Command, database: Database, clock: TestClock
) -> None:
    parcel_id = planned(database)
    open_breaker(database)
    probe_at = (clock.now + FIRST_PAUSE).isoformat()

    found = shown(carriers)["correios"]
    code, out, _ = carriers()

    assert code == 1
    assert (found["breaker"]["state"], found["breaker"]["failures"]) == ("open", 5)
    assert found["breaker"]["since"] == clock.now.isoformat()
    assert found["breaker"]["next_probe_at"] == probe_at
    assert [parcel["parcel_id"] for parcel in found["parcels"]] == [parcel_id]
    assert parcel_id in out
    clock.now += FIRST_PAUSE
    assert shown(carriers)["correios"]["breaker"]["state"] == "half_open"


def test_fallbacks_are_counted_on_both_sides(carriers: Command, database: Database) -> None:
    parcel_id = planned(database)
    offer(database, "jadlog", 800)
    open_breaker(database)
    buy(database, parcel_id, RecordingCarrier())

    found = shown(carriers)

    assert parcels_of(database, "ord_1") == [parcel_id]
    for carrier, away, over, waiting in (("correios", 1, 0, 0), ("jadlog", 0, 1, 1)):
        assert found[carrier]["fallbacks_from_today"] == away
        assert found[carrier]["fallbacks_to_today"] == over
        assert found[carrier]["waiting"] == waiting


def test_without_a_carrier_that_is_said(carriers: Command, database: Database) -> None:
    assert carriers()[:2] == (0, "No carrier has a rate card.\n")


def test_queues_without_figures_and_a_stand_in_that_began_anew_are_no_mistake() -> None:
    limits = {"express-labels-jadlog": QueueLimits(max_per_second=10, max_concurrent=4)}

    def look(dispatched: int) -> dict[str, Any]:
        counts = {"depth": 0, "in_flight": 0, "dispatched": dispatched}
        return {"queues": {f"{PREFIX}express-labels-jadlog": counts}}

    assert usage(limits, {}, {}, 1.0, []) == []
    (queue,) = usage(limits, look(90), look(10), 1.0, [])
    assert (queue.carrier, queue.rate_per_second) == ("jadlog", 0.0)
    (queue,) = usage(limits, look(90), look(95), 2.0, [])
    assert queue.rate_per_second == 2.5


def test_what_was_bought_is_shown_beside_the_most_that_its_queue_lets_through(
    carriers: Command, database: Database, clock: TestClock
) -> None:
    buy(database, planned(database), RecordingCarrier())

    (queue,) = shown(carriers)["correios"]["queues"]
    assert (queue["labels_last_minute"], queue["labels_last_hour"]) == (1, 1)
    assert (queue["max_per_minute"], queue["used_percent"]) == (2_400, 0.0)
    assert "1 of 2400 (0 %)" in carriers()[1]

    clock.advance(minutes=1)
    (queue,) = shown(carriers)["correios"]["queues"]
    assert (queue["labels_last_minute"], queue["labels_last_hour"]) == (0, 1)


def test_express_labels_use_up_the_rate_of_their_own_queue() -> None:
    limits = {
        "labels-jadlog": QueueLimits(max_per_second=1, max_concurrent=4),
        "express-labels-jadlog": QueueLimits(max_per_second=0.5, max_concurrent=4),
        "documents": QueueLimits(max_per_second=9, max_concurrent=4),
    }
    counts = {"depth": 0, "in_flight": 0, "dispatched": 0}
    figures = {"queues": {f"{PREFIX}{name}": counts for name in limits}}
    sold = [Sold("jadlog", False, 15, 90), Sold("jadlog", True, 30, 31)]

    found = {queue.queue: queue for queue in usage(limits, figures, figures, 1.0, sold)}

    assert {name: queue.used_percent for name, queue in found.items()} == {
        "labels-jadlog": 25.0,
        "express-labels-jadlog": 100.0,
    }


def test_who_sells_a_carriers_labels_is_said_and_shown(
    carriers: Command, database: Database
) -> None:
    planned(database)
    said = ("account", "correios", "--vendor", "shippo", "--name", "Correios BR", "--by", "ana")

    changed = as_json(carriers, *said, "--format", "zpl", "--account", "ca_1")

    assert changed == {
        "carrier": "correios",
        "vendor": "shippo",
        "vendor_carrier": "Correios BR",
        "vendor_account": "ca_1",
        "label_format": "zpl",
        "is_enabled": True,
        "without_manifests": [],
    }
    assert shown(carriers)["correios"]["account"]["vendor"] == "shippo"
    assert given.rows(database, "SELECT changed_by FROM carrier_accounts") == [("ana",)]
    off = as_json(carriers, "account", "correios", "--disable")
    assert (off["vendor"], off["is_enabled"]) == ("shippo", False)
    assert "shippo (off)" in carriers()[1]
    # Name and account were Shippo's words.
    moved = as_json(carriers, "account", "correios", "--vendor", "easypost", "--enable")
    assert (moved["vendor_carrier"], moved["vendor_account"]) == ("", None)
    assert moved["label_format"] == "zpl"


def test_that_a_vendor_makes_no_manifests_of_a_carrier_is_said_and_kept_for_that_vendor(
    carriers: Command, database: Database
) -> None:
    planned(database)
    none = as_json(carriers, "account", "correios", "--no-manifests")

    there = as_json(carriers, "account", "correios", "--vendor", "shippo")
    back = as_json(carriers, "account", "correios", "--vendor", "easypost")

    for account in (none, there, back):
        assert account["without_manifests"] == ["easypost"]
    assert "no manifests" in carriers("account", "correios", "--format", "zpl")[1]
    assert "no manifests" not in carriers("account", "correios", "--manifests")[1]
    assert given.rows(database, "SELECT without_manifests FROM carrier_accounts") == [([],)]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (("account", "correios"), "Say what changes"),
        (("account", "correios", "--vendor", "pigeon"), "easypost, shippo"),
        (("account", "corrieos", "--vendor", "shippo"), "has no rate card; correios"),
    ],
)
def test_what_cannot_be_said_is_one_sentence(
    carriers: Command, database: Database, said: tuple[str, ...], sentence: str
) -> None:
    planned(database)

    code, out, err = carriers(*said)

    assert (code, out) == (1, "")
    assert sentence in err
