"""Publishing rate cards: all or none, in time for everybody, and never for what is past."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest

from shared.costing import store as costing
from shared.costing.bands import Cell
from shared.costing.book import KEPT_FOR, MIN_NOTICE
from shared.costing.rows import RowsRefused
from shared.costing.types import RateCardRefused, UnknownRateCard
from shared.flows.publish_rates import PublishRates, publish_rates
from shared.flows.rules import Rules
from shared.flows.show_rates import show_rates
from shared.kit.errors import Malformed
from shared.people.types import Person
from shared.platform.db import Database
from tests.support import given
from tests.support.clock import TestClock

HEADER = (
    "row,carrier,service,currency,handling_cents,fuel_basis_points,residential_cents,carries,"
    "zone,from_country,to_country,to_postcode,transit_days,max_weight_g,price_cents,per_kg_cents\n"
)
MINUTE = timedelta(minutes=1)


def rows(price_cents: int, *services: str, carrier: str = "correios") -> bytes:
    """A card for each service, with fuel, and dearer where somebody lives."""
    lines = [
        line
        for service in services
        for line in (
            f"card,{carrier},{service},EUR,50,1000,30,hazmat,,,,,,,,",
            f"zone,{carrier},{service},,,,,,city,DE,DE,101,1,,,",
            f"zone,{carrier},{service},,,,,,land,,DE,,3,,,",
            f"price,{carrier},{service},,,,,,city,,,,,1000,{price_cents},",
            f"price,{carrier},{service},,,,,,city,,,,,9000,,10",
            f"price,{carrier},{service},,,,,,land,,,,,9000,{2 * price_cents},",
        )
    ]
    return (HEADER + "\n".join(lines) + "\n").encode()


def publish(
    database: Database,
    body: bytes,
    valid_from: datetime | None = None,
    by: str = "ada",
    reason: str = "new prices",
) -> Sequence[str]:
    wanted = PublishRates(
        body=body,
        is_json=False,
        valid_from=valid_from or database.now(),
        person=Person(by, reason),
    )
    return database.run(lambda tx: publish_rates(tx, wanted), given.cause())


def test_a_carrier_without_queues_gets_no_rate_card(database: Database) -> None:
    # Goal: its parcels would be planned as the cheapest, and nobody would ever buy their labels.
    body = rows(400, "standard", carrier="rocket")

    with pytest.raises(RowsRefused) as refused:
        publish(database, body, valid_from=database.now() + timedelta(hours=1))

    assert [(row.row, row.column) for row in refused.value.rows] == [(2, "carrier")]
    assert "'rocket' has no queues" in str(refused.value)
    assert given.rows(database, "SELECT count(*) FROM rate_cards") == [(0,)]


def quoted(database: Database, order_id: str) -> list[tuple[str, str, str, int]]:
    """(rate card, service, zone, quoted cents) of the order's parcels."""
    return given.rows(
        database,
        "SELECT rate_card_id, service, zone, quoted_cents FROM parcels"
        f" WHERE order_id = '{order_id}' ORDER BY parcel_id",
    )


def test_a_file_of_services_is_published_and_read_as_it_was_written(database: Database) -> None:
    assert publish(database, rows(400, "standard", "express")) == [
        "correios@express-1",
        "correios-1",
    ]

    card = database.run(lambda tx: show_rates(tx, "correios", "express", None), given.cause())
    (listed, _) = database.run(costing.versions, given.cause())

    assert (card.handling_cents, card.fuel_basis_points, card.carries) == (50, 1_000, ("hazmat",))
    city, land = card.zones
    assert (city.zone, city.transit_days, city.per_kg_cents, city.max_weight_g) == (
        "city",
        1,
        10,
        9_000,
    )
    assert [(rule.from_country, rule.to_country, rule.to_postcode) for rule in city.rules] == [
        ("DE", "DE", "101")
    ]
    assert [(step.max_weight_g, step.price_cents) for step in land.steps] == [(9_000, 800)]
    assert (listed.published_by, listed.reason, listed.zones) == ("ada", "new prices", 2)


