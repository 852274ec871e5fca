"""`explain`, `decisions` and `policies` as a person and a program use them."""

import json
from pathlib import Path

import pytest

from shared.contracts.policies import PolicyDocument
from shared.costing.bands import zones_of
from shared.flows.publish_policy import PublishPolicy, publish_policy
from shared.people.types import Person
from shared.platform.config import Config
from shared.platform.db import Database
from shared.platform.relay import Relay
from tests.flows.doubles import RecordingCarrier, buy
from tests.flows.rerouting import offer, open_breaker, planned
from tests.support import given
from tests.support.commands import Command, as_json, command


@pytest.fixture
def call(
    config: Config, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> dict[str, Command]:
    return {
        verb: command(verb, config, monkeypatch, capsys)
        for verb in ("explain", "decisions", "policies", "override")
    }


@pytest.fixture
def placed(database: Database) -> None:
    """An order from Berlin; Lisbon is farther away, Munich has none."""
    given.catalogue(database, {"BER": {"MUG": 5}, "LIS": {"MUG": 5}, "MUC": {"MUG": 1}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")


@pytest.mark.usefixtures("placed")
def test_explain_shows_the_plan_its_cost_lines_who_lost_and_why(call: dict[str, Command]) -> None:
    code, said, _ = call["explain"]("ord_1")

    assert code == 0
    assert "ord_1  placed" in said
    assert "2 x MUG" in said
    assert "4.90 EUR" in said
    assert "nothing is cheaper" in said
    assert "next: LIS, 5.00 EUR more" in said
    assert "short of MUG by 1" in said


def test_explain_shows_what_a_warehouse_that_is_cheaper_lost_by(
    call: dict[str, Command], database: Database
) -> None:
    # Goal: Berlin would cost 4.90 and Lisbon costs 9.90; that Berlin counts 20.00 more is said.
    given.catalogue(database, {"BER": {"MUG": 5}, "LIS": {"MUG": 5}})
    wanted = PublishPolicy(
        PolicyDocument(avoid_cents={"BER": 2_000}), None, Person("ada", "a test")
    )
    database.run(lambda tx: publish_policy(tx, wanted), given.cause())
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")

    _, said, _ = call["explain"]("ord_1")

    (berlin,) = [line.split() for line in said.splitlines() if line.startswith("  BER")]
    assert berlin[3:7] == ["4.90", "EUR", "20.00", "15.00"]


def test_explain_writes_amounts_as_their_currency_does(
    call: dict[str, Command], database: Database
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    zones = zones_of(given.DEAR)
    database.run(
        lambda tx: given.rates(
            tx, carrier="jadlog", currency="JPY", valid_from=tx.now, zones=zones
        ),
        given.cause(),
    )
    event = given.submitted("ord_1", {"MUG": 1}).model_copy(update={"currency": "JPY"})
    given.accept(database, event)
    given.place(database, "ord_1")

    _, said, _ = call["explain"]("ord_1")

    assert "90000 JPY" in said
    assert "900.00" not in said


@pytest.mark.usefixtures("placed")
def test_explain_says_the_same_to_programs(call: dict[str, Command]) -> None:
    found = as_json(call["explain"], "ord_1")

    assert found["order"]["state"] == "placed"
    ((decision),) = found["decisions"]
    assert decision["outcome"] == "placed"
    assert decision["receipt"]["result"]["cost_cents"] == 490


def test_explain_says_by_whom_a_parcel_went_instead(
    call: dict[str, Command], database: Database
) -> None:
    parcel_id = planned(database)
    offer(database, "jadlog", 100, days=9)
    open_breaker(database)
    buy(database, parcel_id, RecordingCarrier())

    _, said, _ = call["explain"]("ord_1")
    (reroute,) = as_json(call["explain"], "ord_1")["reroutes"]

    assert "rerouted at" in said
    assert "by jadlog standard instead of correios standard, for 3.90 EUR less" in said
    assert (reroute["reason"], reroute["difference_cents"]) == ("carrier_paused", -390)


def test_explain_of_nothing_is_a_sentence(call: dict[str, Command], database: Database) -> None:
    code, said, wrong = call["explain"]("ord_9")

    assert (code, said) == (1, "")
    assert wrong == "there is no order ord_9 (unknown_order)\n"


@pytest.mark.usefixtures("placed")
def test_a_replay_says_how_much_came_out_otherwise(call: dict[str, Command]) -> None:
    code, said, _ = call["decisions"]("replay")
    assert (code, said) == (0, "1 decisions made again, 0 differences; 0 skipped\n")

    assert as_json(call["decisions"], "replay")["differences"] == []


def test_a_policy_is_checked_published_listed_and_shown(
    call: dict[str, Command], database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "policy.json"
    file.write_text(json.dumps({"channel": "web", "split_cents": 150}))

    assert call["policies"]("check", str(file))[0] == 0
    published = as_json(call["policies"], "publish", str(file), "--by", "ada", "--reason", "sale")
    assert published == {"published": "web-1"}
    (listed,) = as_json(call["policies"], "list")["policies"]
    assert (listed["policy_id"], listed["split_cents"], listed["reason"]) == ("web-1", 150, "sale")
    assert "150" in call["policies"]("show", "web-1")[1]


def test_secondary_carriers_are_shown_in_their_order(
    call: dict[str, Command], database: Database, tmp_path: Path
) -> None:
    for carrier in ("jadlog", "dhl", "ups"):
        offer(database, carrier, 100)
    fallback = {"carrier": "jadlog", "zone": "all", "to": ["ups", "dhl"]}
    file = tmp_path / "policy.json"
    file.write_text(json.dumps({"fallbacks": [fallback]}))
    published = as_json(call["policies"], "publish", str(file), "--by", "ada", "--reason", "peak")

    for words in (("show", published["published"]), ("check", str(file))):
        assert "jadlog in all -> ups, then dhl" in call["policies"](*words)[1]
    shown = as_json(call["policies"], "show", published["published"])
    assert shown["fallbacks"] == [{**fallback, "to": ["ups", "dhl"]}]


def test_a_wrong_policy_names_every_field_that_is_wrong(
    call: dict[str, Command], database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "policy.json"
    file.write_text(json.dumps({"splitcents": 150, "late_day_cents": -1}))

    code, _, wrong = call["policies"]("check", str(file))

    assert code == 1
    assert "late_day_cents: Input should be greater than or equal to 0" in wrong
    assert "splitcents: Extra inputs are not permitted" in wrong


def test_a_check_asks_for_what_publishing_asks_for(
    call: dict[str, Command], database: Database, tmp_path: Path
) -> None:
    # Goal: what a check lets pass is published, and is not refused for a name then.
    given.catalogue(database, {"BER": {"MUG": 1}})
    file = tmp_path / "policy.json"
    file.write_text(
        json.dumps({"excluded_warehouses": ["MOON"], "excluded_services": ["correios/rocket"]})
    )

    code, _, wrong = call["policies"]("check", str(file))

    assert code == 1
    assert "excluded_warehouses.MOON: there is no such warehouse" in wrong
    assert "excluded_services.correios/rocket: correios has no such service" in wrong


def test_a_policy_of_no_channel_is_said_to_be_of_every_other(
    call: dict[str, Command], database: Database, tmp_path: Path
) -> None:
    given.catalogue(database, {"BER": {"MUG": 1}})
    file = tmp_path / "policy.json"
    file.write_text(json.dumps({"ship_partial_from_cents": None}))

    _, said, _ = call["policies"]("check", str(file))

    lines = [line.split() for line in said.splitlines()]
    assert lines[:2] == [
        ["channel", "every", "other"],
        ["ship", "partial", "from", "cents", "never"],
    ]


@pytest.mark.usefixtures("placed")
def test_a_person_assigns_splits_holds_and_releases(
    call: dict[str, Command], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Relay, "send", lambda *_: None)  # nobody listens here
    words = ("--by", "ada", "--reason", "the customer has called")

    code, said, _ = call["override"]("assign", "ord_1", "LIS", *words)
    assert code == 0
    assert "placed by ada" in said
    code, _, wrong = call["override"]("split", "ord_1", "MUC:MUG=2", *words)
    assert code == 1
    assert "MUC: short of MUG by 1" in wrong
    assert as_json(call["override"], "hold", "ord_1", *words)["order"]["state"] == "review"
    assert as_json(call["override"], "release", "ord_1", *words)["order"]["state"] == "waiting"


@pytest.mark.parametrize("word", ["BER", "BER:MUG", "BER:MUG=", "BER:MUG=0", "MUG=2"])
def test_a_split_that_cannot_be_read_is_a_usage_error(call: dict[str, Command], word: str) -> None:
    code, _, wrong = call["override"]("split", "ord_1", word, "--reason", "x")

    assert code == 2
    assert f"{word} is not like BER:MUG=2" in wrong
