"""`python3 -m emulators parcels`: thin words over the flow and the list."""

import pytest

from emulators.laptop import running
from emulators.laptop.cli import main
from shared.platform.config import Config
from shared.platform.db import Database
from shared.platform.sql import text
from tests.flows import doubles
from tests.support import given
from tests.support.commands import Command, as_json, command


@pytest.fixture
def parcels(
    config: Config,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    return command("parcels", config, monkeypatch, capsys)


def test_those_that_stand_still_are_listed(parcels: Command, database: Database) -> None:
    code, out, _ = parcels("stuck")
    assert (code, out) == (0, "No parcel stands still for longer than it may.\n")

    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    (tracking_code,) = doubles.labelled(database, "ord_1")  # long past, by the clock of the tests

    found = as_json(parcels, "stuck")["parcels"]

    assert [(p["order_id"], p["tracking_code"], p["kind"]) for p in found][:1] == [
        ("ord_1", tracking_code, found[0]["kind"])
    ]
    assert {p["kind"] for p in found} == {"not_handed_over", "overdue"}
    _, out, _ = parcels("stuck", "--limit", "1")
    assert "ord_1" in out
    assert as_json(parcels, "stuck", "--carrier", "nobody") == {"parcels": []}


def test_thresholds_are_set_from_those_that_counted_before(
    parcels: Command, database: Database
) -> None:
    given.rated(database, "correios", "pac")
    wanted = as_json(parcels, "threshold", "correios", "pac", "--silent", "96")
    assert (wanted["carrier"], wanted["silent_hours"], wanted["not_handed_over_hours"]) == (
        "correios",
        96,
        48,
    )
    more = as_json(parcels, "threshold", "correios", "pac", "--overdue", "6")
    assert (more["silent_hours"], more["overdue_hours"]) == (96, 6)

    listed = as_json(parcels, "thresholds")["thresholds"]

    assert [(rule["carrier"], rule["service"]) for rule in listed] == [
        ("correios", "pac"),
        ("*", "*"),
    ]
    _, out, _ = parcels("thresholds")
    assert "96 h" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("threshold", "correios", "pac"), "Say which hours change"),
        (("threshold", "correios", "pac", "--silent", "0"), "silent_hours: must be 1 to"),
        (("threshold", "corrieos", "*", "--silent", "1"), "'corrieos' has no rate card; correios"),
        (("threshold", "correios", "PAC", "--silent", "1"), "'PAC' has no rate card; pac"),
        (("threshold", "*", "PAC", "--silent", "1"), "'PAC' has no rate card; pac"),
        (("poll", "corrieos"), "carrier: 'corrieos' has no rate card; correios"),
    ],
)
def test_a_wish_that_says_nothing_or_makes_no_sense_is_a_sentence(
    parcels: Command, database: Database, words: tuple[str, ...], said: str
) -> None:
    given.rated(database, "correios", "pac")

    code, _, err = parcels(*words)

    assert code == 1
    assert said in err


def test_without_a_stack_it_is_said_how_to_start_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(running, "read_state", lambda _directory: None)

    assert main(["parcels", "stuck"]) == 1
    assert "python3 -m emulators up" in capsys.readouterr().err


def test_a_carrier_is_asked_about_all_that_it_has_under_way(
    parcels: Command, database: Database
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    doubles.labelled(database, "ord_1")
    given.silence(database)

    assert as_json(parcels, "poll", "correios") == {"carrier": "correios", "parcels": 1}

    assert given.rows(database, "SELECT destination FROM outbox") == [("polls-correios",)]
    given.rated(database, "jadlog", "standard")
    _, out, _ = parcels("poll", "jadlog")
    assert out == "jadlog is asked about 0 parcels.\n"
    (asked,) = {p["asked_at"] for p in as_json(parcels, "stuck")["parcels"]}
    assert asked is not None
    database.statement(
        text(
            "UPDATE parcel_polls SET unknown_times = 3, unknown_since = asked_at,"
            " given_up_at = asked_at"
        )
    )
    stuck = as_json(parcels, "stuck")["parcels"][0]
    assert (stuck["unknown_times"], stuck["given_up_at"]) == (3, asked)
    _, out, _ = parcels("stuck")
    assert "given up" in out


def test_when_carriers_are_asked_is_set_with_the_other_thresholds(
    parcels: Command, database: Database
) -> None:
    given.rated(database, "mute", "standard")
    wanted = as_json(parcels, "threshold", "mute", "*", "--poll-after", "2", "--poll-every", "3")

    assert (wanted["poll_after_hours"], wanted["poll_every_hours"]) == (2, 3)
    _, out, _ = parcels("thresholds")
    assert "poll every" in out
