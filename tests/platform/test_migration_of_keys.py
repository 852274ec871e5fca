"""Keys that shared a name before it was their own: each goes on, known by a name of its own."""

import pytest

from emulators.laptop.stack import ROOT
from shared.kit.ids import new_id
from shared.platform.config import Config
from shared.platform.db import Database
from shared.platform.migrate import engine_for
from shared.platform.sql import text
from tests.platform.test_migration_of_rates import elsewhere, upgrade

pytestmark = pytest.mark.slow
VERSIONS = ROOT / "shared/platform/migrations/versions"
(REVISION,) = (path.name[:4] for path in VERSIONS.glob("*_names_of_keys.py"))
BEFORE = f"{int(REVISION) - 1:04}"
PAST = """
    INSERT INTO api_keys (key_id, name, secret_hash, actions, created_by, created_at, expires_at,
                          revoked_at)
    SELECT key_id, name, '', '{}', 'ada', now() - make_interval(days => 9 - place),
           now() + make_interval(days => good_days), CASE WHEN is_revoked THEN now() END
      FROM (VALUES (1, 'key_1', 'till', -1, false),
                   (2, 'key_2', 'till', 2, false),
                   (3, 'key_3', 'till', 1, false),
                   (4, 'key_4', 'till', 1, true),
                   (5, 'key_5', 'gate', 1, false))
        AS past (place, key_id, name, good_days, is_revoked)
"""


def test_of_keys_that_share_a_name_the_one_that_is_good_for_longest_keeps_it(
    config: Config, database: Database
) -> None:
    name = new_id("keys")
    database.statement(text(f"CREATE DATABASE {name}"))
    own = elsewhere(config, name)
    upgrade(own, BEFORE)
    with engine_for(own).begin() as connection:
        connection.exec_driver_sql(PAST)

    upgrade(own, REVISION)

    with engine_for(own).begin() as connection:
        rows = connection.exec_driver_sql(
            "SELECT key_id, name, revoked_at IS NULL FROM api_keys ORDER BY key_id"
        ).all()
    database.statement(text(f"DROP DATABASE {name} WITH (FORCE)"))
    assert [tuple(row) for row in rows] == [
        ("key_1", "till key_1", True),
        ("key_2", "till", True),
        ("key_3", "till key_3", True),
        ("key_4", "till", False),
        ("key_5", "gate", True),
    ]
