"""`python3 -m emulators labels`: look, print, quote, and close a day."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from emulators.labels import verb
from shared.contracts.orders import OrderCancelled
from shared.flows.cancel_order import cancel_order
from shared.platform import db
from shared.platform.config import Config
from shared.platform.db import Database
from tests.flows.doubles import RecordingCarrier, everywhere, void
from tests.flows.papers import Cabinet, bought, close, keep
from tests.support import given
from tests.support.clock import TestClock
from tests.support.commands import Command, as_json, command


@pytest.fixture
def carrier() -> RecordingCarrier:
    """Who sells labels."""
    return RecordingCarrier()


@pytest.fixture
def cabinet() -> Cabinet:
    """Where documents are kept."""
    return Cabinet()


@pytest.fixture
def _outside(
    clock: TestClock,
    carrier: RecordingCarrier,
    cabinet: Cabinet,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connect = db.connect
    monkeypatch.setattr(db, "connect", lambda settings, _clock: connect(settings, clock))
    monkeypatch.setattr(verb, "carriers_of", lambda _settings, _database: everywhere(carrier))
    monkeypatch.setattr(verb, "documents_of", lambda _settings: cabinet)
    monkeypatch.setattr("shared.platform.relay.Relay.send", lambda *_: None)


@pytest.fixture
def labels(
    config: Config,
    database: Database,
    _outside: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    given.catalogue(database, {"BER": {"MUG": 50}})
    return command("labels", config, monkeypatch, capsys)


def seen(labels: Command, parcel_id: str) -> dict[str, Any]:
    (label,) = as_json(labels, "show", parcel_id)["labels"]
    assert isinstance(label, dict)
    return label


def test_a_label_is_shown_with_what_it_cost_and_what_came_back(
    labels: Command, database: Database, carrier: RecordingCarrier, cabinet: Cabinet
) -> None:
    (parcel_id,) = bought(database, carrier, "ord_1")
    keep(database, carrier, cabinet)
    label = seen(labels, parcel_id)
    assert (label["state"], label["paid_cents"], label["refunded_cents"]) == ("bought", 490, None)
    assert label["document_key"] in cabinet.kept

    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))
    assert seen(labels, parcel_id)["refunded_cents"] is None, "it is only asked for"
    void(database, parcel_id, carrier)

    label = seen(labels, parcel_id)
    assert (label["state"], label["paid_cents"], label["refunded_cents"]) == ("voided", 490, 490)
    assert label["refunded_at"] == label["voided_at"] == database.now().isoformat()
    shown = labels("show", parcel_id)[1]
    assert "4.90 EUR" in shown
    assert "refunded" in shown


def test_a_parcel_without_a_label_is_said_to_have_none(labels: Command) -> None:
    code, _, err = labels("show", "par_none")

    assert (code, err) == (1, "Nobody has asked for a label for par_none.\n")


def test_a_label_is_written_to_a_file(
    labels: Command,
    database: Database,
    carrier: RecordingCarrier,
    cabinet: Cabinet,
    tmp_path: Path,
) -> None:
    (parcel_id,) = bought(database, carrier, "ord_1")
    file = tmp_path / "label.pdf"

    code, out, _ = labels("print", parcel_id, "--to", str(file))
    again = as_json(labels, "reprint", parcel_id)

    (stored,) = cabinet.kept.values()
    assert code == 0
    assert file.read_bytes() == stored.content
    assert out.startswith("application/pdf, ")
    assert again == {"media_type": "application/pdf", "bytes": len(stored.content),
                     "written_to": None}  # fmt: skip
    assert len(carrier.reprinted) == 2
    missing = labels("print", parcel_id, "--to", str(tmp_path / "none" / "label.pdf"))
    assert missing[0] == 1
    assert "cannot be written" in missing[2]


def test_a_label_that_is_given_back_is_not_printed_and_that_is_said(
    labels: Command, database: Database, carrier: RecordingCarrier, tmp_path: Path
) -> None:
    (parcel_id,) = bought(database, carrier, "ord_1")
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))
    file = tmp_path / "label.pdf"

    code, _, err = labels("print", parcel_id, "--to", str(file))

    assert code == 1
    assert "given back" in err
    assert "label_given_back" in err
    assert not file.exists()


def test_quotes_are_listed(labels: Command, database: Database, carrier: RecordingCarrier) -> None:
    (parcel_id,) = bought(database, carrier, "ord_1")
    given.rated(database, "jadlog", "standard")

    (quote,) = as_json(labels, "quotes", parcel_id)["quotes"]
    _, out, _ = labels("quotes", parcel_id, "--carrier", "jadlog")

    assert quote == {"carrier": "correios", "service": "cheapest", "amount_cents": 490,
                     "currency": "EUR", "transit_days": 2}  # fmt: skip
    assert "jadlog" in out
    assert "4.90 EUR" in out


def test_a_day_is_closed_by_hand_listed_and_printed(
    labels: Command,
    database: Database,
    carrier: RecordingCarrier,
    cabinet: Cabinet,
    tmp_path: Path,
) -> None:
    bought(database, carrier, "ord_1", "ord_2")
    given.rated(database, "jadlog", "standard")
    nothing = labels("manifest", "jadlog", "BER")
    assert nothing[0] == 1
    assert "nothing_to_manifest" in nothing[2]

    manifest_id = as_json(labels, "manifest", "correios", "BER", "--day", "2026-03-02")["asked_for"]
    (asked,) = as_json(labels, "manifests")["manifests"]
    close(database, carrier, cabinet)
    (closed,) = as_json(labels, "manifests", "--carrier", "correios", "--warehouse", "BER",
                        "--day", "2026-03-02")["manifests"]  # fmt: skip
    file = tmp_path / "manifest.pdf"
    labels("print", manifest_id, "--to", str(file))

    assert (asked["state"], asked["labels"], asked["number"]) == ("requested", 2, 1)
    assert (closed["manifest_id"], closed["state"]) == (manifest_id, "closed")
    assert closed["ship_on"] == date(2026, 3, 2).isoformat()
    assert file.read_bytes() == cabinet.kept[closed["document_key"]].content
    assert manifest_id in labels("manifests")[1]
    assert as_json(labels, "manifests", "--day", "2026-03-03") == {"manifests": []}
    assert "no such manifest" in labels("manifests", "--carrier", "jadlog")[1]