def test_an_order_is_placed_and_charged_by_zone_service_and_where_somebody_lives(
    database: Database,
) -> None:
    # Goal: what is quoted by places, fuel and surcharges is what is charged, item by item.
    given.catalogue(database, {"BER": {"MUG": 5}}, cells=given.DEAR)
    publish(database, rows(400, "express"))
    event = given.submitted("ord_1", {"MUG": 1})
    home = event.destination.model_copy(update={"residential": True})
    given.accept(database, event.model_copy(update={"destination": home}))

    given.place(database, "ord_1")
    given.charge_all(database)

    assert quoted(database, "ord_1") == [("correios@express-1", "express", "city", 520)]
    assert given.rows(database, "SELECT kind, amount_cents FROM charges ORDER BY 1") == [
        ("freight", 400),
        ("fuel", 40),
        ("handling", 50),
        ("residential", 30),
    ]
    assert given.violations(database) == []


def test_a_change_of_prices_never_changes_what_was_charged_or_quoted_before(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 9}}, cells=given.DEAR)
    publish(database, rows(400, "express"))
    for name in ("charged", "quoted"):
        given.order(database, name, {"MUG": 1})
    given.place(database, "charged")
    given.charge_all(database)
    given.silence(database)
    given.place(database, "quoted")
    publish(database, rows(300, "express"), clock.now + MINUTE)

    clock.advance(minutes=2)
    given.charge_all(database)  # late: the new version is valid by now
    given.order(database, "after", {"MUG": 1})
    given.place(database, "after")
    given.charge_all(database)

    assert given.rows(
        database,
        "SELECT order_id, rate_card_id, sum(amount_cents) FROM charges GROUP BY 1, 2 ORDER BY 1",
    ) == [
        ("after", "correios@express-2", 380),
        ("charged", "correios@express-1", 490),
        ("quoted", "correios@express-1", 490),
    ]
    assert given.violations(database) == []


def test_a_function_with_a_kept_book_quotes_what_is_charged(
    database: Database, clock: TestClock
) -> None:
    # Goal: the book was read just before the next version was published, and is used until it is
    # too old; whatever the moment, quote and charge agree, and nobody has to be deployed anew.
    given.catalogue(database, {"BER": {"MUG": 50}}, cells=given.DEAR)
    publish(database, rows(400, "express"))
    rules = Rules()
    given.order(database, "first", {"MUG": 1})
    given.place(database, "first", rules)
    publish(database, rows(300, "express"), clock.now + MIN_NOTICE)

    for number in range(8):
        clock.advance(seconds=KEPT_FOR.seconds / 2 - 1)
        given.order(database, f"ord_{number}", {"MUG": 1})
        given.place(database, f"ord_{number}", rules)
    given.charge_all(database)

    versions = given.rows(
        database, "SELECT DISTINCT rate_card_id FROM parcels ORDER BY rate_card_id"
    )
    assert versions == [("correios@express-1",), ("correios@express-2",)]
    assert given.rows(database, "SELECT count(DISTINCT parcel_id) FROM charges") == [(9,)]
    assert given.violations(database) == []


@pytest.mark.parametrize("ahead", [timedelta(0), MIN_NOTICE - timedelta(microseconds=1), -MINUTE])
def test_a_next_version_that_begins_too_soon_is_refused_and_nothing_of_the_file_stays(
    database: Database, ahead: timedelta
) -> None:
    publish(database, rows(400, "standard"))

    with pytest.raises(RateCardRefused, match="valid_from"):
        publish(database, rows(500, "express", "standard"), database.now() + ahead)

    assert given.rows(database, "SELECT rate_card_id FROM rate_cards") == [("correios-1",)]


def test_two_versions_never_begin_at_one_moment(database: Database) -> None:
    begins = database.now() + 2 * MINUTE
    publish(database, rows(400, "standard"))
    publish(database, rows(500, "standard"), begins)

    with pytest.raises(RateCardRefused, match="valid_from: correios-2 begins at that moment"):
        publish(database, rows(600, "standard"), begins)
    publish(database, rows(600, "standard"), begins + MINUTE)

    assert given.rows(database, "SELECT version FROM rate_cards ORDER BY 1") == [(1,), (2,), (3,)]


