"""What is announced to nobody is heard by those who look on all the same."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from shared.carriers.types import CarrierAccount, RefusedByCarrier
from shared.contracts.orders import OrderCancelled
from shared.contracts.work import CloseManifest
from shared.flows.cancel_order import cancel_order
from shared.flows.close_manifest import close_manifest
from shared.flows.discard_letter import discard_letter
from shared.flows.retry_letter import retry_letter
from shared.flows.set_carrier_account import SetCarrierAccount, set_carrier_account
from shared.ops import live_rooms
from shared.people.types import Person
from shared.platform.db import Database
from tests.flows import doubles, papers
from tests.letters.letters import dead, park
from tests.platform.doubles import RecordingQueues, RecordingTopics, relay
from tests.support import given

ADA = Person("ada", "because")


def heard_of(database: Database, change: Callable[[], object]) -> frozenset[str]:
    """The rooms in which only the change itself is heard: nothing of it is sent yet."""
    relay(database, RecordingTopics(), RecordingQueues()).sweep()
    seen = database.run(live_rooms.position, given.cause())
    change()
    return database.run(lambda tx: live_rooms.since(tx, seen), given.cause()).rooms


def cancelled(database: Database) -> None:
    """The order is cancelled, and what that announces is sent."""
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))
    relay(database, RecordingTopics(), RecordingQueues()).sweep()


def test_a_letter_is_heard_where_it_lies_and_under_its_order(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 1}})
    given.order(database, "ord_1", {"MUG": 1})
    under = {"letters", "order:ord_1", "orders", "overview"}

    assert under <= heard_of(
        database, lambda: given.apply(database, park, dead("evt_1", order_id="ord_1"))
    )
    assert under <= heard_of(
        database, lambda: given.apply(database, park, dead("evt_2", facts={"order_id": "ord_1"}))
    )
    of_nobody = heard_of(
        database, lambda: given.apply(database, park, dead("evt_3", payload=b"{}"))
    )
    assert {"letters", "overview"} <= of_nobody
    assert "orders" not in of_nobody
    for letter_id, settle in ((1, discard_letter), (2, retry_letter)):
        settled = heard_of(
            database,
            lambda settle=settle, letter_id=letter_id: database.run(  # type: ignore[misc]
                lambda tx: settle(tx, letter_id, ADA), given.cause()
            ),
        )
        assert under <= settled


def test_a_label_that_is_given_back_is_heard_at_its_parcel_and_its_order(
    database: Database,
) -> None:
    carrier = doubles.RecordingCarrier()
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    (parcel_id,) = doubles.parcels_of(database, "ord_1")
    doubles.buy(database, parcel_id, carrier)
    given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))

    heard = heard_of(database, lambda: doubles.void(database, parcel_id, carrier))

    assert {"order:ord_1", f"parcel:{parcel_id}", "warehouse:BER"} <= heard


def refuse(_request: object) -> None:
    raise RefusedByCarrier("no such account", vendor_code="SCAN_FORM")


@pytest.mark.parametrize("ends", ["refused", "dropped"])
def test_a_manifest_that_ends_without_being_closed_is_heard_in_the_list_of_them(
    database: Database, ends: str
) -> None:
    carrier = doubles.RecordingCarrier(before_paper=refuse)
    papers.bought(database, carrier, "ord_1")
    manifest_id = papers.ask_by_hand(database)
    if ends == "dropped":
        given.apply(database, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))
    work = CloseManifest(manifest_id=manifest_id, carrier="correios")

    def close() -> None:
        with suppress(RefusedByCarrier):
            close_manifest(
                papers.runner(database), work, doubles.everywhere(carrier), papers.Cabinet()
            )

    heard = heard_of(database, close)

    assert given.rows(database, "SELECT state FROM manifests") == [(ends,)]
    assert {"manifests", f"manifest:{manifest_id}"} <= heard


def test_a_label_that_is_taken_off_a_manifest_is_heard_in_the_list_of_them(
    database: Database,
) -> None:
    # Goal: how many labels are on it is what the driver is handed.
    papers.bought(database, doubles.RecordingCarrier(), "ord_1", "ord_2")
    papers.ask_by_hand(database)
    on_it = "SELECT count(*) FROM labels WHERE manifest_id IS NOT NULL"

    heard = heard_of(database, lambda: cancelled(database))

    assert given.rows(database, on_it) == [(1,)]
    assert "manifests" in heard


def test_a_cancelled_parcel_without_a_label_says_nothing_of_manifests(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")

    heard = heard_of(database, lambda: cancelled(database))

    assert "parcels" in heard
    assert "manifests" not in heard


def test_who_sells_a_carriers_labels_is_heard_in_the_list_of_carriers(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    wish = SetCarrierAccount(CarrierAccount("correios", is_enabled=False), ADA)

    heard = heard_of(
        database, lambda: database.run(lambda tx: set_carrier_account(tx, wish), given.cause())
    )

    assert {"carrier:correios", "carriers"} <= heard
    assert "manifests" not in heard


def test_that_a_carrier_has_no_manifests_is_heard_in_the_list_of_them(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    wish = SetCarrierAccount(CarrierAccount("correios"), ADA, has_manifests=False)

    heard = heard_of(
        database, lambda: database.run(lambda tx: set_carrier_account(tx, wish), given.cause())
    )

    assert {"carrier:correios", "manifests"} <= heard
