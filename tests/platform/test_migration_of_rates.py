"""Migration 0013 on a database with a past: bands become zones, and code from before goes on."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from alembic import command
from alembic.config import Config as AlembicConfig
from hypothesis import HealthCheck, settings
from hypothesis import given as drawn
from hypothesis import strategies as st
from sqlalchemy import Connection
from sqlalchemy import text as alembics
from sqlalchemy.engine import make_url

from emulators.laptop.stack import ROOT
from shared.costing.bands import Cell, zones_of
from shared.costing.store import read_book
from shared.costing.types import NO_LIMIT_M, ChargeKind, Step, Zone
from shared.kit.clock import utc_now
from shared.kit.ids import new_id
from shared.platform.config import Config
from shared.platform.db import Database, connect
from shared.platform.migrate import engine_for
from shared.platform.sql import text
from tests.support import database as support
from tests.support import given

pytestmark = pytest.mark.slow

# How code from before the migration publishes.
OLD_CARD = alembics("""
    INSERT INTO rate_cards (rate_card_id, carrier, version, currency, handling_cents, valid_from)
    VALUES (:rate_card_id, 'post', :version, 'EUR', 90, :valid_from)
""")
OLD_STEPS = alembics("""
    INSERT INTO rate_card_steps (rate_card_id, max_distance_m, max_weight_g, price_cents)
    SELECT :rate_card_id, max_distance_m, max_weight_g, price_cents
      FROM unnest(CAST(:distances AS integer[]), CAST(:weights AS integer[]),
                  CAST(:prices AS integer[])) AS step (max_distance_m, max_weight_g, price_cents)
""")
BANDS = (
    Cell(100_000, 1_000, 400),
    Cell(100_000, 5_000, 700),
    Cell(NO_LIMIT_M, 1_000, 900),
    Cell(NO_LIMIT_M, 10_000, 1_500),
)
PAST = """
    INSERT INTO warehouses VALUES ('BER', '{}', 0, 0);
    INSERT INTO orders (order_id, channel, revision, fingerprint, state, priority, currency,
                        destination, lat, lon, ordered_at, promised_at, accepted_at, asked_priority,
                        asked_at, correlation_id, placed_at)
    VALUES ('old', 'web', 1, 'f', 'placed', 'bulk', 'EUR', '{}', 0, 0, now(), now(), now(), 'bulk',
            now(), 'c', now());
    INSERT INTO parcels (parcel_id, order_id, warehouse, carrier, rate_card_id, state, weight_g,
                         distance_m, quoted_cents, planned_at, tracking_code, cancelled_at)
    VALUES ('kept', 'old', 'BER', 'post', 'post-1', 'labelled', 1, 0, 490, now(), 't1', NULL),
           ('back', 'old', 'BER', 'post', 'post-1', 'cancelled', 1, 0, 490, now(), NULL, now());
    INSERT INTO labels (label_id, parcel_id, carrier, state, requested_at, bought_at, voided_at,
                        vendor_shipment_id, tracking_code, amount_cents, currency)
    VALUES ('l1', 'kept', 'post', 'bought', now(), now(), NULL, 's1', 't1', 380, 'EUR'),
           ('l2', 'back', 'post', 'voided', now(), now(), now(), 's2', 't2', 380, 'EUR');
    INSERT INTO charges VALUES ('kept', 'old', 'freight', 'charge', 400, 'EUR', 'post-1', now());
