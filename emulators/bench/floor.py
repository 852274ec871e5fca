"""The floor of placement: the minimal honest transaction, as fast as this Postgres allows.

One PL/pgSQL function does what no placement of a two-line order can leave out: lock both balances
in key order, check, reserve, insert the order, its one or two parcels, two allocations and one
outbox row. Its tables lie in a schema of their own, as large as the real ones, and have the same
types and the indexes without which the rows could not be found again; no foreign keys, no history
and no reasons. pgbench drives it, through prepared statements, because a C client costs least.
"""

import contextlib
import os
import re
import resource
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from emulators.bench.shop import FIRST_SKU, PLACES, UNITS_EACH
from emulators.laptop.postgres import Server

# Every SKU lies in every warehouse here, so that the driver may choose both freely.
SCHEMA = """
CREATE SCHEMA floor;
CREATE TABLE floor.stock_levels (
    sku        text    NOT NULL,
    warehouse  text    NOT NULL,
    on_hand    integer NOT NULL,
    reserved   integer NOT NULL DEFAULT 0,
    safety     integer NOT NULL DEFAULT 0,
    PRIMARY KEY (sku, warehouse),
    CHECK (0 <= reserved AND reserved <= on_hand)
) WITH (fillfactor = 70);
CREATE TABLE floor.orders (
    order_id    text PRIMARY KEY,
    state       text        NOT NULL,
    placed_at   timestamptz NOT NULL
);
CREATE TABLE floor.parcels (
    parcel_id   text PRIMARY KEY,
    order_id    text        NOT NULL,
    warehouse   text        NOT NULL,
    state       text        NOT NULL,
    planned_at  timestamptz NOT NULL
);
CREATE INDEX ON floor.parcels (order_id);
CREATE TABLE floor.parcel_items (
    parcel_id  text    NOT NULL,
    line_no    integer NOT NULL,
    sku        text    NOT NULL,
    quantity   integer NOT NULL,
    PRIMARY KEY (parcel_id, line_no)
);
CREATE TABLE floor.outbox (
    outbox_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lane        text        NOT NULL,
    body        text        NOT NULL,
    created_at  timestamptz NOT NULL
);
CREATE FUNCTION floor.place_order(
    first_sku integer, first_place integer, second_sku integer, second_place integer
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    names     text[] := '{%(places)s}';
    skus      text[] := ARRAY['SKU-' || first_sku, 'SKU-' || second_sku];
    places    text[] := ARRAY[names[first_place], names[second_place]];
    new_id    text   := replace(gen_random_uuid()::text, '-', '');
    stocked   integer;
BEGIN
    SELECT count(*) INTO stocked FROM (
        SELECT on_hand - reserved - safety AS available
          FROM floor.stock_levels
         WHERE sku = skus[1] AND warehouse = places[1] OR sku = skus[2] AND warehouse = places[2]
         ORDER BY sku, warehouse
           FOR NO KEY UPDATE) AS locked
     WHERE available >= 1;
    IF stocked < 2 THEN
        RAISE EXCEPTION 'not enough stock';
    END IF;
    UPDATE floor.stock_levels SET reserved = reserved + 1
     WHERE sku = skus[1] AND warehouse = places[1] OR sku = skus[2] AND warehouse = places[2];
    INSERT INTO floor.orders VALUES ('ord_' || new_id, 'placed', now());
    INSERT INTO floor.parcels
    SELECT DISTINCT 'par_' || place || new_id, 'ord_' || new_id, place, 'planned', now()
      FROM unnest(places) AS place;
    INSERT INTO floor.parcel_items
    VALUES ('par_' || places[1] || new_id, 1, skus[1], 1),
           ('par_' || places[2] || new_id, 2, skus[2], 1);
    INSERT INTO floor.outbox (lane, body, created_at)
    VALUES ('topic/order-events/ord_' || new_id,
            '{"order_id":"ord_' || new_id || '","cost_cents":1290,"currency":"EUR"}', now());
END $$;
INSERT INTO floor.stock_levels (sku, warehouse, on_hand)
SELECT 'SKU-' || (%(first_sku)s + number), place, %(units)s
  FROM generate_series(0, %(skus)s - 1) AS number, unnest('{%(places)s}'::text[]) AS place;
"""
# As often as in the real orders one parcel in six does not hold both lines.
SCRIPT = """
\\set first random(0, {skus} - 1)
\\set second (:first + random(1, {skus} - 1)) % {skus}
\\set first_sku {first_sku} + :first
\\set second_sku {first_sku} + :second
\\set first_place random(1, {places})
\\set second_place CASE WHEN random(1, 6) = 1 THEN :first_place % {places} + 1 ELSE :first_place END
SELECT floor.place_order(:first_sku, :first_place, :second_sku, :second_place);
"""
_PLACED = re.compile(r"number of transactions actually processed: (\d+)")
_RATE = re.compile(r"tps = ([\d.]+) \(without initial connection time\)")


class FloorFailed(Exception):
    """The floor could not be measured; the message has what the driver said."""


@dataclass(frozen=True, slots=True)
class FloorRun:
    """What one round of the floor came to."""

    orders_per_s: float  # or whatever its transaction does
    client_cpu_ms: float  # of the driver, per transaction


def make_floor(server: Server, stock_rows: int) -> int:
    """Make the schema `floor` with `stock_rows` balances, and return the number of its SKUs."""
    skus = stock_rows // len(PLACES)
    names = ",".join(PLACES)
    script = SCHEMA % {
        "places": names, "skus": skus, "first_sku": FIRST_SKU, "units": UNITS_EACH,
    }  # fmt: skip
    with contextlib.closing(server.connect()) as connection:
        connection.cursor().execute(script)
    return skus


def run_pgbench(
    pgbench: Path, server: Server, folder: Path, skus: int, *, clients: int, duration_s: float
) -> FloorRun:
    """Have `clients` connections of one pgbench place orders for `duration_s`.

    Raises:
        FloorFailed: pgbench did not run to its end.
    """
    script = SCRIPT.format(skus=skus, first_sku=FIRST_SKU, places=len(PLACES))
    return drive(pgbench, server, folder, script, clients=clients, duration_s=duration_s)


def drive(
    pgbench: Path, server: Server, folder: Path, script: str, *, clients: int, duration_s: float
) -> FloorRun:
    """Have `clients` connections of one pgbench run the script again and again for `duration_s`.

    Raises:
        FloorFailed: pgbench did not run to its end.
    """
    file = folder / "floor.sql"
    file.write_text(script)
    parts = urlsplit(server.url)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = subprocess.run(
        [
            pgbench, "--no-vacuum", "--protocol", "prepared", "--file", file,
            "--client", str(clients), "--jobs", str(min(clients, 2)),
            "--time", str(max(1, round(duration_s))),
            "--host", str(parts.hostname), "--port", str(parts.port),
            "--username", unquote(parts.username or ""), parts.path.lstrip("/"),
        ],
        env={**os.environ, "PGPASSWORD": unquote(parts.password or ""), "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    placed, rate = _PLACED.search(ran.stdout), _RATE.search(ran.stdout)
    if ran.returncode != 0 or placed is None or rate is None:
        raise FloorFailed(f"pgbench failed: {(ran.stderr or ran.stdout).strip()[-500:]}")
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return FloorRun(float(rate[1]), 1e3 * cpu_s / max(1, int(placed[1])))
