"""Kits of the catalogue: what cannot be is refused, and it is said what can."""

from datetime import timedelta
from typing import Any

import pytest

from shared.contracts.catalogue import Catalogue
from shared.flows.load_catalogue import load_catalogue
from shared.platform.db import Database
from shared.stock.types import KitRefused, UnknownSku
from tests.flows.test_expire_holds import waits
from tests.support import given
from tests.support.clock import TestClock

STATES = "SELECT state FROM orders"


def load(database: Database, *skus: dict[str, Any]) -> None:
    units = [{"weight_g": 500, **sku} for sku in skus]
    document = Catalogue.model_validate({"skus": units, "warehouses": [], "rate_cards": []})
    given.apply(database, load_catalogue, document)


@pytest.mark.parametrize(
    ("components", "said"),
    [
        ({"NONE": 1}, "skus.SET.components.NONE: not in the catalogue"),
        ({"SET": 1}, "skus.SET.components.SET: a kit is made of what lies on shelves"),
        ({"PAIR": 1}, "skus.SET.components.PAIR: .* name the components of PAIR instead"),
    ],
)
def test_a_kit_is_made_of_what_lies_on_shelves(
    database: Database, components: dict[str, int], said: str
) -> None:
    given.catalogue(database, {"BER": {"MUG": 2}})
    given.kit(database, "PAIR", {"MUG": 2})

    with pytest.raises((KitRefused, UnknownSku), match=said):
        load(database, {"sku": "SET", "components": components})


def test_what_lies_on_a_shelf_is_made_no_kit(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 2, "PEN": 1}})

    with pytest.raises(KitRefused, match=r"units of MUG are on hand.* adjust them to 0 first"):
        load(database, {"sku": "MUG", "components": {"PEN": 1}})


@pytest.mark.parametrize("components", [{"MUG": 1}, None])
def test_a_kit_is_released_with_what_it_is_made_of(
    database: Database, clock: TestClock, components: dict[str, int] | None
) -> None:
    # Goal: a date that nobody looks at would be sent before its time.
    given.catalogue(database, {"BER": {"MUG": 2}})
    given.kit(database, "SET", {"MUG": 1})
    later = (clock.now + timedelta(hours=1)).isoformat()
    kit = {"sku": "SET", "released_at": later, "components": components}

    with pytest.raises(KitRefused, match=r"skus.SET.released_at: .* give the date to one of MUG"):
        load(database, kit)

    load(database, {"sku": "MUG", "released_at": later})
    waits(database, "ord_1", {"SET": 1})
    assert given.rows(database, STATES) == [("backordered",)]
    clock.advance(hours=1)
    given.place(database, "ord_1")
    assert given.rows(database, STATES) == [("placed",)]
    load(database, kit)  # it has been


def test_what_is_no_kit_any_more_has_a_release_of_its_own(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 2}})
    given.kit(database, "SET", {"MUG": 1})
    later = (clock.now + timedelta(hours=1)).isoformat()

    load(database, {"sku": "SET", "released_at": later, "components": {}})

    assert given.rows(database, "SELECT count(*) FROM kit_components") == [(0,)]
