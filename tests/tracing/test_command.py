"""`python3 -m emulators trace`: the tables always tell, spans where somebody recorded them."""

from typing import Any

import pytest

from emulators.tracing import verb
from shared.platform import db
from shared.platform.config import Config
from shared.platform.db import Database
from tests.flows.doubles import RecordingCarrier, buy, parcels_of
from tests.support import given
from tests.support.clock import TestClock
from tests.support.commands import Command, as_json, command
from tests.tracing.test_story import span


@pytest.fixture
def trace(
    config: Config,
    database: Database,
    clock: TestClock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    connect = db.connect
    monkeypatch.setattr(db, "connect", lambda settings, _clock: connect(settings, clock))
    monkeypatch.setattr(verb, "_spans", lambda _order: [])
    return command("trace", config, monkeypatch, capsys)


@pytest.fixture
def parcel_id(database: Database, clock: TestClock) -> str:
    """That of ord_1, which was placed 5 s after it was accepted, and labelled 2 s later."""
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    clock.advance(seconds=5)
    given.place(database, "ord_1")
    clock.advance(seconds=2)
    (found,) = parcels_of(database, "ord_1")
    buy(database, found, RecordingCarrier())
    return found


def test_the_milestones_of_an_order_come_from_the_tables(trace: Command, parcel_id: str) -> None:
    found = as_json(trace, "ord_1")

    assert (found["order_id"], found["state"]) == ("ord_1", "placed")
    assert [(one["what"], one["detail"]) for one in found["milestones"]] == [
        ("accepted", "standard"),
        ("decided", "placed"),
        ("parcel planned", f"{parcel_id} from BER by correios"),
        ("label asked for", parcel_id),
        ("label bought", parcel_id),
    ]
    assert found["spans"] == []
    _, out, _ = trace("ord_1")
    assert "+5.00 s  decided" in out
    assert "+7.00 s  label bought" in out
    assert "No spans are kept of it" in out


def test_spans_are_drawn_with_what_waited_and_what_was_tried_again(
    trace: Command, parcel_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    del parcel_id
    trail = as_json(trace, "ord_1")["correlation_id"]
    told: dict[str, Any] = {"correlation_id": trail}
    step = span("intake", 10, 50, kind="consumer", age_s=0.01, attempt=1, outcome="done", **told)
    again = span(
        "placement", 3_500, 40, below=step, kind="consumer",
        age_s=3.4, attempt=2, outcome="not_yet", **told,
    )  # fmt: skip
    call = span("carrier buy", 3_510, 20, below=again, kind="client", carrier="post", **told)
    stranger = span("another's", 0, 9_000, kind="consumer", correlation_id="else")
    monkeypatch.setattr(verb, "_spans", lambda _order: [step, again, call, stranger])

    found = as_json(trace, "ord_1")
    _, out, _ = trace("ord_1")

    assert [one["name"] for one in found["spans"]] == ["intake", "placement", "carrier buy"]
    assert found["spans"][1]["waited_ms"] == 3_400.0
    assert found["summary"]["retries"] == 1
    lines = [line for line in out.splitlines() if "█" in line or "─" in line]
    assert len(lines) == 3
    assert "attempt 2, not yet" in lines[1]
    assert "·····" in lines[1]
    assert "post" in lines[2]
    assert "2 steps, 1 of them further attempts" in out


def test_an_order_that_is_not_there_is_said_plainly(trace: Command) -> None:
    code, _, said = trace("nobody")

    assert (code, said) == (1, "There is no order nobody.\n")
