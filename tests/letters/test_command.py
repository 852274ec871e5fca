"""`python3 -m emulators letters`: thin words over the flows, for people and for programs."""

import getpass
import json

import pytest

from emulators.laptop import running
from shared.platform.config import Config
from shared.platform.db import Database
from tests.letters.letters import dead, letter, park
from tests.platform.doubles import RecordingTopics
from tests.support import given
from tests.support.commands import Command, as_json, command


@pytest.fixture
def letters(
    config: Config,
    topics: RecordingTopics,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """The command, with topics that only remember."""
    monkeypatch.setattr(running, "Topics", lambda _config: topics)

    return command("letters", config, monkeypatch, capsys)


@pytest.fixture
def parked(database: Database) -> None:
    """Command 1 to 3, of which the second cannot be sent again."""
    given.catalogue(database, {"BER": {"GHOST": 5}})
    for name in ("evt_1", "evt_2", "evt_3"):
        payload = {"payload": b"\xff", "code": "malformed"} if name == "evt_2" else {}
        given.apply(database, park, dead(name, **payload))


@pytest.mark.usefixtures("parked")
def test_the_list_is_filtered_and_paged(letters: Command) -> None:
    first = as_json(letters, "list", "--limit", "2")
    second = as_json(letters, "list", "--limit", "2", "--before", str(first["before"]))
    wrong = as_json(letters, "list", "--code", "malformed", "--since", "2026-01-01")

    assert [one["letter_id"] for one in first["letters"]] == [3, 2]
    assert [one["letter_id"] for one in second["letters"]] == [1]
    assert second["before"] is None
    assert [one["letter_id"] for one in wrong["letters"]] == [2]
    assert as_json(letters, "list", "--since", "2030-01-01T00:00:00Z")["letters"] == []


@pytest.mark.usefixtures("parked")
def test_one_letter_is_shown_with_its_story_and_its_payload_in_lines(letters: Command) -> None:
    shown = as_json(letters, "show", "1")
    code, out, _ = letters("show", "1")

    assert (shown["failure"], shown["code"], shown["order_id"]) == (
        "rejected",
        "unknown_sku",
        "ord_1",
    )
    assert json.loads(shown["payload"])["order_id"] == "ord_1"
    assert code == 0
    assert '\n  "order_id": "ord_1",\n' in out
    assert "lines.0.sku: GHOST is not in the catalogue" in out
    assert as_json(letters, "show", "2")["payload"] == "\\xff"


@pytest.mark.usefixtures("parked")
def test_a_dry_run_tells_and_does_nothing(letters: Command, database: Database) -> None:
    tried = as_json(letters, "dry-run", "1")
    code, out, _ = letters("dry-run", "1")

    assert (tried["outcome"], tried["announces"]) == ("applied", ["dispatch.order.accepted.v1"])
    assert (code, "orders ord_1: new, " in out) == (0, True)
    assert given.rows(database, "SELECT count(*) FROM orders") == [(0,)]


@pytest.mark.usefixtures("parked")
def test_many_are_retried_with_a_result_for_each(
    letters: Command, database: Database, topics: RecordingTopics
) -> None:
    code, out, _ = letters("retry", "1", "2", "9", "--reason", "repaired", "--by", "ada", "--json")

    results = {one["letter_id"]: one["code"] for one in json.loads(out)["results"]}
    assert (code, results) == (1, {1: "", 2: "no_way_back", 9: "unknown_letter"})
    assert topics.ids == ["evt_1"]
    assert letter(database, 1).settled_by == "ada"


@pytest.mark.usefixtures("parked")
def test_many_are_chosen_by_what_one_knows_of_them(letters: Command, database: Database) -> None:
    code, out, _ = letters("discard", "--code", "unknown_sku", "--reason", "a test shop")

    assert (code, out.splitlines()[-1]) == (0, "2 of 2 discarded")
    assert [letter(database, n).state for n in (1, 2, 3)] == ["discarded", "open", "discarded"]


@pytest.mark.usefixtures("parked")
def test_all_open_letters_are_never_settled_by_leaving_a_word_out(
    letters: Command, database: Database
) -> None:
    nothing = letters("discard", "--reason", "no")
    both = letters("retry", "1", "--code", "malformed", "--reason", "no")
    silent = letters("retry", "1")

    assert [code for code, _, _ in (nothing, both, silent)] == [1, 1, 2]
    assert "ids of letters or filters" in nothing[2]
    assert "--reason" in silent[2]
    assert given.rows(database, "SELECT count(*) FROM dead_letters WHERE state = 'open'") == [(3,)]


@pytest.mark.usefixtures("parked")
def test_an_account_without_a_name_has_to_say_who_it_is(
    letters: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Goal: in a container a user may have a number only; reading must work all the same.
    def nameless() -> str:
        raise KeyError

    monkeypatch.setattr(getpass, "getuser", nameless)

    assert letters("list")[0] == 0
    code, out, err = letters("discard", "1", "--reason", "no", "--json")
    assert (code, out) == (1, "")
    assert err == "by: 1 to 200 characters are wanted (malformed)\n"


@pytest.mark.usefixtures("database")
def test_a_mistake_is_one_sentence(letters: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = letters("show", "7")
    monkeypatch.setattr(running, "read_state", lambda _directory: None)
    silent = letters("list")

    assert unknown == (1, "", "no such letter (unknown_letter)\n")
    assert silent[0] == 1
    assert "Nothing runs here" in silent[2]


@pytest.mark.usefixtures("database")
def test_no_letters_are_said_to_be_none(letters: Command) -> None:
    assert letters("list") == (0, "No letters.\n", "")
