"""Cost reports: every cent that is booked is in each of them once, whatever it is added up by."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from random import Random

import pytest

from shared.contracts.orders import OrderCancelled
from shared.contracts.parcels import ParcelCancelled
from shared.flows.cancel_order import cancel_order
from shared.flows.charge_parcel import take_charges_back
from shared.ops.cost_reports import By, CostReport, Costs, Software, cost_report, software_cost
from shared.platform.db import Database
from shared.platform.software_costs import SoftwareCosts
from shared.platform.sql import text
from tests.flows.doubles import RecordingCarrier, buy, parcels_of, void
from tests.support import given
from tests.support.clock import TestClock

WEIGHTS_G = {"MUG": 333, "PEN": 7, "CUP": 250, "TEA": 100}
NAMES = ("quoted_cents", "charged_cents", "carrier_cents", "actual_cents", "difference_cents")
PARTS = ("freight_cents", "surcharges_cents", "handling_cents")
DAYS = (date(2026, 3, 2), date(2026, 3, 3))
SHARED_OUT = (
    "quoted_cents",
    "freight_cents",
    "carrier_cents",
    "charged_cents",
    "actual_cents",
    "software_nano_usd",
)


def report(database: Database, by: By, limit: int = 1_000, **moments: object) -> CostReport:
    return database.run(
        lambda tx: cost_report(tx, by, limit=limit, **moments),  # type: ignore[arg-type]
        given.cause(),
    )


def software(database: Database, **moments: datetime) -> Software:
    return database.run(lambda tx: software_cost(tx, **moments), given.cause())


def amounts(costs: Costs) -> tuple[int | None, ...]:
    return tuple(getattr(costs, name) for name in NAMES)


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
    given.charge_all(database)
    clock.advance(hours=20)
    given.order(database, "late", {"TEA": 3, "PEN": 1})
    given.place(database, "late")
    given.charge_all(database)
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


def test_shipping_is_of_one_time_and_one_warehouse_though_parcels_are_of_several(
    database: Database, clock: TestClock
) -> None:
    # Goal: whatever a time is cut into, each amount is in one part, and the parts add up.
    begun = clock.now
    given.catalogue(database, {"BER": {"MUG": 2, "PEN": 1}, "LIS": {"CUP": 0}})
    given.order(
        database, "mixed", {"MUG": 1, "PEN": 1, "CUP": 1}, shipping_cents=999, ship_together=False
    )
    given.place(database, "mixed")
    clock.advance(hours=30)
    given.receive(database, "LIS", {"CUP": 1})
    given.place(database, "mixed")
    assert given.rows(database, "SELECT warehouse FROM parcels ORDER BY planned_at") == [
        ("BER",),
        ("LIS",),
    ]

    cut = begun + timedelta(hours=24)
    windows = [report(database, By.ORDER, until=cut), report(database, By.ORDER, since=cut)]
    of_one = [report(database, By.ORDER, warehouses=[name]) for name in ("BER", "LIS")]

    assert [found.totals["EUR"].shipping_cents for found in windows] == [999, None]
    assert [found.totals["EUR"].shipping_cents for found in of_one] == [999, None]
    assert report(database, By.ORDER).totals["EUR"].shipping_cents == 999


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


def meter(database: Database, nano_usd: Mapping[date, int]) -> None:
    costs = SoftwareCosts()
    for day, cost in nano_usd.items():
        costs.add(day, "order_intake", cost // 3)
        costs.add(day, "order_placement", cost - cost // 3)
    costs.keep(database)


def test_what_is_charged_is_freight_surcharges_and_handling(books: Database) -> None:
    books.statement(
        text("UPDATE charges SET kind = 'fuel' WHERE kind = 'freight' AND order_id = 'late'")
    )
    found = {row.subject: row.costs for row in report(books, By.ORDER).rows}

    assert {
        name: tuple(getattr(costs, part) for part in PARTS) for name, costs in found.items()
    } == {
        "mixed": (400, 0, 90),
        "plain": (400, 0, 90),
        "gone": (0, 0, 0),
        "late": (0, 400, 90),
    }
    for by in By:
        costs = report(books, by).totals["EUR"]
        assert costs.charged_cents == sum(getattr(costs, part) for part in PARTS), by
        for row in report(books, by).rows:
            assert row.costs.charged_cents == sum(getattr(row.costs, part) for part in PARTS), by


def test_a_days_software_is_shared_out_among_its_parcels_to_the_last_unit(books: Database) -> None:
    # Goal: every unit that was metered is in each report once. Three parcels of one day, one of
    # the next, cancelled ones among them: they cost as much.
    meter(books, {DAYS[0]: 100, DAYS[1]: 7})

    for by in By:
        found = report(books, by)
        assert sum(row.costs.software_nano_usd or 0 for row in found.rows) == 107, by
        assert found.totals["EUR"].software_nano_usd == 107, by
    by_day = {row.subject: row.costs.software_nano_usd for row in report(books, By.DAY).rows}
    assert by_day == {"2026-03-02": 100, "2026-03-03": 7}
    by_parcel = [row.costs.software_nano_usd for row in report(books, By.PARCEL).rows]
    assert sorted(filter(None, by_parcel)) == [7, 33, 33, 34]


def test_of_a_part_of_a_day_a_parcel_has_the_share_that_it_has_of_the_whole(
    books: Database, clock: TestClock
) -> None:
    meter(books, {DAYS[0]: 100, DAYS[1]: 7})
    first = report(books, By.ORDER, until=clock.now - timedelta(hours=19))
    whole = {row.subject: row.costs for row in report(books, By.ORDER).rows}

    assert {row.subject: row.costs for row in first.rows} == {
        name: whole[name] for name in ("mixed", "plain", "gone")
    }


def test_an_orders_software_is_at_most_what_its_days_cost_by_the_orders_accepted(
    books: Database, clock: TestClock
) -> None:
    assert software(books) == Software(nano_usd=0, orders=0)
    assert software(books).nano_usd_per_order is None

    meter(books, {DAYS[0]: 100, DAYS[1]: 7})

    assert software(books) == Software(nano_usd=107, orders=4)
    assert software(books).nano_usd_per_order == 27
    of_a_day = software(books, until=clock.now - timedelta(hours=19))
    assert (of_a_day, of_a_day.nano_usd_per_order) == (Software(nano_usd=100, orders=3), 34)
    assert software(books, until=datetime(2026, 3, 3, tzinfo=UTC)) == of_a_day


def test_orders_from_before_anything_was_metered_make_none_cheaper(books: Database) -> None:
    meter(books, {DAYS[1]: 7})

    assert software(books) == Software(nano_usd=7, orders=1)
    by_day = {row.subject: row.costs.software_nano_usd for row in report(books, By.DAY).rows}
    assert by_day == {"2026-03-02": None, "2026-03-03": 7}


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
    # Oracle: what is due up to each SKU, in Python; amounts and weights are whatever chance gives.
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
    meter(books, {DAYS[0]: random.randint(1, 999_999), DAYS[1]: random.randint(1, 999_999)})
    contents: dict[str, dict[str, int]] = defaultdict(dict)
    for parcel_id, sku, weight_g in given.rows(
        books,
        "SELECT parcel_id, sku, sum(quantity * weight_g) FROM parcel_items JOIN skus USING (sku)"
        " GROUP BY 1, 2",
    ):
        contents[parcel_id][sku] = int(weight_g)
    expected: dict[str, Counter[str]] = defaultdict(Counter)
    for row in report(books, By.PARCEL).rows:
        for name in SHARED_OUT:
            cents = getattr(row.costs, name)
            if cents is not None:
                for sku, part in shared_out(cents, contents[row.subject]).items():
                    expected[sku][name] += part

    for row in report(books, By.SKU).rows:
        assert {name: getattr(row.costs, name) or 0 for name in SHARED_OUT} == {
            name: expected[row.subject][name] for name in SHARED_OUT
        }


def test_a_sku_is_charged_what_it_was_quoted_where_its_parcels_are(books: Database) -> None:
    # Goal: no cent between quote, charge and label comes of the sharing out. 4.90 of a parcel with
    # three SKUs, in four amounts that do not divide evenly, and a label for just the carrier's.
    books.statement(
        text("""
            UPDATE charges SET amount_cents = amount_cents - 101 WHERE kind = 'freight'
                           AND entry = 'charge' AND order_id = 'mixed'
        """)
    )
    books.statement(
        text("""
            INSERT INTO charges SELECT parcel_id, order_id, 'fuel', entry, 101, currency,
                                       rate_card_id, charged_at
              FROM charges WHERE kind = 'freight' AND order_id = 'mixed'
        """)
    )
    books.statement(text("UPDATE actual_charges SET amount_cents = 400 WHERE order_id = 'mixed'"))

    found = report(books, By.SKU, until=datetime(2026, 3, 3, tzinfo=UTC)).rows

    assert {row.subject for row in found} == {"MUG", "PEN", "CUP", "TEA"}
    for row in found:
        assert row.costs.charged_cents == row.costs.quoted_cents, row.subject
        assert row.costs.difference_cents in {0, None}, row.subject


def shared_out(cents: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Each SKU, by name, gets what is due up to it, less what those before it got."""
    whole = sum(weights.values())
    shares: dict[str, int] = {}
    for sku in sorted(weights):
        upto = sum(weights[other] for other in (*shares, sku))
        shares[sku] = cents * upto // whole - sum(shares.values())
        assert abs(shares[sku] - Fraction(cents * weights[sku], whole)) < 1
    assert sum(shares.values()) == cents
    return shares
