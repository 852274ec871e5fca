"""Rate cards of the catalogue: by distance as before, or by zones; what cannot be is refused."""

from datetime import timedelta
from typing import Any

import pytest

from shared.contracts.catalogue import Catalogue
from shared.costing import store as costing
from shared.costing.bands import Cell, zones_of
from shared.costing.types import NO_LIMIT_M, RateCard, RateCardRefused, Step, Zone, ZoneRule
from shared.flows.load_catalogue import load_catalogue
from shared.kit.errors import Malformed
from shared.platform.db import Database
from tests.support import given

CELLS = [
    {"max_distance_m": 100_000, "max_weight_g": 1_000, "price_cents": 400},
    {"max_distance_m": None, "max_weight_g": 1_000, "price_cents": 900},
]
ZONES = [
    {
        "zone": "capital",
        "rules": [{"to_country": "BR", "to_postcode": "01310-2"}, {"max_distance_m": 9_000}],
        "steps": [{"max_weight_g": 500, "price_cents": 700}],
        "per_kg_cents": 150,
        "max_weight_g": 30_000,
        "transit_days": 2,
        "remote_area_cents": 90,
    }
]


def load(database: Database, **fields: Any) -> None:
    card = {
        "carrier": "correios",
        "currency": "BRL",
        "handling_cents": 90,
        "valid_from": (database.now() + timedelta(hours=1)).isoformat(),
        **fields,
    }
    document = Catalogue.model_validate({"skus": [], "warehouses": [], "rate_cards": [card]})
    given.apply(database, load_catalogue, document)


def kept(database: Database) -> list[RateCard]:
    book = database.run(costing.read_book, given.cause())
    return list(book.valid_at(database.now() + timedelta(days=1)))


def test_a_card_by_distance_is_loaded_as_documents_always_said_it(database: Database) -> None:
    load(database, cells=CELLS)

    (card,) = kept(database)
    assert (card.rate_card_id, card.service) == ("correios-1", "standard")
    assert {zone.zone: zone for zone in card.zones} == {
        zone.zone: zone
        for zone in zones_of((Cell(100_000, 1_000, 400), Cell(NO_LIMIT_M, 1_000, 900)))
    }
    assert given.rows(database, "SELECT reason FROM rate_cards") == [("loaded with the catalogue",)]


def test_a_card_by_zones_has_all_that_a_service_may_have(database: Database) -> None:
    load(
        database,
        service="SEDEX",
        packaging_cents=20,
        volume_divisor=6_000,
        fuel_basis_points=1_250,
        minimum_freight_cents=600,
        oversize_mm=1_000,
        oversize_cents=900,
        residential_cents=40,
        max_length_mm=2_000,
        carries=["cold"],
        zones=ZONES,
    )

    (card,) = kept(database)
    assert card.rate_card_id == "correios@SEDEX-1"
    assert (card.packaging_cents, card.volume_divisor, card.carries) == (20, 6_000, ("cold",))
    assert (card.oversize_mm, card.oversize_cents, card.max_length_mm) == (1_000, 900, 2_000)
    assert card.zones == (
        Zone(
            "capital",
            (ZoneRule(max_distance_m=9_000), ZoneRule(to_country="BR", to_postcode="013102")),
            (Step(500, 700),),
            per_kg_cents=150,
            max_weight_g=30_000,
            transit_days=2,
            remote_area_cents=90,
        ),
    )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"zones": [{**ZONES[0], "max_weight_g": 400}]},
            r"^rate_cards\.0\.zones\.0\.max_weight_g: must be above the last step",
        ),
        (
            {"zones": [ZONES[0], {**ZONES[0], "zone": "again"}]},
            r"^rate_cards\.0\.zones\.1\.rules\.0\.zone: the same parcels are of capital already",
        ),
    ],
)
def test_a_card_that_cannot_be_is_refused_by_its_field(
    database: Database, fields: dict[str, Any], said: str
) -> None:
    with pytest.raises(RateCardRefused, match=said):
        load(database, **fields)

    assert kept(database) == []


def test_a_carrier_without_queues_gets_no_rate_card(database: Database) -> None:
    with pytest.raises(RateCardRefused, match=r"^rate_cards\.0\.carrier: 'rocket' has no queues"):
        load(database, carrier="rocket", cells=CELLS)

    assert kept(database) == []


@pytest.mark.parametrize("fields", [{}, {"cells": CELLS, "zones": ZONES}])
def test_prices_have_one_form(fields: dict[str, Any]) -> None:
    card = {
        "carrier": "correios",
        "currency": "BRL",
        "handling_cents": 90,
        "valid_from": "2026-01-01T00:00:00Z",
        **fields,
    }
    body = Catalogue.model_construct(skus=(), warehouses=(), rate_cards=(card,))

    with pytest.raises(Malformed, match="either cells or zones are wanted"):
        Catalogue.decode(body.model_dump_json(warnings=False).encode())
