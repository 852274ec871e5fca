"""A machine's key opens what it is for, as long as it is good."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from shared.flows.manage_keys import KeyNameTaken, WantedKey, add_key, revoke_key
from shared.kit.errors import Malformed
from shared.people import api_keys, proofs
from shared.people.permissions import Action, Who
from shared.people.types import Person, UnknownKey
from shared.platform.db import Database, Transaction
from tests.people import given as people
from tests.support import given
from tests.support.clock import TestClock

ADA = Person("ada", "a scanner for Berlin")
WANTED = WantedKey("scanner", frozenset({Action.SEE_ORDERS}), frozenset({"BER"}), days=7)


@pytest.fixture(autouse=True)
def berlin(database: Database) -> None:
    given.catalogue(database, {"BER": {}})


def made(database: Database, wanted: WantedKey = WANTED) -> str:
    return database.run(lambda tx: add_key(tx, ADA, wanted), given.cause())


def opened(database: Database, text: str) -> Who | None:
    shown = proofs.read_key(text)
    assert shown is not None
    return database.run(lambda tx: api_keys.who(tx, *shown), given.cause())


def test_a_key_is_told_once_and_opens_what_it_is_for(database: Database) -> None:
    who = opened(database, made(database))

    assert who is not None
    assert (who.name, who.actions) == ("scanner", frozenset({Action.SEE_ORDERS}))
    assert who.warehouses == frozenset({"BER"})
    assert [entry[:2] for entry in people.trail(database)] == [("ada", "add_key")]


def test_another_secret_opens_nothing(database: Database) -> None:
    made(database)
    ((key_id,),) = given.rows(database, "SELECT key_id FROM api_keys")

    assert opened(database, proofs.key_text(key_id, "guessed")) is None
    assert opened(database, proofs.key_text("key_other", "guessed")) is None


def test_a_key_ends_by_time_and_by_hand(database: Database, clock: TestClock) -> None:
    first, second = made(database), made(database, replace(WANTED, name="gate"))
    key_id = second.split(".")[1]

    database.run(lambda tx: revoke_key(tx, ADA, key_id), given.cause())
    database.run(lambda tx: revoke_key(tx, ADA, key_id), given.cause())
    assert opened(database, second) is None
    clock.advance(days=7)
    assert opened(database, first) is None
    with pytest.raises(UnknownKey):
        database.run(lambda tx: revoke_key(tx, ADA, "key_none"), given.cause())


@pytest.mark.parametrize(
    "wanted",
    [
        WantedKey("", WANTED.actions, None, 7),
        WantedKey("scanner", frozenset(), None, 7),
        WantedKey("scanner", WANTED.actions, None, 0),
        WantedKey("scanner", WANTED.actions, None, 366),
        WantedKey("ada@example.org", WANTED.actions, None, 7),
        WantedKey("scanner", WANTED.actions, frozenset({"BER", "MARS"}), 7),
    ],
)
def test_a_key_has_a_name_of_its_own_a_purpose_a_place_and_an_end(
    database: Database, wanted: WantedKey
) -> None:
    with pytest.raises(Malformed):
        made(database, wanted)


def test_a_name_is_one_live_keys_and_free_again_when_it_ends(
    database: Database, clock: TestClock
) -> None:
    first = made(database)
    with pytest.raises(KeyNameTaken, match="good until 2026-03-09") as refused:
        made(database, replace(WANTED, name=" scanner "))
    assert refused.value.facts["field"] == "name"
    assert len(people.trail(database)) == 1

    database.run(lambda tx: revoke_key(tx, ADA, first.split(".")[1]), given.cause())
    made(database)
    clock.advance(days=WANTED.days)
    assert opened(database, made(database)) is not None
    live = "SELECT count(*) FROM api_keys WHERE revoked_at IS NULL"
    assert given.rows(database, live) == [(1,)]


def test_of_two_keys_that_are_made_at_once_under_one_name_one_is_refused(
    database: Database,
) -> None:
    start, met = Barrier(2), set[int]()

    def make(number: int) -> str:
        def step(tx: Transaction) -> str:
            taken = api_keys.live(tx, WANTED.name)
            if number not in met:  # a step that lost runs anew, and meets nobody
                met.add(number)
                start.wait()
                assert taken is None
            return add_key(tx, ADA, WANTED)

        try:
            return database.run(step, given.cause())
        except KeyNameTaken:
            return ""

    with ThreadPoolExecutor(max_workers=2) as pool:
        told = list(pool.map(make, (1, 2)))

    assert sorted(map(bool, told)) == [False, True]
    assert given.rows(database, "SELECT count(*) FROM api_keys") == [(1,)]


def test_the_trail_says_where_a_key_is_good(database: Database) -> None:
    made(database)

    ((after,),) = given.rows(database, "SELECT after FROM audit_log")

    assert after == {
        "name": "scanner",
        "actions": ["see_orders"],
        "warehouses": ["BER"],
        "days": 7,
    }


def test_two_keys_of_one_name_have_nothing_in_common(database: Database, clock: TestClock) -> None:
    first = opened(database, made(database))
    clock.advance(days=WANTED.days)
    second = opened(database, made(database))

    assert first is not None
    assert second is not None
    assert first.name == second.name
    assert first.caller != second.caller
