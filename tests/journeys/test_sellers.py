"""Two vendors sell labels side by side: each parcel goes to the door by the one of its carrier."""

import json
import urllib.request
from collections.abc import Iterator, Mapping
from itertools import count

import pytest

from shared.carriers.types import CarrierAccount
from shared.contracts.base import Cause
from shared.flows.set_carrier_account import SetCarrierAccount, set_carrier_account
from shared.people.types import Person
from shared.platform.db import Transaction
from tests.journeys.stage import Stage, shop, staged, wait_until

_NUMBERS = count()
CAUSE = Cause("journey", "journey")


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """A stack of its own: who sells labels is changed here."""
    with staged() as made:
        made.line.load(shop({"SAO": {"MUG-RED": 1_000}}))
        yield made


def control(stage: Stage, vendor: str, verb: str, **said: object) -> None:
    request = urllib.request.Request(
        f"http://{stage.stack.addresses[vendor]}/control/{verb}",
        data=json.dumps(said).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30):
        pass


def stats(stage: Stage, vendor: str) -> Mapping[str, int]:
    address = f"http://{stage.stack.addresses[vendor]}/control/stats"
    with urllib.request.urlopen(address, timeout=30) as answer:
        found: dict[str, int] = json.load(answer)
        return found


def all_sold_by(stage: Stage, vendor: str) -> None:
    """From now on one vendor sells the labels of both carriers, whichever is the cheaper."""

    def change(tx: Transaction) -> None:
        for carrier in ("correios", "jadlog"):
            account = CarrierAccount(carrier, vendor)
            set_carrier_account(tx, SetCarrierAccount(account, Person("journey", "because")))

    stage.line.books.database.run(change, CAUSE)


def send(stage: Stage) -> str:
    order_id = f"sold-{next(_NUMBERS)}"
    stage.submit(order_id, {"MUG-RED": 1})
    return order_id


def labels(stage: Stage, order_id: str) -> list[tuple[str, str]]:
    return [
        (vendor, state)
        for vendor, state in stage.rows(
            "SELECT vendor, labels.state FROM labels JOIN parcels USING (parcel_id)"
            " WHERE order_id = :order_id",
            order_id=order_id,
        )
    ]


def test_a_parcel_sold_by_shippo_goes_from_order_to_door_through_shippos_webhook(
    stage: Stage,
) -> None:
    all_sold_by(stage, "shippo")
    before = stats(stage, "shippo")["labels_bought"]

    order_id = send(stage)
    stage.wait_for(order_id, "delivered")

    assert labels(stage, order_id) == [("shippo", "bought")]
    assert stats(stage, "shippo")["labels_bought"] == before + 1
    told_by = stage.rows(
        "SELECT DISTINCT vendor FROM carrier_updates, parcels"
        " WHERE order_id = :order_id AND body LIKE '%' || parcels.tracking_code || '%'",
        order_id=order_id,
    )
    assert told_by == [("shippo",)]
    statuses = stage.rows(
        "SELECT status FROM tracking_events JOIN parcels USING (parcel_id)"
        " WHERE order_id = :order_id ORDER BY tracking_events.occurred_at",
        order_id=order_id,
    )
    assert [status for (status,) in statuses] == [
        "pending",
        "in_transit",
        "out_for_delivery",
        "delivered",
    ]
    stage.wait_for_rest()
    documents = stage.rows(
        "SELECT document_key IS NOT NULL FROM labels JOIN parcels USING (parcel_id)"
        " WHERE order_id = :order_id",
        order_id=order_id,
    )
    assert documents == [(True,)]
    assert stage.line.books.violations() == ()


def test_a_label_whose_answer_was_lost_is_bought_once(stage: Stage) -> None:
    # Goal: Shippo has no key for a purchase; what was noted before it finds it again.
    all_sold_by(stage, "shippo")
    before = stats(stage, "shippo")
    control(stage, "shippo", "faults", kind="lose_answer", on="buy")
    control(stage, "shippo", "faults", kind="fail", on="find")

    order_id = send(stage)
    stage.wait_for(order_id, "delivered")

    after = stats(stage, "shippo")
    assert after["faults_waiting"] == 0
    assert after["labels_bought"] == before["labels_bought"] + 1
    assert labels(stage, order_id) == [("shippo", "bought")]
    assert stage.value("SELECT count(*) FROM dead_letters") == 0


def test_who_sells_is_changed_while_parcels_are_under_way(stage: Stage) -> None:
    all_sold_by(stage, "shippo")
    control(stage, "shippo", "hold", at="in_transit")
    first = send(stage)
    stage.wait_for(first, "shipped")
    all_sold_by(stage, "easypost")
    second = send(stage)
    stage.wait_for(second, "delivered")

    control(stage, "shippo", "release")
    stage.wait_for(first, "delivered")

    assert labels(stage, first) == [("shippo", "bought")]
    assert labels(stage, second) == [("easypost", "bought")]
    wait_until(lambda: stage.line.books.violations() == (), "the books are right")
