"""Stock at the console: what is shown of it, and what people do about it."""

import csv
import io
from collections.abc import Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient

from shared.contracts.inbound import InboundAnnounced, InboundUnits
from shared.contracts.orders import OrderCancelled
from shared.flows.cancel_order import cancel_order
from shared.flows.expect_delivery import expect_delivery
from shared.people.permissions import Action
from shared.people.types import Role
from shared.platform.db import Database
from tests.console import stocked
from tests.console.browser import Browser, Machine
from tests.flows.drifting import corrupt
from tests.people import given as people
from tests.support import given
from tests.support.clock import TestClock

MUG = "/stock/skus/MUG"
LEVELS = (
    "SELECT warehouse, on_hand, safety FROM stock_levels WHERE sku = 'MUG' ORDER BY 1, partition"
)


@pytest.fixture
def machine(client: FlaskClient, placed: Database) -> Machine:
    """May do everything about stock."""
    actions = [action for action in Action if action.endswith("_stock")]
    return Machine(client, key=people.key(placed, *actions))


def of(machine: Machine, path: str) -> Any:
    answer = machine.get(path)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


def done(machine: Machine, word: str, **said: object) -> Any:
    answer = machine.post(f"{MUG}/{word}", {"reason": "because", **said})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


def refused(machine: Machine, word: str, **said: object) -> tuple[int, str, str]:
    """Status, code and field of the problem."""
    answer = machine.post(f"{MUG}/{word}", {"reason": "because", **said})
    problem = answer.get_json()
    return answer.status_code, problem["code"], problem.get("field", "")


def figures(row: Mapping[str, Any]) -> tuple[int, int, int, int]:
    return row["on_hand"], row["reserved"], row["held"], row["available"]


# The list.


def test_the_list_adds_up_what_lies_in_warehouses_and_what_is_wanted(
    machine: Machine, placed: Database
) -> None:
    stocked.transfer(placed, "trf_1", "LIS", "BER", {"MUG": 1})
    given.order(placed, "ord_2", {"MUG": 50})
    given.place(placed, "ord_2")

    (row,) = of(machine, "/stock")["skus"]

    assert (row["sku"], row["warehouses"]) == ("MUG", 2)
    assert figures(row) == (10, 9, 1, 0)
    assert (row["waiting"], row["coming"]) == (43, 1)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("", ["CUP", "LID", "MUG"]),
        ("q=U", ["CUP", "MUG"]),
        ("q=%25", []),
        ("at_most=3", ["CUP", "LID"]),
        ("at_most=0", ["LID"]),
        ("warehouse=LIS", ["CUP"]),
        ("warehouse=LIS&at_most=2", []),
        ("backordered=true", ["LID"]),
        ("fenced=true", ["LID"]),
        ("cursor=CUP", ["LID", "MUG"]),
    ],
)
def test_the_list_is_searched_and_filtered(
    client: FlaskClient, database: Database, asked: str, found: list[str]
) -> None:
    given.catalogue(database, {"BER": {"MUG": 9, "LID": 4}, "LIS": {"CUP": 3}})
    given.kit(database, "SET-U", {"MUG": 1, "LID": 1})
    given.order(database, "ord_1", {"SET-U": 99})
    given.place(database, "ord_1")
    given.order(database, "ord_2", {"LID": 99})
    given.place(database, "ord_2")
    corrupt(database, "UPDATE stock_levels SET fenced_for = 'odd' WHERE sku = 'LID'")
    machine = Machine(client, key=people.key(database, Action.SEE_STOCK))

    skus = [row["sku"] for row in of(machine, f"/stock?{asked}")["skus"]]

    assert skus == ([*found, "MUG"] if asked == "backordered=true" else found)


def test_a_list_goes_on_behind_its_cursor(client: FlaskClient, database: Database) -> None:
    given.catalogue(database, {"BER": {f"S{n:03}": 1 for n in range(60)}})
    machine = Machine(client, key=people.key(database, Action.SEE_STOCK))

    first = of(machine, "/stock")
    second = of(machine, f"/stock?cursor={first['next']}")

    assert len(first["skus"]) == 50
    assert [row["sku"] for row in second["skus"]] == [f"S{n:03}" for n in range(50, 60)]
    assert second["next"] is None


