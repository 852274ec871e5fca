"""Transfers at the console: asked for, sent, received and cancelled by people."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from shared.contracts.inbound import InboundAnnounced, InboundUnits
from shared.flows.expect_delivery import expect_delivery
from shared.people.permissions import Action
from shared.people.types import Role
from shared.platform.db import Database
from shared.platform.sql import text
from tests.console import stocked
from tests.console.browser import Browser, Machine
from tests.people import given as people
from tests.support import given
from tests.support.clock import TestClock

PATH = "/stock/transfers"
ONE = f"{PATH}/trf_1"
LEVELS = "SELECT warehouse, on_hand, held FROM stock_levels WHERE sku = 'MUG' ORDER BY 1"


@pytest.fixture
def machine(client: FlaskClient, placed: Database) -> Machine:
    stocked.transfer(placed, "trf_1", "LIS", "MUC", {"MUG": 3})
    return Machine(client, key=people.key(placed, Action.SEE_STOCK, Action.TRANSFER_STOCK))


def done(machine: Machine, path: str, **said: object) -> Any:
    answer = machine.post(path, {"reason": "because", **said})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


def mugs(units: int) -> list[dict[str, object]]:
    return [{"sku": "MUG", "quantity": units}]


def test_a_transfer_goes_its_way_and_what_is_missing_is_told(
    machine: Machine, placed: Database
) -> None:
    sent = done(machine, f"{ONE}/ship", lines=mugs(2))
    received = done(machine, f"{ONE}/receive", lines=mugs(1))

    assert sent["acts"] == ["receive"]
    assert (sent["inbound"]["state"], sent["inbound"]["coming"]) == ("shipped", 2)
    assert received["acts"] == []
    assert (received["inbound"]["state"], received["inbound"]["missing"]) == ("received", 1)
    assert received["items"] == [{"sku": "MUG", "quantity": 3, "shipped": 2, "received": 1}]
    assert given.rows(placed, LEVELS) == [("BER", 5, 0), ("LIS", 3, 0), ("MUC", 1, 0)]
    assert [row[1:3] for row in people.trail(placed)] == [
        ("ship_transfer", "trf_1"),
        ("receive_transfer", "trf_1"),
    ]
    assert received["by_hand"][0]["after"] == {
        "units of MUG": "3 asked for, 2 shipped, 1 received",
        "received": "2026-03-02 12:00",
        "state": "received",
    }
    ledger = machine.get("/stock/skus/MUG/movements?kind=transfer_out").get_json()
    assert [m["actor"] for m in ledger["movements"]] == ["scanner"]
    assert given.violations(placed) == []


def test_a_transfer_is_asked_for_and_cancelled(machine: Machine, placed: Database) -> None:
    wanted = {"origin": "BER", "warehouse": "LIS", "expected_on": "2026-03-02", "lines": mugs(3)}

    page = done(machine, f"{PATH}/request", **wanted)
    new = next(row for row in page["inbounds"] if row["origin"] == "BER")
    cancelled = done(machine, f"{PATH}/{new['inbound_id']}/cancel")

    assert new["expected_at"] == "2026-03-02T23:59:00Z"
    assert (cancelled["inbound"]["state"], cancelled["reason"]) == ("cancelled", "because")
    assert given.rows(placed, LEVELS)[0] == ("BER", 5, 0)
    assert [row[1] for row in people.trail(placed)] == ["request_transfer", "cancel_transfer"]


@pytest.mark.parametrize(
    ("said", "status", "field"),
    [
        ({"lines": mugs(4)}, 409, "lines.0.quantity"),
        ({"warehouse": "BER"}, 422, "warehouse"),
        ({"warehouse": "MARS"}, 422, "warehouse"),
        ({"expected_on": "2026-03-01"}, 400, "expected_on"),
        ({"lines": [{"sku": "CUP", "quantity": 1}]}, 422, "lines.0.sku"),
        ({"lines": []}, 400, "lines"),
    ],
)
def test_what_cannot_be_asked_for_names_its_field(
    machine: Machine, placed: Database, said: dict[str, object], status: int, field: str
) -> None:
    wanted = {"origin": "BER", "warehouse": "LIS", "expected_on": "2026-03-03", "lines": mugs(1)}

    answer = machine.post(f"{PATH}/request", {"reason": "because", **wanted, **said})

    assert (answer.status_code, answer.get_json()["field"]) == (status, field)
    assert people.trail(placed) == []


def test_a_suppliers_delivery_is_received_in_parts(machine: Machine, placed: Database) -> None:
    event = InboundAnnounced(
        inbound_id="asn_1",
        warehouse="LIS",
        announced_at=placed.now(),
        expected_at=placed.now(),
        lines=(InboundUnits(sku="MUG", quantity=3),),
    )
    placed.run(lambda tx: expect_delivery(tx, event), given.cause())
    path = f"{PATH}/asn_1"

    first = done(machine, f"{path}/receive", lines=mugs(2))
    nothing = machine.post(f"{path}/receive", {"reason": "because"})
    unknown = [{"sku": "CUP", "quantity": 1}]
    stranger = machine.post(f"{path}/receive", {"reason": "because", "lines": unknown})
    rest = done(machine, f"{path}/receive", lines=mugs(1))
    again = machine.post(f"{path}/receive", {"reason": "because", "lines": mugs(1)})

    assert (first["inbound"]["state"], first["inbound"]["coming"]) == ("requested", 1)
    assert first["acts"] == ["receive"]
    assert (nothing.status_code, nothing.get_json()["field"]) == (400, "lines")
    assert (stranger.status_code, stranger.get_json()["field"]) == (422, "lines.0.sku")
    assert (rest["inbound"]["state"], rest["acts"]) == ("received", [])
    assert (again.status_code, again.get_json()["code"]) == (409, "inbound_ended")
    assert machine.post(f"{path}/ship", {"reason": "x", "lines": mugs(1)}).status_code == 409
    assert ("LIS", 8, 3) in given.rows(placed, LEVELS)
    assert [row[1:3] for row in people.trail(placed)] == [("receive_transfer", "asn_1")] * 2
    assert given.violations(placed) == []


def test_the_origin_sends_and_the_destination_receives(
    client: FlaskClient, machine: Machine, placed: Database
) -> None:
    def acts_of(warehouse: str) -> Any:
        user = people.user(
            placed, f"{warehouse}@example.org".lower(), Role.OPERATOR, frozenset({warehouse})
        )
        return Machine(client, session=people.session(placed, user)).get(ONE)

    assert acts_of("LIS").get_json()["acts"] == ["ship", "cancel"]
    assert acts_of("MUC").get_json()["acts"] == ["receive"]
    assert acts_of("BER").status_code == 404


def test_who_looked_before_it_was_sent_does_not_send_it_again(
    machine: Machine, placed: Database
) -> None:
    seen = {"If-Match": machine.get(ONE).headers["ETag"]}
    done(machine, f"{ONE}/ship", lines=mugs(3))

    answer = machine.post(f"{ONE}/cancel", {"reason": "x"}, headers=seen)

    assert (answer.status_code, answer.get_json()["code"]) == (409, "stale")
    assert {"field": "state", "was": "requested", "now": "shipped"} in answer.get_json()["changed"]
    assert machine.post(f"{ONE}/cancel", {"reason": "x"}).get_json()["code"] == "inbound_ended"
    assert machine.post(f"{PATH}/none/cancel", {"reason": "x"}).status_code == 404


def test_lists_are_filtered(machine: Machine, placed: Database, clock: TestClock) -> None:
    def ids(asked: str) -> list[str]:
        page = machine.get(f"{PATH}?{asked}").get_json()
        return [row["inbound_id"] for row in page["inbounds"]]

    clock.advance(minutes=1)
    stocked.transfer(placed, "trf_2", "BER", "LIS", {"MUG": 1})
    done(machine, f"{ONE}/ship", lines=mugs(3))

    assert ids("") == ["trf_2", "trf_1"]
    assert ids("state=shipped") == ids("warehouse=MUC") == ids("q=trf_1") == ["trf_1"]
    assert ids("origin=BER") == ["trf_2"]
    assert ids("overdue=true") == []
    placed.statement(text("UPDATE inbounds SET expected_at = created_at WHERE origin = 'BER'"))
    clock.advance(minutes=1)
    assert ids("overdue=true") == ["trf_2"]


def test_a_form_offers_what_was_asked_for(operator: Browser, machine: Machine) -> None:
    operator.get(ONE)
    assert 'name="lines.0.quantity" aria-label="Units of line 1" value="3"' in operator.page
    lines = {"lines.0.sku": "MUG", "lines.0.quantity": "4"}

    refused = operator.post(f"{ONE}/ship", lines, reason="on the truck")
    assert refused.status_code == 422
    assert "lines.0.quantity: 4 of MUG were shipped, and 3 were asked for" in operator.page
    sent = operator.post(f"{ONE}/ship", {**lines, "lines.0.quantity": "3"}, reason="on the truck")
    assert sent.location == f"{ONE}?done=shipTransfer"
    operator.get(ONE)
    none = operator.post(
        f"{ONE}/receive", {"lines.0.sku": "MUG", "lines.0.quantity": "0"}, reason="lost"
    )
    assert none.status_code == 303
    operator.get(ONE)
    assert "3 units left and did not arrive" in operator.page


def test_a_warehouse_tells_its_days_and_what_is_on_its_way(
    machine: Machine, placed: Database
) -> None:
    page = machine.get("/stock/warehouses/MUC").get_json()
    ber = machine.get("/stock/warehouses/BER").get_json()
    rows = machine.get("/stock/warehouses").get_json()["warehouses"]

    assert [row["inbound_id"] for row in page["inbound"]] == ["trf_1"]
    assert page["outbound"] == ber["inbound"] == []
    assert (len(page["days"]), all(day["works"] for day in page["days"])) == (14, True)
    assert sum(day["parcels"] for day in ber["days"]) == 1
    assert [(row["warehouse"], row["on_hand"], row["coming"]) for row in rows] == [
        ("BER", 5, 0),
        ("LIS", 5, 0),
        ("MUC", 0, 3),
    ]
