"""`python3 -m emulators rates` and `costs`: thin words over the flows and the reports."""

import csv
import io
from pathlib import Path

import pytest

from emulators.costs.verb import SHOWN
from emulators.laptop import running
from shared.platform.config import Config
from shared.platform.db import Database
from shared.platform.software_costs import SoftwareCosts
from tests.support import given
from tests.support.commands import Command, as_json, command

ROWS = """\
row,carrier,service,currency,handling_cents,carries,zone,to_country,transit_days,max_weight_g,\
price_cents,per_kg_cents
card,jadlog,Pakket,EUR,50,cold,,,,,,
zone,jadlog,Pakket,,,,NL,NL,1,,,
zone,jadlog,Pakket,,,,EU,BE;DE,3,,,
price,jadlog,Pakket,,,,NL,,,10000,695,
price,jadlog,Pakket,,,,NL,,,30000,,150
price,jadlog,Pakket,,,,EU,,,10000,1300,
"""
LATER = "2030-01-01T00:00:00Z"


@pytest.fixture
def rates(
    config: Config,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    return command("rates", config, monkeypatch, capsys)


@pytest.fixture
def costs(
    config: Config,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    return command("costs", config, monkeypatch, capsys)


def file(folder: Path, text: str = ROWS, name: str = "rates.csv") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def lines(out: str) -> list[list[str]]:
    return [line.split() for line in out.splitlines()]


def test_a_file_is_checked_without_a_stack(
    rates: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "read_state", lambda _directory: None)

    code, out, _ = rates("check", file(tmp_path))

    assert code == 0
    assert lines(out)[1] == ["jadlog", "Pakket", "EUR", "2", "3", "2"]
    assert "Nothing runs here" in rates("list")[2]


def test_every_wrong_row_is_a_line_and_the_exit_code_tells(rates: Command, tmp_path: Path) -> None:
    path = file(tmp_path, ROWS.replace("EUR", "€").replace("30000", "10000"))

    code, out, _ = rates("check", path)
    shown = as_json(rates, "publish", path, "--valid-from", LATER, "--reason", "x")

    assert code == 1
    assert lines(out)[0] == ["row", "column", "reason"]
    assert [line[:2] for line in lines(out)[1:3]] == [["2", "currency"], ["6", "max_weight_g"]]
    assert out.splitlines()[-1] == "2 mistakes; nothing is published"
    assert [(wrong["row"], wrong["column"]) for wrong in shown["wrong"]] == [
        (2, "currency"),
        (6, "max_weight_g"),
    ]


def test_rates_are_published_listed_and_shown(
    rates: Command, tmp_path: Path, database: Database
) -> None:
    path = file(tmp_path)
    words = ("publish", path, "--reason", "the new year", "--by", "ada", "--valid-from")

    first = as_json(rates, *words, "2026-01-01T00:00:00+00:00")
    code, out, _ = rates(*words, LATER)
    versions = as_json(rates, "list")["versions"]
    shown = as_json(rates, "show", "jadlog", "Pakket", "--version", "2")

    assert first["published"] == ["jadlog@Pakket-1"]
    assert (code, out) == (0, "Published, valid from 2030-01-01 00:00:00+00:00: jadlog@Pakket-2\n")
    assert [(v["version"], v["valid_until"], v["published_by"], v["reason"]) for v in versions] == [
        (1, "2030-01-01T00:00:00+00:00", "ada", "the new year"),
        (2, None, "ada", "the new year"),
    ]
    assert (shown["version"], shown["handling_cents"], shown["carries"]) == (2, 50, ["cold"])
    assert [(zone["zone"], zone["transit_days"]) for zone in shown["zones"]] == [
        ("EU", 3),
        ("NL", 1),
    ]
    assert shown["zones"][1]["rules"][0]["max_distance_m"] is None
    assert "2030-01-01 00:00:00+00:00" in rates("list")[1]


def test_a_version_is_shown_zone_by_zone(rates: Command, tmp_path: Path) -> None:
    rates("publish", file(tmp_path), "--valid-from", "2026-01-01T00:00Z", "--reason", "x")

    code, out, _ = rates("show", "jadlog", "Pakket")

    assert code == 0
    assert out.startswith("jadlog Pakket, version 1, valid from 2026-01-01 00:00:00+00:00\n")
    assert ["handling_cents", "50"] in lines(out)
    assert ["EU", "3", "to", "BE", "10000", "1300"] in lines(out)
    assert ["to", "DE"] in lines(out)
    assert ["30000", "+150", "a", "started", "kg"] in lines(out)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "jadlog", "Brief"), "service: jadlog has no service Brief (unknown_rate_card)"),
        (("check", "none.csv"), "none.csv cannot be read: No such file"),
        (
            ("publish", "none.csv", "--valid-from", LATER, "--reason", "x", "--by", ""),
            "Say who you are with --by",
        ),
    ],
)
def test_a_mistake_is_one_clear_line(rates: Command, words: tuple[str, ...], said: str) -> None:
    code, out, err = rates(*words)

    assert (code, out) == (1, "")
    assert err.startswith(said)
    assert len(err.splitlines()) == 1