def test_lists_are_taken_away_whole_as_tables(operator: Browser, database: Database) -> None:
    given.catalogue(database, {"BER": {f"S{n:03}": n for n in range(1, 61)}})

    answer = operator.get("/stock?as=csv&q=S0")

    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="stock.csv"'
    rows = list(csv.DictReader(io.StringIO(operator.page)))
    assert [(row["sku"], int(row["on_hand"])) for row in rows] == [
        (f"S{n:03}", n) for n in range(1, 61)
    ]
    operator.get("/stock/skus/S007/movements?as=csv&kind=receipt")
    (row,) = csv.DictReader(io.StringIO(operator.page))
    assert (row["kind"], row["quantity"], row["actor"]) == ("receipt", "7", "BER")


# A page of a SKU.


def test_a_page_tells_all_that_is_known(machine: Machine, placed: Database) -> None:
    stocked.hold(placed, "cart_1", "LIS", {"MUG": 1})
    stocked.transfer(placed, "trf_1", "BER", "LIS", {"MUG": 2})
    given.order(placed, "ord_2", {"MUG": 50})
    given.place(placed, "ord_2")

    page = of(machine, MUG)

    assert [(p["warehouse"], *figures(p)) for p in page["places"]] == [
        ("BER", 5, 3, 2, 0),
        ("LIS", 5, 4, 1, 0),
    ]
    assert sorted((h["purpose"], h["warehouse"], h["units"]) for h in page["holds"]) == [
        ("cart", "LIS", 1),
        ("transfer", "BER", 2),
    ]
    assert sorted((p["order_id"], p["warehouse"], p["units"]) for p in page["parcels"]) == [
        ("ord_1", "BER", 2),
        ("ord_2", "BER", 1),
        ("ord_2", "LIS", 4),
    ]
    assert [(b["order_id"], b["units"]) for b in page["backorders"]] == [("ord_2", 45)]
    assert [(c["inbound_id"], c["origin"], c["units"]) for c in page["coming"]] == [
        ("trf_1", "BER", 2)
    ]
    assert [(d["on_hand"], d["came"], d["left"]) for d in page["days"][-2:]] == [
        (0, 0, 0),
        (10, 10, 0),
    ]
    assert {m["kind"] for m in page["movements"]} == {"receipt"}
    assert "end-allotment" not in page["acts"]


def test_a_kit_has_no_page_and_names_what_it_is_made_of(machine: Machine, placed: Database) -> None:
    given.kit(placed, "SET", {"MUG": 2})

    answer = machine.get("/stock/skus/SET")

    assert answer.status_code == 422
    assert "name MUG instead" in answer.get_json()["detail"]
    assert machine.get("/stock/skus/NONE").status_code == 404


def test_who_is_there_for_one_warehouse_sees_and_touches_only_what_is_theirs(
    client: FlaskClient, placed: Database
) -> None:
    stocked.hold(placed, "cart_1", "BER", {"MUG": 1})
    liz = people.user(placed, "liz@example.org", Role.ADMIN, frozenset({"LIS"}))
    machine = Machine(client, session=people.session(placed, liz))
    ada = Machine(client, key=people.key(placed, Action.SEE_STOCK, Action.CORRECT_STOCK))
    done(ada, "adjust", warehouse="BER", kind="up", quantity=1, code="found")

    for path in (MUG, f"{MUG}/movements", "/stock", "/stock/drifts", "/stock/warehouses"):
        shown = machine.get(path)
        assert shown.status_code == 200
        assert "BER" not in shown.get_data(as_text=True)
    assert figures(of(machine, MUG)["sums"]) == (5, 0, 0, 5)
    assert machine.get("/stock/warehouses/BER").status_code == 404
    assert refused(machine, "count", warehouse="BER", on_hand=1)[:2] == (403, "not_allowed")
    assert refused(machine, "release-hold", hold_id="cart_1")[:2] == (403, "not_allowed")
    assert of(machine, "/stock?warehouse=BER")["skus"] == []