def test_between_two_versions_another_can_be_published(database: Database) -> None:
    # Goal: next year's prices are known, or their year was mistyped, and a surcharge changes now.
    publish(database, rows(400, "standard"))
    publish(database, rows(500, "standard"), database.now() + 60 * MINUTE)
    publish(database, rows(450, "standard"), database.now() + 10 * MINUTE)

    book = database.run(costing.read_book, given.cause())
    at = [database.now() + minutes * MINUTE for minutes in (9, 10, 59, 60)]
    held = [card.rate_card_id for moment in at for card in book.valid_at(moment)]
    assert held == ["correios-1", "correios-3", "correios-3", "correios-2"]
    shown = database.run(costing.versions, given.cause())
    assert [one.valid_until for one in shown] == [at[1], None, at[3]]


@pytest.mark.parametrize("apart", [MINUTE, timedelta(0)])
def test_of_two_who_publish_at_once_each_has_a_number_or_is_refused(
    database: Database, apart: timedelta
) -> None:
    # Goal: no number twice, and no moment, whoever comes first.
    start, begins = Barrier(2), database.now() + MINUTE

    def run(number: int) -> Sequence[str]:
        start.wait(timeout=10)
        try:
            return publish(database, rows(400 + number, "express"), begins + number * apart)
        except RateCardRefused:
            return ()

    with ThreadPoolExecutor(max_workers=2) as pool:
        published = [name for names in pool.map(run, range(2)) for name in names]

    kept = given.rows(database, "SELECT rate_card_id, version FROM rate_cards ORDER BY version")
    assert kept == [("correios@express-1", 1), ("correios@express-2", 2)][: 2 if apart else 1]
    assert sorted(published) == [name for name, _ in kept]


def test_wrong_rows_are_all_told_and_nothing_is_published(database: Database) -> None:
    body = rows(400, "express").replace(b"EUR", b"eur").replace(b"9000,,10", b"900,,10")

    with pytest.raises(RowsRefused) as caught:
        publish(database, body)

    assert [(row.row, row.column) for row in caught.value.rows] == [
        (2, "currency"),
        (6, "max_weight_g"),
    ]
    assert [wrong.field for wrong in caught.value.wrong] == [
        "rows.2.currency",
        "rows.6.max_weight_g",
    ]
    assert str(caught.value).startswith("row 2, currency: 'eur' is not a currency")
    assert given.rows(database, "SELECT count(*) FROM rate_cards") == [(0,)]


def test_without_who_says_it_and_why_it_is_refused(database: Database) -> None:
    with pytest.raises(Malformed, match=r"^by: "):
        publish(database, rows(400, "standard"), by=" ")
    with pytest.raises(Malformed, match=r"^reason: "):
        publish(database, rows(400, "standard"), reason="x" * 201)


def test_a_version_is_shown_by_number_or_as_it_is_valid(
    database: Database, clock: TestClock
) -> None:
    def shown(service: str, version: int | None = None) -> int:
        return database.run(
            lambda tx: show_rates(tx, "correios", service, version), given.cause()
        ).version

    publish(database, rows(400, "standard"), clock.now + MINUTE)
    publish(database, rows(500, "standard"), clock.now + 2 * MINUTE)

    assert (shown("standard"), shown("standard", 2)) == (1, 2)
    clock.advance(minutes=2)
    assert (shown("standard"), shown("standard", 1)) == (2, 1)
    with pytest.raises(UnknownRateCard, match="versions 1 to 2"):
        shown("standard", 3)
    with pytest.raises(UnknownRateCard, match="no service express"):
        shown("express")


def test_where_no_service_goes_an_order_waits_for_a_person(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}}, cells=[Cell(1, 1, 1)])
    publish(database, rows(400, "express"))
    event = given.submitted("ord_1", {"MUG": 1})
    abroad = event.destination.model_copy(update={"country": "FR", "postcode": "75001"})
    given.accept(database, event.model_copy(update={"destination": abroad}))

    given.place(database, "ord_1")

    assert given.rows(database, "SELECT state, state_reason FROM orders") == [
        ("review", "no carrier takes MUG")
    ]
