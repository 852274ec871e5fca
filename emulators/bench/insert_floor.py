"""The floor of folding: one row in one transaction, as fast as this Postgres allows."""

import contextlib
from pathlib import Path

from emulators.bench.floor import FloorRun, drive
from emulators.laptop.postgres import Server

# Of the size and the keys of a parcel's history.
SCHEMA = """
CREATE TABLE floor.updates (
    update_id    text PRIMARY KEY,
    status       text        NOT NULL,
    body         text        NOT NULL,
    recorded_at  timestamptz NOT NULL
);
"""
INSERT_ROW = """
INSERT INTO floor.updates
VALUES (gen_random_uuid()::text, 'in_transit', repeat('x', 200), now())
"""


def make_insert_floor(server: Server) -> None:
    """Make its table, in the schema of the other floor."""
    with contextlib.closing(server.connect()) as connection:
        connection.cursor().execute(SCHEMA)


def insert_rows(
    pgbench: Path, server: Server, folder: Path, *, clients: int, duration_s: float
) -> FloorRun:
    """Have `clients` connections of one pgbench insert rows for `duration_s`.

    Raises:
        FloorFailed: pgbench did not run to its end.
    """
    script = f"{INSERT_ROW.strip()};\n"
    return drive(pgbench, server, folder, script, clients=clients, duration_s=duration_s)