"""


@pytest.fixture
def own(config: Config, database: Database) -> Iterator[Config]:
    """Settings of a database of its own that code from before has used."""
    name = new_id("rates")
    database.statement(text(f"CREATE DATABASE {name}"))
    found = elsewhere(config, name)
    upgrade(found, "0012")
    with engine_for(found).begin() as connection:
        publish(connection, 1, BANDS)
        for statement in PAST.split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)
    upgrade(found, "0013")
    yield found
    database.statement(text(f"DROP DATABASE {name} WITH (FORCE)"))


def elsewhere(config: Config, name: str) -> Config:
    """The same with another database of that server."""
    assert config.database_url is not None
    url = make_url(config.database_url.get_secret_value()).set(database=name)
    return support.settings(url.render_as_string(hide_password=False))


def upgrade(config: Config, revision: str) -> None:
    options = AlembicConfig()
    options.set_main_option("script_location", str(ROOT / "shared/platform/migrations"))
    with engine_for(config).connect() as connection:
        options.attributes["connection"] = connection
        command.upgrade(options, revision)


def publish(connection: Connection, version: int, cells: tuple[Cell, ...]) -> None:
    card = {"rate_card_id": f"post-{version}", "version": version}
    begins = datetime(2026, 1, version, tzinfo=UTC)
    connection.execute(OLD_CARD, {**card, "valid_from": begins})
    connection.execute(
        OLD_STEPS,
        {
            "rate_card_id": card["rate_card_id"],
            "distances": [cell.max_distance_m for cell in cells],
            "weights": [cell.max_weight_g for cell in cells],
            "prices": [cell.price_cents for cell in cells],
        },
    )


def zones(database: Database, version: int) -> dict[str, Zone]:
    book = database.run(read_book, given.cause())
    return {zone.zone: zone for zone in book.versions("post", "standard")[version - 1].zones}


def past_zones(config: Config, version: int) -> dict[str, Zone]:
    with closing(connect(config, utc_now)) as database:
        return zones(database, version)


def rows(config: Config, sql: str) -> list[tuple[Any, ...]]:
    with closing(connect(config, utc_now)) as database:
        return given.rows(database, sql)


def test_bands_of_the_past_are_zones_that_say_the_same(own: Config) -> None:
    found = past_zones(own, 1)

    assert found == {zone.zone: zone for zone in zones_of(BANDS)}
    assert found["to-100000-m"].steps == (Step(1_000, 400), Step(5_000, 700), Step(10_000, 1_500))


def test_what_labels_cost_is_booked_and_what_was_given_back_too(own: Config) -> None:
    assert rows(
        own, "SELECT parcel_id, entry, amount_cents, currency FROM actual_charges ORDER BY 1, 2"
    ) == [
        ("back", "actual", 380, "EUR"),
        ("back", "refund", -380, "EUR"),
        ("kept", "actual", 380, "EUR"),
    ]
    assert rows(own, "SELECT DISTINCT service, zone, volume_mm3, longest_mm FROM parcels") == [
        ("standard", None, 0, 0)
    ]


def test_older_code_publishes_on_and_newer_code_sees_it(own: Config) -> None:
    # Goal: while both run, a version that the older publishes is known to the newer at once.
    dearer = tuple(Cell(c.max_distance_m, c.max_weight_g, c.price_cents + 1) for c in BANDS)
    with engine_for(own).begin() as connection:
        publish(connection, 2, dearer)

    found = past_zones(own, 2)

    assert found == {zone.zone: zone for zone in zones_of(dearer)}


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@drawn(
    cells=st.lists(
        st.builds(
            Cell, st.sampled_from((1, 2, 3, NO_LIMIT_M)), st.integers(1, 4), st.integers(0, 99)
        ),
        min_size=1,
        max_size=10,
        unique_by=lambda cell: (cell.max_distance_m, cell.max_weight_g),
    )
)
def test_any_bands_are_copied_as_new_code_reads_them_and_made_to_ascend(
    config: Config, database: Database, cells: list[Cell]
) -> None:
    # Oracle: the same in Python, each price raised to those of lighter parcels.
    support.empty(database)
    with engine_for(config).begin() as connection:
        publish(connection, 1, tuple(cells))

    expected = {}
    for zone in zones_of(cells):
        prices = [step.price_cents for step in zone.steps]
        raised = [max(prices[: number + 1]) for number in range(len(prices))]
        expected[zone.zone] = [
            Step(step.max_weight_g, cents) for step, cents in zip(zone.steps, raised, strict=True)
        ]
    assert {name: list(zone.steps) for name, zone in zones(database, 1).items()} == expected


def test_every_kind_of_charge_may_be_booked(database: Database) -> None:
    found = given.rows(
        database,
        """SELECT match[1] FROM pg_constraint,
                  regexp_matches(pg_get_constraintdef(oid), '''([a-z_]+)''::text', 'g') AS match
            WHERE conname = 'charges_kind_check'""",
    )

    assert set(ChargeKind) <= {kind for (kind,) in found}
