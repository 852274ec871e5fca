"""The AsyncAPI document agrees with itself, with the functions and with the golden examples."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from emulators.laptop.manifest import PubsubTrigger, TasksTrigger, load_all
from emulators.laptop.stack import ROOT
from emulators.published import asyncapi

DOCUMENT = asyncapi.document(ROOT)
MANIFESTS = load_all(ROOT / "functions")
MESSAGES: dict[str, Any] = DOCUMENT["components"]["messages"]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for part in value.values():
            yield from references(part)
    if isinstance(value, list):
        for part in value:
            yield from references(part)


def found(reference: str) -> Any:
    part: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        part = part[step]
    return part


def test_every_reference_leads_somewhere() -> None:
    for reference in references(DOCUMENT):
        assert found(reference)


def test_every_contract_has_its_message_and_every_message_its_channel() -> None:
    carried = {name for channel in DOCUMENT["channels"].values() for name in channel["messages"]}
    golden = {path.stem for path in (ROOT / "shared/contracts/golden").glob("*.json")}

    assert carried == MESSAGES.keys() == golden


@pytest.mark.parametrize("name", MESSAGES)
def test_the_golden_example_fits_what_the_document_says(name: str) -> None:
    example = json.loads((ROOT / f"shared/contracts/golden/{name}.json").read_text())
    message = MESSAGES[name]
    payload = {**message["payload"], "components": DOCUMENT["components"]}

    jsonschema_rs.validator_for(payload, validate_formats=True).validate(example["data"])
    if "attributes" in example:
        jsonschema_rs.validator_for(message["headers"]).validate(example["attributes"])


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_function_sends_and_receives_where_its_manifest_says(name: str) -> None:
    manifest = MANIFESTS[name]
    trigger = manifest.trigger
    heard: set[str] = set()
    if isinstance(trigger, PubsubTrigger):
        heard = {subscription.topic for subscription in trigger.subscriptions} - {"dead-letters"}
    elif isinstance(trigger, TasksTrigger):
        heard = set(trigger.queues)
    # The relay sends for all the others, whose operations say what.
    told = set() if name == "outbox_relay" else {*manifest.publishes, *manifest.enqueues}

    operations = {
        tuple(key.split(".")[1:]) for key in DOCUMENT["operations"] if key.split(".")[0] == name
    }

    assert operations == {("receive", place) for place in heard} | {("send", p) for p in told}
