"""What a person does leaves who, why, before and after, in the transaction that does it."""

import pytest

from shared.flows.cancel_by_hand import cancel_by_hand
from shared.flows.discard_letter import discard_letter
from shared.flows.override_placement import (
    CannotBePlaced,
    Override,
    hold_order,
    override_placement,
    release_order,
)
from shared.flows.rules import Rules
from shared.orders.types import UnknownOrder
from shared.people import audit_log
from shared.people.audit_log import Entry, Subject
from shared.people.types import ActorKind, Person
from shared.platform.db import BrokenStatement, Database
from shared.platform.sql import text
from tests.letters.letters import dead, park
from tests.support import given

ADA = Person("ada@example.org", "the customer has called", ActorKind.USER)

ORDER = Subject("order", "ord_1")


@pytest.fixture
def placed(database: Database) -> Database:
    given.catalogue(database, {"BER": {"MUG": 5}, "LIS": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    return database


def entries(database: Database, subject: Subject = ORDER) -> list[Entry]:
    return list(database.run(lambda tx: audit_log.of_subject(tx, subject), given.cause()))


def test_an_override_keeps_what_the_order_was_and_is(placed: Database) -> None:
    wanted = Override("ord_1", ADA, frozenset({"LIS"}))
    placed.run(lambda tx: override_placement(tx, wanted, Rules()), given.cause())

    (entry,) = entries(placed)
    assert (entry.actor_kind, entry.actor, entry.reason) == ("user", ADA.by, ADA.reason)
    assert (entry.action, entry.at) == ("override_placement", placed.now())
    was = {row["state"] for name, row in entry.before.items() if name.startswith("parcels")}
    now = {
        (row["state"], row.get("warehouse"))
        for name, row in entry.after.items()
        if name.startswith("parcels")
    }
    assert was == {"planned"}
    assert now == {("cancelled", None), ("planned", "LIS")}
    order = given.rows(placed, "SELECT correlation_id FROM orders")
    assert [(entry.correlation_id,)] == order


def test_what_is_refused_leaves_no_entry(placed: Database) -> None:
    wanted = Override("ord_1", ADA, frozenset({"MARS"}))

    with pytest.raises(CannotBePlaced):
        placed.run(lambda tx: override_placement(tx, wanted, Rules()), given.cause())

    assert entries(placed) == []


def test_holding_and_releasing_are_two_entries_and_holding_again_is_none(placed: Database) -> None:
    for act in (hold_order, hold_order, release_order):
        placed.run(lambda tx, act=act: act(tx, "ord_1", ADA), given.cause())  # type: ignore[misc]

    assert [entry.action for entry in entries(placed)] == ["hold_order", "release_order"]


def test_a_person_cancels_as_a_channel_does_and_says_why(placed: Database) -> None:
    placed.run(lambda tx: cancel_by_hand(tx, "ord_1", ADA), given.cause())

    (entry,) = entries(placed)
    assert entry.before["orders ord_1"]["state"] == "placed"
    assert entry.after["orders ord_1"]["state"] == "cancelled"
    assert given.rows(placed, "SELECT state_reason FROM orders") == [
        ("cancelled by ada@example.org: the customer has called",)
    ]
    assert given.violations(placed) == []
    with pytest.raises(UnknownOrder):
        placed.run(lambda tx: cancel_by_hand(tx, "ord_9", ADA), given.cause())


def test_a_letter_that_is_discarded_is_in_the_trail(database: Database) -> None:
    given.apply(database, park, dead())

    database.run(lambda tx: discard_letter(tx, 1, ADA), given.cause())

    (entry,) = entries(database, Subject("dead_letter", "1"))
    assert (entry.before, entry.after) == ({"state": "open"}, {"state": "discarded"})


@pytest.mark.parametrize("statement", ["DELETE FROM audit_log", "UPDATE audit_log SET actor = ''"])
def test_nobody_rewrites_the_trail(placed: Database, statement: str) -> None:
    placed.run(lambda tx: hold_order(tx, "ord_1", ADA), given.cause())

    with pytest.raises(BrokenStatement):
        placed.statement(text(statement))

    assert len(entries(placed)) == 1
