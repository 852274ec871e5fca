"""Reports and carriers: what is theirs, in the days that are asked for, and as CSV."""

import csv
import io
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient

from shared.carriers.types import CarrierAccount
from shared.flows.keep_reports import keep_reports
from shared.flows.set_carrier_account import SetCarrierAccount, set_carrier_account
from shared.people.permissions import Action
from shared.people.types import Person, Role
from shared.platform.db import Database
from shared.platform.sql import text
from tests.console.browser import Browser, Machine
from tests.flows import doubles
from tests.people import given as people
from tests.support import given
from tests.support.clock import TestClock


@pytest.fixture
def machine(client: FlaskClient, placed: Database) -> Machine:
    user = people.user(placed, "machine@example.org")
    return Machine(client, session=people.session(placed, user))


@pytest.fixture
def of_two_days(placed: Database, clock: TestClock) -> Database:
    """A day that is added up and over, and what has come today; nobody has signed in yet."""
    clock.advance(days=1)
    keep_reports(lambda step: placed.run(step, given.cause()))
    given.order(placed, "today", {"MUG": 1})
    given.place(placed, "today")
    return placed


def test_costs_are_those_of_ones_own_warehouses(
    client: FlaskClient, placed: Database, machine: Machine
) -> None:
    lis = people.user(placed, "lis@example.org", warehouses=frozenset({"LIS"}))
    there = Machine(client, session=people.session(placed, lis))

    (row,) = machine.get("/reports?by=order").get_json()["rows"]

    assert (row["subject"], row["parcels"], row["costs"]["quoted_cents"]) == ("ord_1", 1, 490)
    assert there.get("/reports?by=order").get_json()["rows"] == []


def test_a_report_is_saved_as_csv_that_no_spreadsheet_runs(
    operator: Browser, placed: Database
) -> None:
    placed.statement(text("UPDATE parcels SET service = '@SUM(A1)', carrier = '=1+1'"))

    answer = operator.get("/reports?by=carrier&as=csv")

    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="reports.csv"'
    head, row = csv.reader(io.StringIO(operator.page))
    assert head[:4] == ["subject", "currency", "parcels", "quoted_cents"]
    assert row[:4] == ["'=1+1 @SUM(A1)", "EUR", "1", "490"]


@pytest.mark.parametrize("by", ["day", "warehouse", "carrier", "sku", "order", "parcel"])
def test_what_labels_cost_beyond_what_was_agreed_is_shown_in_its_currency(
    operator: Browser, placed: Database, by: str
) -> None:
    # Goal: every amount of a row, also those that are there only once a label is bought.
    given.charge_all(placed)
    doubles.labelled(placed, "ord_1")
    for table in ("charges", "actual_charges"):
        placed.statement(text(f"UPDATE {table} SET currency = 'JPY'"))
    placed.statement(text("UPDATE actual_charges SET amount_cents = 1234"))

    assert operator.get(f"/reports?by={by}").status_code == 200
    for amount in ("490 JPY", "400 JPY", "1\u202f234 JPY", "+834 JPY"):
        assert f">{amount}</td>" in operator.page


@pytest.mark.parametrize(("by", "most_days"), [("order", 7), ("parcel", 7), ("sku", 31)])
def test_what_is_not_kept_by_days_is_told_of_fewer_of_them(
    machine: Machine, operator: Browser, by: str, most_days: int
) -> None:
    last = date(2026, 3, 2)
    too_early, first = (last - timedelta(days=days) for days in (most_days, most_days - 1))

    answer = machine.get(f"/reports?by={by}&since={too_early}&until={last}")

    assert (answer.status_code, answer.get_json()["field"]) == (400, "since")
    assert answer.get_json()["detail"] == (
        f"since: by {by}, ask for {most_days} days at most, like {first} to {last};"
        " for up to 92 days, ask by day, warehouse or carrier"
    )
    for other in ("day", "warehouse", "carrier"):
        longer = last - timedelta(days=91)
        assert machine.get(f"/reports?by={other}&since={longer}&until={last}").status_code == 200
    operator.get(f"/reports?by={by}&since={too_early}&until={last}")
    assert 'href="/reports">Ask anew' in operator.page
    assert machine.get(f"/reports?by={by}&since={first}&until={last}").status_code == 200


@pytest.mark.parametrize("by", ["day", "warehouse", "carrier", "sku", "order"])
def test_a_report_and_its_csv_say_the_same_of_days_that_are_kept_and_of_today(
    of_two_days: Database, operator: Browser, machine: Machine, by: str
) -> None:
    query = f"/reports?by={by}&since={of_two_days.now().date() - timedelta(days=2)}"

    told = machine.get(query).get_json()["rows"]
    operator.get(f"{query}&as=csv")

    assert sum(row["parcels"] for row in told) == 2
    assert [
        (row["subject"], int(row["parcels"]), int(row["quoted_cents"]))
        for row in csv.DictReader(io.StringIO(operator.page))
    ] == [(row["subject"], row["parcels"], row["costs"]["quoted_cents"]) for row in told]


@pytest.mark.parametrize(
    "query",
    ["since=2020-01-01", "since=2030-01-02&until=2030-01-01", "until=9999-12-31", "by=moon"],
)
@pytest.mark.parametrize("path", ["", "/placements", "/promises", "/refusals"])
def test_days_that_are_no_range_are_refused(machine: Machine, path: str, query: str) -> None:
    if path and query.startswith("by"):
        query = "since=tomorrow"
    answer = machine.get(f"/reports{path}?{query}")

    assert answer.status_code == 400
    assert answer.get_json()["field"] in {"since", "until", "by"}