# What is done by hand.


def test_an_adjustment_is_booked_with_who_and_why(machine: Machine, placed: Database) -> None:
    page = done(machine, "adjust", warehouse="LIS", kind="write_off", quantity=2, code="damaged")

    assert figures(page["places"][1]) == (3, 0, 0, 3)
    newest = page["movements"][0]
    assert (newest["kind"], newest["quantity"], newest["reason"], newest["actor"]) == (
        "write_off",
        -2,
        "damaged",
        "scanner",
    )
    assert people.trail(placed) == [("scanner", "adjust_stock", "MUG", "because")]
    assert page["by_hand"][0]["before"] == {"MUG in LIS": {"on_hand": 5}}
    assert page["by_hand"][0]["after"] == {"MUG in LIS": {"on_hand": 3}}
    assert given.violations(placed) == []


def test_what_is_promised_cannot_be_adjusted_away(machine: Machine, placed: Database) -> None:
    wanted = {"warehouse": "BER", "kind": "down", "quantity": 4, "code": "lost"}

    assert refused(machine, "adjust", **wanted) == (409, "adjustment_below_promised", "quantity")
    assert people.trail(placed) == []
    assert [row[1] for row in given.rows(placed, LEVELS)] == [5, 5]


def test_a_count_below_what_is_promised_fences_the_balance_off_until_it_is_settled(
    machine: Machine, placed: Database, clock: TestClock
) -> None:
    page = done(machine, "count", warehouse="BER", on_hand=1)

    assert page["places"][0]["is_fenced"]
    (finding,) = page["drifts"]
    assert "order ord_1 (2)" in finding["explained_by"]
    assert [row[1] for row in people.trail(placed)] == ["count_stock"]
    assert [row[1] for row in given.rows(placed, LEVELS)] == [5, 5]
    assert refused(machine, "count", warehouse="BER", on_hand=4, minutes_ago=5) == (
        409,
        "counted_since",
        "minutes_ago",
    )
    given.apply(placed, cancel_order, OrderCancelled(order_id="ord_1", reason="no"))
    page = done(machine, "reconcile", warehouse="BER")
    assert figures(page["places"][0]) == (1, 0, 0, 1)
    assert not page["places"][0]["is_fenced"]
    assert given.violations(placed) == []


def test_a_count_is_of_when_it_was_counted(
    machine: Machine, placed: Database, clock: TestClock
) -> None:
    clock.advance(minutes=30)
    given.receive(placed, "LIS", {"MUG": 10})

    page = done(machine, "count", warehouse="LIS", on_hand=4, minutes_ago=20)
    again = refused(machine, "count", warehouse="LIS", on_hand=4, minutes_ago=25)

    assert page["places"][1]["on_hand"] == 14
    assert again == (409, "counted_since", "minutes_ago")


def test_safety_that_is_lowered_goes_to_who_waits(machine: Machine, placed: Database) -> None:
    done(machine, "safety", warehouse="LIS", units=5)
    given.order(placed, "ord_2", {"MUG": 6})
    given.place(placed, "ord_2")
    given.silence(placed)

    page = done(machine, "safety", warehouse="LIS", units=0)

    assert given.rows(placed, LEVELS) == [("BER", 5, 0), ("LIS", 5, 0)]
    assert {hold["purpose"] for hold in page["holds"]} == {"waitlist"}
    assert [row[1] for row in people.trail(placed)] == ["set_safety", "set_safety"]
    assert given.violations(placed) == []


