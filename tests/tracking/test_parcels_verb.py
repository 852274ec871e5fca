"""`python3 -m emulators parcels`: thin words over the flow and the list."""

import pytest

from emulators.laptop import running
from emulators.laptop.cli import main
from shared.platform.config import Config
from shared.platform.db import Database
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


def test_thresholds_are_set_from_those_that_counted_before(parcels: Command) -> None:
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
    ],
)
def test_a_wish_that_says_nothing_or_makes_no_sense_is_a_sentence(
    parcels: Command, words: tuple[str, ...], said: str
) -> None:
    code, _, err = parcels(*words)

    assert code == 1
    assert said in err


def test_without_a_stack_it_is_said_how_to_start_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(running, "read_state", lambda _directory: None)

    assert main(["parcels", "stuck"]) == 1
    assert "python3 -m emulators up" in capsys.readouterr().err
