"""Cost reports: every cent that is booked is in each of them once, whatever it is added up by."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import text

from shared.contracts.orders import OrderCancelled
from shared.contracts.parcels import ParcelCancelled, ParcelPlanned
from shared.costing.book import Bookshelf
from shared.flows.cancel_order import cancel_order
from shared.flows.charge_parcel import charge_parcel, take_charges_back
from shared.ops.cost_reports import By, CostReport, Costs, cost_report
from shared.platform.db import Database
from tests.flows.doubles import RecordingCarrier, buy, parcels_of, void
from tests.support import given
from tests.support.clock import TestClock

WEIGHTS_G = {"MUG": 333, "PEN": 7, "CUP": 250, "TEA": 100}
NAMES = ("quoted_cents", "charged_cents", "carrier_cents", "actual_cents", "difference_cents")


def report(database: Database, by: By, limit: int = 1_000, **moments: object) -> CostReport:
    return database.run(
        lambda tx: cost_report(tx, by, limit=limit, **moments),  # type: ignore[arg-type]
        given.cause(),
    )


def amounts(costs: Costs) -> tuple[int | None, ...]:
    return tuple(getattr(costs, name) for name in NAMES)


def charge_all(database: Database) -> None:
    for (body,) in given.rows(
        database,
        "SELECT body FROM outbox WHERE attributes->>'ce-type' = 'dispatch.parcel.planned.v1'",
    ):
        given.apply(
            database,
            lambda tx, event: charge_parcel(tx, event, Bookshelf()),
            ParcelPlanned.decode(body.encode()),
        )


@pytest.fixture
def books(database: Database, clock: TestClock) -> Database:
    """Two days of orders: charged, with labels and without, cancelled, given back."""
    given.catalogue(
        database, {"BER": dict.fromkeys(WEIGHTS_G, 50), "LIS": {"MUG": 50}}, weight_g=100
    )
    for sku, weight_g in WEIGHTS_G.items():
        database.statement(text(f"UPDATE skus SET weight_g = {weight_g} WHERE sku = '{sku}'"))
    given.order(database, "mixed", {"MUG": 2, "PEN": 3, "CUP": 1}, shipping_cents=999)
    given.order(database, "plain", {"MUG": 1}, at=given.PLACES["LIS"], shipping_cents=0)
    given.order(database, "gone", {"TEA": 1}, shipping_cents=500)
    for name in ("mixed", "plain", "gone"):
        given.place(database, name)
    charge_all(database)
    clock.advance(hours=20)
    given.order(database, "late", {"TEA": 3, "PEN": 1})
    given.place(database, "late")
    charge_all(database)
    carrier = RecordingCarrier()
    for name in ("mixed", "gone", "late"):
        (parcel_id,) = parcels_of(database, name)
        buy(database, parcel_id, carrier)
    (gone,) = parcels_of(database, "gone")
    given.apply(database, cancel_order, OrderCancelled(order_id="gone", reason="no"))
    given.apply(database, take_charges_back, ParcelCancelled(parcel_id=gone, order_id="gone"))
    void(database, gone, carrier)
    return database


def test_a_parcel_has_its_quote_its_charges_and_what_its_label_cost(books: Database) -> None:
    found = {row.subject: row for row in report(books, By.PARCEL).rows}
    of_order = {name: found[parcels_of(books, name)[0]] for name in ("mixed", "plain", "gone")}

    # 940 g and 90 of handling; the label cost 490.
    assert amounts(of_order["mixed"].costs) == (490, 490, 400, 490, 90)
    assert amounts(of_order["plain"].costs) == (490, 490, 400, None, None)
    assert amounts(of_order["gone"].costs) == (0, 0, 0, 0, 0)
    assert {row.currency for row in found.values()} == {"EUR"}
    assert given.violations(books) == []


def test_whatever_they_are_added_up_by_the_sums_are_those_of_the_tables(books: Database) -> None:
    # Oracle: the plain sums of what is booked.
    ((quoted,),) = given.rows(
        books, "SELECT sum(quoted_cents) FROM parcels WHERE state <> 'cancelled'"
    )
    ((charged,),) = given.rows(books, "SELECT sum(amount_cents) FROM charges")
    ((carriers,),) = given.rows(
        books, "SELECT sum(amount_cents) FROM charges WHERE kind <> 'handling'"
    )
    ((actual,),) = given.rows(books, "SELECT sum(amount_cents) FROM actual_charges")

    for by in By:
        found = report(books, by)
        sums = [sum(getattr(row.costs, name) or 0 for row in found.rows) for name in NAMES[:4]]
        assert sums == [quoted, charged, carriers, actual], by
        assert amounts(found.totals["EUR"]) == (*sums, 90 + 90), by
        assert sum(row.costs.difference_cents or 0 for row in found.rows) == (
            found.totals["EUR"].difference_cents
        ), by


def test_the_subjects_are_what_was_asked_for(books: Database) -> None:
    subjects = {by: {row.subject for row in report(books, by).rows} for by in By}

    assert subjects[By.ORDER] == {"mixed", "plain", "gone", "late"}
    assert subjects[By.WAREHOUSE] == {"BER", "LIS"}
    assert subjects[By.CARRIER] == {"correios standard"}
    assert subjects[By.SKU] == set(WEIGHTS_G)
    assert [row.subject for row in report(books, By.DAY).rows] == ["2026-03-03", "2026-03-02"]
    assert len(subjects[By.PARCEL]) == 4


def test_shipping_is_shown_once_an_order_and_not_of_cancelled_ones(books: Database) -> None:
    found = report(books, By.ORDER)

    assert {row.subject: row.costs.shipping_cents for row in found.rows} == {
        "mixed": 999,
        "plain": 0,
        "gone": None,
        "late": None,
    }
    assert found.totals["EUR"].shipping_cents == 999


def test_moments_choose_by_when_a_parcel_was_planned_and_the_limit_spares_the_totals(
    books: Database, clock: TestClock
) -> None:
    since = clock.now - timedelta(hours=1)

    assert [row.subject for row in report(books, By.ORDER, since=since).rows] == ["late"]
    assert "late" not in {row.subject for row in report(books, By.ORDER, until=since).rows}
    assert report(books, By.ORDER, until=clock.now - timedelta(days=9)).totals == {}
    one = report(books, By.ORDER, limit=1)
    assert len(one.rows) == 1
    assert one.totals == report(books, By.ORDER).totals


def test_a_label_in_another_currency_is_not_compared(books: Database) -> None:
    books.statement(text("UPDATE actual_charges SET currency = 'USD' WHERE order_id = 'mixed'"))

    found = [row for row in report(books, By.ORDER).rows if row.subject == "mixed"]

    assert [(row.currency, *amounts(row.costs)) for row in found] == [
        ("EUR", 490, 490, 400, None, None),
        ("USD", 0, 0, None, 490, None),
    ]
    assert report(books, By.ORDER).totals["USD"].actual_cents == 490


@pytest.mark.parametrize("seed", range(5))
def test_a_parcels_cents_are_shared_out_by_weight_to_the_last(books: Database, seed: int) -> None:
    # Oracle: the largest remainder in Python; amounts and weights are whatever chance gives.
    random = Random(seed)
    for sku in WEIGHTS_G:
        books.statement(
            text(f"UPDATE skus SET weight_g = {random.randint(1, 5_000)} WHERE sku = '{sku}'")
        )
    for table in ("charges", "actual_charges"):
        books.statement(
            text(f"UPDATE {table} SET amount_cents = sign(amount_cents) * {random.randint(1, 999)}")
        )
    books.statement(text(f"UPDATE parcels SET quoted_cents = {random.randint(0, 99)}"))
    contents: dict[str, dict[str, int]] = defaultdict(dict)
    for parcel_id, sku, weight_g in given.rows(
        books,
        "SELECT parcel_id, sku, sum(quantity * weight_g) FROM parcel_items JOIN skus USING (sku)"
        " GROUP BY 1, 2",
    ):
        contents[parcel_id][sku] = int(weight_g)
    expected: dict[str, Counter[str]] = defaultdict(Counter)
    for row in report(books, By.PARCEL).rows:
        for name in NAMES[:4]:
            cents = getattr(row.costs, name)
            if cents is not None:
                for sku, part in shared_out(cents, contents[row.subject]).items():
                    expected[sku][name] += part

    for row in report(books, By.SKU).rows:
        assert {name: getattr(row.costs, name) or 0 for name in NAMES[:4]} == {
            name: expected[row.subject][name] for name in NAMES[:4]
        }


def shared_out(cents: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Hamilton's method."""
    whole = sum(weights.values())
    shares = {sku: cents * weight // whole for sku, weight in weights.items()}
    by_loss = sorted(weights, key=lambda sku: (-(cents * weights[sku] % whole), sku))
    for sku in by_loss[: cents - sum(shares.values())]:
        shares[sku] += 1
    return shares