def test_a_balance_is_spread_allotted_and_laid_together_again(
    machine: Machine, placed: Database
) -> None:
    spread = done(machine, "spread", warehouse="LIS", into=3)
    allotted = done(machine, "allot", warehouse="LIS", sale="black", units=2)
    assert "end-allotment" in allotted["acts"]
    assert allotted["allotments"] == [
        {"sale": "black", "warehouse": "LIS", "on_hand": 2, "free": 2}
    ]
    ended = done(machine, "end-allotment", warehouse="LIS", sale="black")
    merged = done(machine, "spread", warehouse="LIS", into=1)

    assert spread["places"][1]["spread"] == 3
    assert figures(allotted["places"][1]) == (5, 0, 0, 3)
    assert (ended["allotments"], merged["places"][1]["spread"]) == ([], 1)
    assert figures(merged["places"][1]) == (5, 0, 0, 5)
    assert refused(machine, "end-allotment", warehouse="LIS", sale="black") == (
        422,
        "nothing_allotted",
        "sale",
    )
    assert refused(machine, "allot", warehouse="LIS", sale="black", units=6)[1:] == (
        "not_enough_to_allot",
        "units",
    )
    assert given.violations(placed) == []


def test_a_hold_is_released(machine: Machine, placed: Database) -> None:
    stocked.hold(placed, "cart_1", "LIS", {"MUG": 3})
    stocked.transfer(placed, "trf_1", "BER", "LIS", {"MUG": 1})
    (of_transfer,) = [
        hold["hold_id"] for hold in of(machine, MUG)["holds"] if not hold["is_customers"]
    ]

    page = done(machine, "release-hold", hold_id="cart_1")

    assert [hold["hold_id"] for hold in page["holds"]] == [of_transfer]
    assert refused(machine, "release-hold", hold_id="cart_1")[:2] == (409, "hold_ended")
    assert refused(machine, "release-hold", hold_id=of_transfer)[:2] == (422, "unknown_hold")
    assert people.trail(placed) == [("scanner", "release_hold", "cart_1", "because")]


def test_drifts_are_found_now_and_told_with_what_was_done(
    machine: Machine, placed: Database
) -> None:
    corrupt(placed, "UPDATE stock_levels SET reserved = 4 WHERE sku = 'MUG' AND warehouse = 'LIS'")

    page = done(machine, "reconcile", warehouse="LIS")

    (drift,) = page["drifts"]
    assert (drift["figure"], drift["found"], drift["explained"]) == ("reserved", 4, 0)
    assert (drift["outcome"], drift["actor"]) == ("repaired", "scanner")
    assert of(machine, "/stock/drifts?q=MUG&outcome=repaired")["drifts"] == [drift]
    assert of(machine, "/stock/drifts?warehouse=BER")["drifts"] == []
    assert machine.get("/stock/drifts?cursor=x").status_code == 400
    assert people.trail(placed) == [("scanner", "reconcile_stock", "MUG", "because")]
    assert given.violations(placed) == []


def test_what_is_fenced_off_is_shown_until_it_is_counted(
    machine: Machine, placed: Database, clock: TestClock
) -> None:
    corrupt(placed, "UPDATE stock_levels SET on_hand = 1, reserved = 1 WHERE warehouse = 'BER'")
    fenced = done(machine, "reconcile", warehouse="BER")
    assert fenced["places"][0]["is_fenced"]
    assert [row["sku"] for row in of(machine, "/stock/drifts")["fenced"]] == ["MUG"]
    assert of(machine, "/stock/warehouses/BER")["row"]["fenced"] == 1
    clock.advance(minutes=1)

    right = done(machine, "count", warehouse="BER", on_hand=6)

    assert figures(right["places"][0]) == (6, 2, 0, 4)
    assert of(machine, "/stock/drifts")["fenced"] == []


