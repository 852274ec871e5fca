"""`python3 -m emulators stock`: thin words over the flows, for people and for programs."""

import getpass

import pytest

from emulators.laptop import running
from shared.platform.config import Config
from shared.platform.db import Database
from shared.platform.sql import text
from tests.flows import partitioned
from tests.flows.drifting import corrupt
from tests.flows.partitioned import ordered, rows
from tests.platform.doubles import RecordingQueues, RecordingTopics
from tests.support import given
from tests.support.commands import Command, as_json, command


@pytest.fixture
def topics() -> RecordingTopics:
    return RecordingTopics()


@pytest.fixture
def stock(
    config: Config,
    database: Database,
    topics: RecordingTopics,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """The command in a shop with mugs, pens and a set."""
    monkeypatch.setattr(running, "Topics", lambda _config: topics)
    monkeypatch.setattr(running, "Queues", lambda _config: RecordingQueues())
    given.catalogue(database, {"BER": {"MUG": 10, "PEN": 5}, "LIS": {"MUG": 2}})
    given.kit(database, "SET", {"MUG": 1})

    return command("stock", config, monkeypatch, capsys)


def test_a_sku_is_shown_row_by_row_with_sums_and_what_can_be_promised(
    stock: Command, database: Database
) -> None:
    partitioned.spread(database, 2)
    partitioned.allot(database, 3)
    ordered(database, "ord_1", 1, sale="friday")

    code, out, _ = stock("show", "MUG")
    lines = [line.split() for line in out.splitlines()]

    assert code == 0
    assert lines[0][:7] == [
        "warehouse",
        "row",
        "on-hand",
        "reserved",
        "held",
        "safety",
        "available",
    ]
    assert ["BER", "64", "3", "1", "0", "0", "2", "friday"] in lines
    assert ["BER", "all", "10", "1", "0", "0", "9"] in lines
    assert ["LIS", "0", "2", "0", "0", "0", "2"] in lines
    assert lines[-1] == ["9", "can", "be", "promised", "to", "everybody"]
    shown = as_json(stock, "show", "MUG")
    assert shown["available"] == 9
    assert [row["partition"] for row in shown["rows"]] == [0, 1, 64, 0]


def test_a_balance_is_spread_and_merged_and_shown_as_it_lies_then(
    stock: Command, database: Database
) -> None:
    spread = as_json(stock, "spread", "MUG", "BER", "--into", "4", "--reason", "a flash sale")
    merged = as_json(stock, "merge", "MUG", "BER", "--by", "ada")

    assert [row["on_hand"] for row in spread["rows"]] == [3, 3, 2, 2, 2]
    assert [row["on_hand"] for row in merged["rows"]] == [10, 0, 0, 0, 2]
    assert given.rows(
        database,
        "SELECT DISTINCT actor, reason FROM stock_movements WHERE kind = 'repartition'"
        " AND actor = 'ada'",
    ) == [("ada", "by command")]
    assert given.violations(database) == []


def test_the_same_reference_is_one_word(stock: Command, database: Database) -> None:
    for _ in range(2):
        stock("allot", "MUG", "BER", "3", "--sale", "friday", "--reference", "r1")

    assert [row[1] for row in rows(database) if row[4] == "friday"] == [3]


def test_a_sale_gets_units_and_gives_them_back_and_the_news_is_sent(
    stock: Command, topics: RecordingTopics
) -> None:
    given_out = as_json(stock, "allot", "MUG", "BER", "6", "--sale", "friday", "--into", "2")
    ended = as_json(stock, "end-allotment", "friday")
    code, out, _ = stock("end-allotment", "friday")

    assert [row["on_hand"] for row in given_out["rows"] if row["allotment"]] == [3, 3]
    assert ended == {"sale": "friday", "ended": 1}
    assert (code, out) == (0, "Nothing is set aside for friday.\n")
    assert topics.sent, "StockIncreased is sent right after the commit"


def test_the_books_are_compared_and_the_findings_are_listed(
    stock: Command, database: Database
) -> None:
    assert stock("drifts") == (0, "No drifts.\n", "")
    corrupt(database, "UPDATE stock_levels SET reserved = 2 WHERE sku = 'PEN'")

    report = as_json(stock, "reconcile", "--by", "ada")
    again = as_json(stock, "reconcile")
    code, out, _ = stock("drifts")

    assert (report["balances"], report["repaired"], report["fenced"]) == (3, 1, 0)
    (drift,) = report["drifts"]
    assert (drift["sku"], drift["figure"], drift["found"], drift["explained"]) == (
        "PEN",
        "reserved",
        2,
        0,
    )
    assert (again["repaired"], again["drifts"]) == (0, [])
    assert code == 0
    assert "parcels that have not left" in out
    assert " ada" in out
    assert as_json(stock, "drifts")["drifts"] == [drift]


def test_a_row_that_is_fenced_off_is_told_by_the_exit_code(
    stock: Command, database: Database
) -> None:
    ordered(database, "ord_1", 5)
    corrupt(database, "UPDATE stock_levels SET on_hand = 4, reserved = 1 WHERE on_hand = 10")

    code, out, _ = stock("reconcile")

    assert code == 1
    assert (
        out.splitlines()[-1]
        == "3 balances, 0 rows repaired, 1 fenced off, 0 right again, 0 caps recounted"
    )
    assert "fenced off: fewer are on hand than are promised" in stock("show", "MUG")[1]
    refused = stock("spread", "MUG", "BER", "--into", "2")
    assert refused[0] == 1
    assert "(balance_fenced_off)" in refused[2]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "GHOST"), "sku: GHOST is not in the catalogue; correct the name,"),
        (("show", "SET"), "sku: SET is a kit and lies on no shelf; name MUG instead (kit_has_no_"),
        (("spread", "MUG", "XXX", "--into", "2"), "warehouse: XXX is not known"),
        (("spread", "MUG", "BER", "--into", "-2"), "into: -2 is not from 1 to 64"),
        (("spread", "MUG", "BER", "--into", "65"), "into: 65 is not from 1 to 64"),
        (("allot", "MUG", "BER", "-5", "--sale", "friday"), "units: -5 is not from 1 to"),
        (("allot", "MUG", "BER", "99", "--sale", "friday"), "units: 99 of MUG are asked for, and"),
        (("allot", "MUG", "BER", "1", "--sale", "black friday"), "sale: a name is"),
        (("merge", "MUG", "BER", "--by", ""), "Say who you are with --by"),
    ],
)
def test_a_mistake_is_one_clear_line(stock: Command, words: tuple[str, ...], said: str) -> None:
    # Goal: a negative number is a number, and not taken for an option.
    code, out, err = stock(*words)

    assert (code, out) == (1, "")
    assert err.startswith(said)
    assert len(err.splitlines()) == 1


def test_what_is_no_number_is_refused_before_anything_happens(
    stock: Command, database: Database
) -> None:
    assert stock("allot", "MUG", "BER", "many", "--sale", "friday")[0] == 2
    assert stock("spread", "MUG", "BER")[0] == 2
    assert given.rows(
        database, "SELECT count(*) FROM stock_movements WHERE kind = 'repartition'"
    ) == [(0,)]


def test_what_no_warehouse_ever_had_is_said_so(stock: Command, database: Database) -> None:
    database.statement(text("INSERT INTO skus (sku, weight_g) VALUES ('NEW', 1)"))

    assert stock("show", "NEW") == (0, "No warehouse has ever had NEW.\n", "")


def test_without_a_stack_nothing_is_done(stock: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "read_state", lambda _directory: None)

    assert "Nothing runs here" in stock("drifts")[2]


def test_an_account_without_a_name_can_look(
    stock: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nameless() -> str:
        raise KeyError

    monkeypatch.setattr(getpass, "getuser", nameless)

    assert stock("show", "MUG")[0] == 0
    assert "--by" in stock("reconcile")[2]
