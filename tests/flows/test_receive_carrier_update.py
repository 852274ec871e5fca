"""A carrier's update is kept as it came and announced, once."""

import json

import pytest

from emulators.bench.trips import counted
from shared.flows.receive_carrier_update import receive_carrier_update, receive_carrier_updates
from shared.kit.errors import DoneBefore
from shared.platform.db import Database
from tests.support import given


def receive(database: Database, vendor: str, body: bytes) -> None:
    database.run(lambda tx: receive_carrier_update(tx, vendor, "TRACK-1", body), given.cause())


def test_the_text_is_kept_to_the_last_character_and_announced_under_its_tracking_code(
    database: Database,
) -> None:
    body = ' {"b": 1.50, "a": "São Paulo", "b": 2}\n'.encode()

    receive(database, "shippo", body)

    assert given.rows(database, "SELECT vendor, body FROM carrier_updates") == [
        ("shippo", body.decode())
    ]
    ((key, text),) = given.rows(database, "SELECT ordering_key, body FROM outbox")
    ((update_id,),) = given.rows(database, "SELECT update_id FROM carrier_updates")
    assert key == "TRACK-1"
    assert json.loads(text) == {
        "update_id": update_id,
        "vendor": "shippo",
        "tracking_code": "TRACK-1",
    }


def test_the_same_text_again_changes_nothing_and_another_vendors_is_another_update(
    database: Database,
) -> None:
    receive(database, "shippo", b"{}")
    with pytest.raises(DoneBefore):
        receive(database, "shippo", b"{}")
    receive(database, "aftership", b"{}")
    with pytest.raises(DoneBefore):
        receive(database, "shippo", b"{}")

    assert given.rows(database, "SELECT vendor FROM carrier_updates ORDER BY 1") == [
        ("aftership",),
        ("shippo",),
    ]
    assert given.told(database) == ["carrier.update_received"] * 2


def test_of_several_at_once_those_are_kept_and_announced_that_are_new(database: Database) -> None:
    def receive_both(number: int) -> int:
        bodies = {"TRACK-1": b"{}", "TRACK-2": b'{"number": %d}' % number}
        return database.run(lambda tx: receive_carrier_updates(tx, "shippo", bodies), given.cause())

    assert [receive_both(number) for number in (1, 1, 2)] == [2, 0, 1]
    assert given.rows(
        database, "SELECT tracking_code, body FROM carrier_updates ORDER BY 1, 2"
    ) == [("TRACK-1", "{}"), ("TRACK-2", '{"number": 1}'), ("TRACK-2", '{"number": 2}')]
    assert given.told(database) == ["carrier.update_received"] * 3


def test_an_update_is_kept_and_announced_in_one_trip(database: Database) -> None:
    # Goal: the vendor waits for the answer.
    receive(database, "shippo", b"{}")  # prepared by now

    with counted() as trips:
        receive(database, "shippo", b"[]")

    assert len(trips) == 1
