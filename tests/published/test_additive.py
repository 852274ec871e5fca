"""Contracts are additive only, and whatever takes something back is found and said."""

import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emulators.laptop.stack import ROOT
from emulators.published import files
from emulators.published.additive import breaks
from shared.contracts.orders import OrderSubmitted
from shared.contracts.stock_facts import StockIncreased

SCHEMA = OrderSubmitted.model_json_schema()
Change = Callable[[dict[str, Any]], object]


def changed(change: Change, schema: dict[str, Any] = SCHEMA) -> dict[str, Any]:
    new = copy.deepcopy(schema)
    change(new)
    return new


def line(schema: dict[str, Any]) -> dict[str, Any]:
    part: dict[str, Any] = schema["$defs"]["OrderedLine"]
    return part


def field(schema: dict[str, Any], name: str) -> dict[str, Any]:
    part: dict[str, Any] = schema["properties"][name]
    return part


def test_no_contract_takes_back_what_its_stored_schema_promises() -> None:
    assert files.broken(ROOT) == []


@pytest.mark.parametrize(
    ("path", "text"), files.fresh(ROOT).items(), ids=lambda value: str(value)[-50:]
)
def test_every_published_document_is_in_step(path: Path, text: str) -> None:
    assert (ROOT / path).read_text() == text, "`python3 -m emulators docs` writes it anew"


def test_every_stored_schema_has_its_contract() -> None:
    stored = {path.relative_to(ROOT) for path in (ROOT / files.SCHEMAS).glob("*")}

    assert stored == {path for path in files.fresh(ROOT) if path.parent == files.SCHEMAS}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda s: s["properties"].pop("channel"), "channel: was removed or renamed."),
        (lambda s: line(s)["properties"].pop("sku"), "lines[].sku: was removed or renamed."),
        (
            lambda s: (
                s["properties"].update(gift={"type": "boolean"}),
                s["required"].append("gift"),
            ),
            "gift: is new and required.",
        ),
        (lambda s: s["required"].append("service_level"), "service_level: has become required."),
        (lambda s: field(s, "channel").update(type="integer"), "channel: no longer takes string."),
        (
            lambda s: field(s, "channel").update(maxLength=10),
            "channel: maxLength is 10 now and was 64.",
        ),
        (
            lambda s: line(s)["properties"]["quantity"].update(minimum=2),
            "lines[].quantity: minimum is 2 now and was 1.",
        ),
        (
            lambda s: line(s)["properties"]["sku"].update(pattern="^[A-Z]+$"),
            "lines[].sku: pattern is another than before.",
        ),
        (
            lambda s: s["$defs"]["ServiceLevel"]["enum"].remove("economy"),
            "service_level: no longer takes economy.",
        ),
        (
            lambda s: field(s, "ordered_at").update(format="date"),
            "ordered_at: format is another than before.",
        ),
        (lambda s: field(s, "lines").update(maxItems=3), "lines: maxItems is 3 now and was 200."),
        (
            lambda s: field(s, "channel").update(enum=["web"]),
            "channel: no longer takes other values.",
        ),
        (
            lambda s: s.update(additionalProperties=False),
            "the whole: no longer takes other fields.",
        ),
        (
            lambda s: s["$defs"]["Destination"]["properties"]["lat"].update(type="integer"),
            "destination.lat: no longer takes number.",
        ),
    ],
)
def test_what_takes_something_back_is_found(change: Change, sentence: str) -> None:
    assert breaks(SCHEMA, changed(change), told=False) == [sentence]


@pytest.mark.parametrize(
    "change",
    [
        lambda _: None,
        lambda s: s["properties"].update(gift={"type": "boolean"}),
        lambda s: s["required"].remove("channel"),
        lambda s: field(s, "channel").update(maxLength=65, minLength=0),
        lambda s: field(s, "channel").pop("pattern"),
        lambda s: s["$defs"]["ServiceLevel"]["enum"].append("drone"),
        lambda s: line(s)["properties"]["quantity"].update(type="number"),
        lambda s: s["properties"].update(
            channel={"anyOf": [field(s, "channel"), {"type": "null"}]}
        ),
        lambda s: s.update(title="Another", description="of both"),
    ],
)
def test_what_only_adds_is_none(change: Change) -> None:
    assert breaks(SCHEMA, changed(change), told=False) == []


def test_a_choice_that_was_there_stays() -> None:
    both = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]}

    assert breaks(both, {"type": "integer", "minimum": 0}, told=False) == [
        "the whole: no longer takes every null that it took."
    ]
    assert breaks(both, {"anyOf": [{"type": "null"}, {"type": "integer"}]}, told=False) == []


def test_the_values_of_a_map_are_looked_at_too() -> None:
    schema = StockIncreased.model_json_schema()

    def fewer(new: dict[str, Any]) -> None:
        available = new["properties"]["available"]
        values = available.get("additionalProperties") or available["patternProperties"]
        values.clear()
        values.update({"type": "string"})

    assert breaks(schema, changed(fewer, schema), told=False) != []


def test_what_we_tell_keeps_what_readers_rely_on() -> None:
    # Goal: a field that was always there must stay so, for those who read what we send.
    without = changed(lambda s: s["required"].remove("channel"))

    assert breaks(SCHEMA, without, told=True) == ["channel: is no longer always there."]


def test_a_contract_that_is_gone_is_found(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "shared/contracts", tmp_path / "shared/contracts")
    kept = tmp_path / files.SCHEMAS / "channel.order.cancelled.v1.json"
    kept.rename(kept.with_stem("channel.order.forgotten.v1"))

    assert files.broken(tmp_path) == [
        "channel.order.forgotten.v1: was removed; a contract stays for ever."
    ]