def test_what_is_not_named_is_asked_for(rates: Command, tmp_path: Path) -> None:
    assert rates("publish", file(tmp_path), "--reason", "x")[0] == 2
    assert rates("publish", file(tmp_path), "--valid-from", LATER)[0] == 2
    assert rates("publish", file(tmp_path), "--valid-from", "soon", "--reason", "x")[0] == 2
    assert rates("list") == (0, "No rate cards.\n", "")


def test_json_rows_are_published_too(rates: Command, tmp_path: Path) -> None:
    rows = """[{"row": "card", "carrier": "jadlog", "service": "b", "currency": "EUR"},
               {"row": "zone", "carrier": "jadlog", "service": "b", "zone": "z"},
               {"row": "price", "carrier": "jadlog", "service": "b", "zone": "z",
                "max_weight_g": 1000, "price_cents": 1}]"""

    code, out, _ = rates("check", file(tmp_path, rows, "rates.json"))

    assert (code, lines(out)[1]) == (0, ["jadlog", "b", "EUR", "1", "1", "1"])


def meter(database: Database, nano_usd: int) -> None:
    costs = SoftwareCosts()
    costs.add(database.now().date(), "order_intake", nano_usd)
    costs.keep(database)


def test_costs_are_a_table_with_totals_a_document_and_csv(
    costs: Command, database: Database
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2}, shipping_cents=1_234_56)
    given.place(database, "ord_1")
    meter(database, nano_usd=1_000_000_029)

    code, out, _ = costs("order")
    document = as_json(costs, "order")
    table = list(csv.DictReader(io.StringIO(costs("order", "--csv")[1])))

    assert code == 0
    amounts = ["4.90", "0.00", "0.00", "0.00", "0.00", "1,234.56", "EUR", "1.000000029"]
    assert lines(out)[1] == ["ord_1", "1", *amounts]
    assert lines(out)[2][0] == "all"
    assert document["rows"] == [
        {
            "order": "ord_1",
            "currency": "EUR",
            "parcels": 1,
            "quoted_cents": 490,
            "charged_cents": 0,
            "freight_cents": 0,
            "surcharges_cents": 0,
            "handling_cents": 0,
            "carrier_cents": None,
            "actual_cents": None,
            "difference_cents": None,
            "shipping_cents": 123_456,
            "software_nano_usd": 1_000_000_029,
        }
    ]
    assert document["software"] == {
        "nano_usd": 1_000_000_029,
        "orders": 1,
        "nano_usd_per_order": 1_000_000_029,
    }
    assert "Software: 1.000000029 USD an order at most" in out
    assert document["totals"]["EUR"]["quoted_cents"] == 490
    assert [(row["order"], row["quoted_cents"], row["actual_cents"]) for row in table] == [
        ("ord_1", "490", "")
    ]
    assert "shipping" not in costs("warehouse")[1]


def test_programs_get_all_rows_and_people_the_dearest(costs: Command, database: Database) -> None:
    # Goal: who adds up a CSV file has the total, however many orders there are.
    given.catalogue(database, {"BER": {"MUG": 50}})
    for number in range(SHOWN + 2):
        given.order(database, f"ord_{number}", {"MUG": 1})
        given.place(database, f"ord_{number}")

    table = list(csv.DictReader(io.StringIO(costs("order", "--csv")[1])))
    document = as_json(costs, "order")
    shown = lines(costs("order")[1])

    total = document["totals"]["EUR"]["quoted_cents"]
    assert sum(int(row["quoted_cents"]) for row in table) == total
    assert len(document["rows"]) == SHOWN + 2
    assert sum(line[0].startswith("ord_") for line in shown) == SHOWN
    assert len(as_json(costs, "order", "--limit", "3")["rows"]) == 3


def test_costs_of_a_time_without_parcels_are_said_so(costs: Command) -> None:
    assert costs("day", "--from", "2026-01-01") == (0, "No parcel was planned then.\n", "")
    assert costs("moon")[0] == 2
    assert costs("day", "--from", "2026-01-02", "--to", "2026-01-01")[2] == (
        "--from has to be before --to.\n"
    )