def test_two_who_correct_the_same_stock_do_not_do_it_twice(
    machine: Machine, placed: Database
) -> None:
    seen = {"If-Match": machine.get(MUG).headers["ETag"]}
    gone = {"reason": "x", "kind": "down", "quantity": 1, "code": "lost"}
    done(machine, "adjust", warehouse="LIS", kind="down", quantity=1, code="lost")

    second = machine.post(f"{MUG}/adjust", {**gone, "warehouse": "LIS"}, headers=seen)
    elsewhere = machine.post(f"{MUG}/adjust", {**gone, "warehouse": "BER"}, headers=seen)

    assert (second.status_code, second.get_json()["code"]) == (409, "stale")
    assert [one["field"] for one in second.get_json()["changed"]] == ["LIS: last corrected"]
    assert elsewhere.status_code == 200
    assert [row[1] for row in given.rows(placed, LEVELS)] == [4, 4]


def test_a_form_is_told_beside_its_field_what_is_wrong(operator: Browser, placed: Database) -> None:
    operator.get(MUG)

    answer = operator.post(
        f"{MUG}/adjust", reason="oops", warehouse="BER", kind="down", quantity="9", code="lost"
    )

    assert answer.status_code == 409
    assert 'value="9"' in operator.page
    assert "quantity: 9 of MUG are gone, but only 3 are free" in operator.page
    assert 'aria-describedby="adjust-quantity-hint" aria-invalid="true"' in operator.page
    done = operator.post(
        f"{MUG}/adjust", reason="found", warehouse="BER", kind="up", quantity="9", code="found"
    )
    assert (done.status_code, done.location) == (303, f"{MUG}?done=adjustStock")


def test_a_warehouse_gets_what_it_never_had(machine: Machine, placed: Database) -> None:
    stocked.transfer(placed, "trf_1", "BER", "MUC", {"MUG": 1})
    seen = {"If-Match": machine.get(MUG).headers["ETag"]}

    answer = machine.post(
        f"{MUG}/count", {"reason": "x", "warehouse": "MUC", "on_hand": 3}, headers=seen
    )

    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert refused(machine, "count", warehouse="MARS", on_hand=1)[:2] == (422, "unknown_warehouse")


# The ledger.


def test_the_ledger_is_paged_by_when_it_happened(
    machine: Machine, placed: Database, clock: TestClock
) -> None:
    for _ in range(55):
        clock.advance(seconds=1)
        given.receive(placed, "LIS", {"MUG": 1})

    first = of(machine, f"{MUG}/movements?warehouse=LIS")
    rest = of(machine, f"{MUG}/movements?warehouse=LIS&cursor={first['next']}")
    ids = [m["movement_id"] for m in (*first["movements"], *rest["movements"])]

    assert (len(first["movements"]), len(rest["movements"]), rest["next"]) == (50, 6, None)
    assert ids == sorted(ids, reverse=True)
    assert of(machine, f"{MUG}/movements?kind=count")["movements"] == []
    assert machine.get(f"{MUG}/movements?cursor=nonsense").status_code == 400


def test_what_has_arrived_is_received_by_hand_with_its_delivery_or_without(
    machine: Machine, placed: Database
) -> None:
    event = InboundAnnounced(
        inbound_id="asn_1",
        warehouse="LIS",
        announced_at=placed.now(),
        expected_at=placed.now(),
        lines=(InboundUnits(sku="MUG", quantity=3),),
    )
    placed.run(lambda tx: expect_delivery(tx, event), given.cause())
    stocked.transfer(placed, "trf_1", "BER", "LIS", {"MUG": 1})

    done(machine, "receive", warehouse="LIS", quantity=2, inbound_id="asn_1")
    shown = done(machine, "receive", warehouse="LIS", quantity=4)

    assert given.rows(placed, LEVELS) == [("BER", 5, 0), ("LIS", 11, 0)]
    assert [row["units"] for row in shown["coming"] if row["inbound_id"] == "asn_1"] == [1]
    assert [m["quantity"] for m in shown["movements"] if m["actor"] == "scanner"] == [4, 2]
    assert [row[1:] for row in people.trail(placed)] == [("receive_stock", "MUG", "because")] * 2
    wrong = refused(machine, "receive", warehouse="LIS", quantity=1, inbound_id="trf_1")
    assert wrong == (409, "inbound_conflict", "inbound_id")
    assert given.violations(placed) == []
