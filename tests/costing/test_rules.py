"""Rate cards: the right cell on every bound, and the right version at every moment."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.costing.bands import Cell, zones_of
from shared.costing.book import KEPT_FOR, Bookshelf, RateBook
from shared.costing.rules import charges_for
from shared.costing.types import NO_LIMIT_M, ChargeKind, NoRateCard, NotCarried, RateCard, Sent
from shared.kit.money import Money

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
GRID = (
    Cell(100_000, 1_000, 400),
    Cell(100_000, 5_000, 700),
    Cell(NO_LIMIT_M, 1_000, 900),
    Cell(NO_LIMIT_M, 10_000, 1_500),
)


def card(
    *cells: Cell, version: int = 1, valid_from: datetime = NOON, carrier: str = "correios"
) -> RateCard:
    return RateCard(
        rate_card_id=f"{carrier}-{version}",
        carrier=carrier,
        version=version,
        currency="BRL",
        handling_cents=90,
        valid_from=valid_from,
        zones=zones_of(cells or GRID),
    )


def freight_cents(rate_card: RateCard, weight_g: int, distance_m: int) -> int:
    _, freight = charges_for(rate_card, Sent(weight_g, distance_m))
    return freight.amount.amount_cents


def test_a_parcel_costs_handling_and_freight_of_one_version() -> None:
    handling, freight = charges_for(card(), Sent(800, 50_000))

    assert (handling.kind, handling.amount) == (ChargeKind.HANDLING, Money(90, "BRL"))
    assert (freight.kind, freight.amount) == (ChargeKind.FREIGHT, Money(400, "BRL"))
    assert handling.rate_card_id == freight.rate_card_id == "correios-1"


@pytest.mark.parametrize(
    ("weight_g", "distance_m", "cents"),
    [
        (1, 0, 400),
        (1_000, 100_000, 400),  # bounds are inclusive
        (1_001, 100_000, 700),
        (1_000, 100_001, 900),
        (5_000, 100_000, 700),
        (1_001, 100_001, 1_500),
        (10_000, 20_000_000, 1_500),
    ],
)
def test_the_cell_is_the_first_that_is_far_and_heavy_enough(
    weight_g: int, distance_m: int, cents: int
) -> None:
    assert freight_cents(card(), weight_g, distance_m) == cents


def test_where_a_near_band_ends_early_the_next_band_carries_on() -> None:
    # Goal: cards are ragged: nobody sells 5 to 10 kg for short distances only.
    assert freight_cents(card(), 5_001, 50_000) == 1_500


@pytest.mark.parametrize(
    ("cells", "weight_g", "distance_m"),
    [(GRID, 10_001, 1), ((Cell(100_000, 1_000, 400),), 1, 100_001)],
    ids=["too heavy", "too far"],
)
def test_beyond_the_card_nothing_is_carried(
    cells: tuple[Cell, ...], weight_g: int, distance_m: int
) -> None:
    with pytest.raises(NotCarried) as caught:
        charges_for(card(*cells), Sent(weight_g, distance_m))

    assert caught.value.facts["weight_g"] == weight_g


cells = st.lists(
    st.builds(Cell, st.integers(1, 4), st.integers(1, 4), st.integers(0, 99)),
    min_size=1,
    max_size=8,
    unique_by=lambda cell: (cell.max_distance_m, cell.max_weight_g),
)


@given(cells=cells, weight_g=st.integers(1, 5), distance_m=st.integers(0, 5))
def test_the_chosen_cell_is_that_of_a_plain_search(
    cells: list[Cell], weight_g: int, distance_m: int
) -> None:
    # Oracle: the lightest weight bound that any far enough cell offers, then the nearest of them.
    enough = [c for c in cells if c.max_distance_m >= distance_m and c.max_weight_g >= weight_g]
    rate_card = card(*cells)

    if not enough:
        with pytest.raises(NotCarried):
            charges_for(rate_card, Sent(weight_g, distance_m))
    else:
        best = min(enough, key=lambda c: (c.max_weight_g, c.max_distance_m))
        assert freight_cents(rate_card, weight_g, distance_m) == best.price_cents


def test_a_version_is_valid_from_its_exact_moment_until_the_next() -> None:
    book = RateBook([card(version=2, valid_from=NOON + 60 * SECOND), card(version=1)])

    assert book.card("correios", "standard", NOON).version == 1
    assert (
        book.card("correios", "standard", NOON + 60 * SECOND - timedelta(microseconds=1)).version
        == 1
    )
    assert book.card("correios", "standard", NOON + 60 * SECOND).version == 2
    assert book.card("correios", "standard", NOON + timedelta(days=999)).version == 2
    with pytest.raises(NoRateCard):
        book.card("correios", "standard", NOON - timedelta(microseconds=1))
    with pytest.raises(NoRateCard):
        book.card("jadlog", "standard", NOON)


def test_each_service_of_a_carrier_has_versions_of_its_own() -> None:
    express = replace(card(version=7, valid_from=NOON + SECOND), service="express")
    book = RateBook([express, card()])

    assert [found.version for found in book.valid_at(NOON)] == [1]
    assert [found.service for found in book.valid_at(NOON + SECOND)] == ["express", "standard"]
    assert book.card("correios", "express", NOON + SECOND) is express
    with pytest.raises(NoRateCard):
        book.card("correios", "express", NOON)


def test_the_valid_cards_are_one_for_each_carrier_that_has_begun() -> None:
    later = card(carrier="jadlog", valid_from=NOON + SECOND)
    book = RateBook([later, card(), card(carrier="azul")])

    assert [found.carrier for found in book.valid_at(NOON)] == ["azul", "correios"]
    assert [found.carrier for found in book.valid_at(NOON + SECOND)] == [
        "azul",
        "correios",
        "jadlog",
    ]
    assert book.valid_at(NOON - SECOND) == ()


def test_a_shelf_reads_anew_only_when_its_book_is_old_or_empty() -> None:
    reads: list[RateBook] = []

    def read() -> RateBook:
        reads.append(RateBook([card()] if reads else []))
        return reads[-1]

    shelf = Bookshelf()
    shelf.book(NOON, read)
    shelf.book(NOON, read)
    assert len(reads) == 2  # the empty one was not kept

    assert shelf.book(NOON + KEPT_FOR - SECOND, read) is reads[1]
    assert shelf.book(NOON + KEPT_FOR, read) is reads[2]