def test_decisions_of_people_are_counted_beside_the_others(
    operator: Browser, machine: Machine, placed: Database
) -> None:
    operator.get("/orders/ord_1")
    operator.post("/orders/ord_1/assign", reason="nearer", warehouses="LIS")

    today = machine.get("/reports/placements").get_json()["days"][-1]

    assert (today["decisions"], today["by_hand"], today["placed"]) == (2, 1, 2)


@pytest.mark.parametrize(
    ("state", "late_s", "told"),
    [("delivered", 0, (1, 0, 0)), ("delivered", 60, (0, 1, 0)), ("placed", None, (0, 0, 1))],
)
def test_a_promise_is_kept_broken_or_overdue(
    machine: Machine, placed: Database, state: str, late_s: int | None, told: tuple[int, int, int]
) -> None:
    placed.statement(
        text("""
            UPDATE orders SET promised_at = accepted_at - interval '1 hour', state = :state,
                   closed_at = CASE WHEN :state = 'delivered' THEN accepted_at END
        """),
        state=state,
    )
    placed.statement(
        text("""
            UPDATE parcels SET delivered_at = promised_at + make_interval(secs => :late_s)
              FROM orders
        """),
        late_s=late_s,
    )
    ((promised,),) = given.rows(placed, "SELECT promised_at FROM orders")
    day = promised.date()

    (found,) = machine.get(f"/reports/promises?since={day}&until={day}").get_json()["days"]

    assert (found["orders"], (found["kept"], found["late"], found["overdue"])) == (1, told)


def test_refusals_are_counted_by_warehouse(machine: Machine, placed: Database) -> None:
    placed.statement(
        text("INSERT INTO order_exclusions VALUES ('ord_1', 'MUG', 'BER', 'broken', :now)"),
        now=placed.now(),
    )

    rows = machine.get("/reports/refusals").get_json()["rows"]

    assert rows[0] == {"warehouse": "BER", "orders": 1, "refused": 1}


def test_a_carrier_that_does_not_answer_is_told_with_what_waits_for_it(
    client: FlaskClient, operator: Browser, placed: Database
) -> None:
    placed.statement(
        text("""
            INSERT INTO carrier_breakers (carrier, failures, failed_at, since)
            VALUES ('correios', 5, CAST(:now AS timestamptz), CAST(:now AS timestamptz))
        """),
        now=placed.now(),
    )
    lis = people.user(placed, "lis@example.org", Role.VIEWER, frozenset({"LIS"}))
    there = Machine(client, session=people.session(placed, lis))

    operator.get("/carriers/correios")

    assert "correios does not answer and is left alone" in operator.page
    assert "ord_1" in operator.page
    seen_there = there.get("/carriers/correios").get_json()
    assert (seen_there["stand"]["waiting"], seen_there["parcels"]) == (1, [])
    assert there.get("/carriers/nobody").status_code == 404


def test_a_vendor_that_wants_no_calls_is_named_until_that_is_over(
    operator: Browser, machine: Machine, placed: Database
) -> None:
    for vendor, seconds in (("easypost", 90), ("shippo", -1)):
        placed.statement(
            text("""
                INSERT INTO carrier_breakers AS kept (carrier, failures, failed_at, quiet_of)
                VALUES ('correios', 0, CAST(:now AS timestamptz), jsonb_build_object(
                    CAST(:vendor AS text), CAST(:until AS timestamptz)))
                    ON CONFLICT (carrier) DO UPDATE
                   SET quiet_of = kept.quiet_of || excluded.quiet_of
            """),
            now=placed.now(),
            vendor=vendor,
            until=placed.now() + timedelta(seconds=seconds),
        )

    ((shown),) = machine.get("/carriers/correios").get_json()["stand"]["quiet"]
    operator.get("/carriers/correios")

    assert shown["vendor"] == "easypost"
    assert "easypost wants no calls until" in operator.page
    assert "shippo wants no calls" not in operator.page


def test_a_carrier_says_who_sells_its_labels_and_how_much_of_its_rate_is_used(
    operator: Browser, placed: Database
) -> None:
    account = CarrierAccount("correios", "shippo", "correios_br", "acc_7", is_enabled=False)
    wish = SetCarrierAccount(account, Person("test", "because"))
    doubles.labelled(placed, "ord_1")
    placed.run(lambda tx: set_carrier_account(tx, wish), given.cause())
    machine = Machine(operator.client, key=people.key(placed, Action.SEE_CARRIERS))

    shown = machine.get("/carriers/correios").get_json()
    operator.get("/carriers")

    assert shown["seller"] == {
        "vendor": "shippo",
        "name_at_vendor": "correios_br",
        "account": "acc_7",
        "label_format": "pdf",
        "is_enabled": False,
        "has_manifests": True,
    }
    # As functions/label_purchase/function.yaml has it.
    assert shown["queues"] == [
        {
            "queue": "express-labels-correios",
            "last_minute": 0,
            "last_hour": 0,
            "most_a_minute": 600,
        },
        {"queue": "labels-correios", "last_minute": 1, "last_hour": 1, "most_a_minute": 2_400},
    ]
    assert "switched off" in operator.page
