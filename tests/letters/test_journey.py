"""Bad input on a running stack: parked, read, tried, repaired and sent again, or discarded."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from emulators.line.script import FROM_THE_FUTURE, SUBMITTED
from emulators.line.shop import JsonObject
from tests.journeys.stage import Stage, order, shop, staged, wait_until
from tests.support.terminal import said

pytestmark = pytest.mark.slow

MISSING = "TELESCOPE"
TIMEOUT_S = 60


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """A running stack of its own: the catalogue is changed here."""
    with staged() as made:
        made.line.load(shop({"SAO": {"MUG-RED": 100}}))
        yield made


def letters(stage: Stage, *words: str) -> Any:
    """What `python3 -m emulators letters … --json` says."""
    return said(stage.stack.directory, "letters", *words)


def wrong(order_id: str, **changes: object) -> JsonObject:
    """An order whose only line is different."""
    made = order(order_id, {"MUG-RED": 1})
    return {**made, "lines": [{**made["lines"][0], **changes}]}


def add_to_catalogue(stage: Stage, sku: str) -> None:
    """A person repairs the cause: the SKU is known from now on, and some arrive."""
    usual = shop({"SAO": {sku: 5}})
    skus = [*usual.catalogue["skus"], {"sku": sku, "weight_g": 900}]
    stage.line.load(replace(usual, name="repaired", catalogue={**usual.catalogue, "skus": skus}))


def test_five_mistakes_are_parked_one_is_repaired_and_delivered_one_is_discarded(
    stage: Stage,
) -> None:
    stage.submit("letter-known", {"MUG-RED": 1})
    stage.wait_for("letter-known", "delivered")
    mistakes: dict[str, tuple[str, JsonObject | bytes]] = {
        "malformed": (SUBMITTED, b'{"order_id": "letter-1", "lines": ['),
        "unknown_sku": (SUBMITTED, wrong("letter-2", sku=MISSING)),
        "malformed quantity": (SUBMITTED, wrong("letter-3", quantity=-1)),
        "order_conflict": (SUBMITTED, wrong("letter-known", quantity=7)),
        "unsupported_version": (FROM_THE_FUTURE, order("letter-5", {"MUG-RED": 1})),
    }
    sent = {name: stage.publish("orders", kind, body) for name, (kind, body) in mistakes.items()}
    for name, event_id in sent.items():
        wait_until(partial(stage.letter, event_id), f"{name} is parked")

    listed = {one["message_id"]: one for one in letters(stage, "list")["letters"]}
    assert listed.keys() == set(sent.values())
    for name, event_id in sent.items():
        assert listed[event_id]["code"] == name.partition(" ")[0]
        assert (listed[event_id]["failure"], listed[event_id]["state"]) == ("rejected", "open")
    (about,) = letters(stage, "list", "--order", "letter-2")["letters"]
    letter_id = str(about["letter_id"])
    assert letters(stage, "dry-run", letter_id)["outcome"] == "rejected"

    add_to_catalogue(stage, MISSING)
    trial = letters(stage, "dry-run", letter_id)
    assert (trial["outcome"], trial["announces"]) == ("applied", ["dispatch.order.accepted.v1"])
    assert stage.state("letter-2") is None
    retried = letters(stage, "retry", "--code", "unknown_sku", "--reason", "the SKU is there now")
    assert [result["done"] for result in retried["results"]] == [True]
    stage.wait_for("letter-2", "delivered")

    letters(stage, "discard", str(listed[sent["malformed"]]["letter_id"]), "--reason", "a test")
    states = {
        one["message_id"]: one["state"]
        for one in letters(stage, "list", "--state", "any")["letters"]
    }
    assert states[sent["unknown_sku"]] == "retried"
    assert states[sent["malformed"]] == "discarded"
    assert sorted(states.values()) == ["discarded", "open", "open", "open", "retried"]
    assert stage.line.books.violations() == ()


def test_a_letter_that_is_sent_again_in_vain_is_open_again(stage: Stage) -> None:
    event_id = stage.publish("orders", SUBMITTED, wrong("letter-vain", sku="NOWHERE"))
    wait_until(partial(stage.letter, event_id), "it is parked")
    (parked,) = letters(stage, "list", "--order", "letter-vain")["letters"]

    letters(stage, "retry", str(parked["letter_id"]), "--reason", "try")

    def history() -> list[Any]:
        shown = letters(stage, "show", str(parked["letter_id"]))
        return shown["history"] if shown["state"] == "open" else []

    wait_until(history, "it came back")
    (past,) = history()
    assert (past["state"], past["why"], past["code"]) == ("retried", "try", "unknown_sku")
