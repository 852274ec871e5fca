"""A carrier's update is kept as it came and announced, once."""

import json

from shared.flows.receive_carrier_update import receive_carrier_update
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
    for vendor in ("shippo", "shippo", "aftership", "shippo"):
        receive(database, vendor, b"{}")

    assert given.rows(database, "SELECT vendor FROM carrier_updates ORDER BY 1") == [
        ("aftership",),
        ("shippo",),
    ]
    assert given.told(database) == ["carrier.update_received"] * 2
