"""Each table has one writer, and a feature reads its own tables only."""

import re
from functools import cache
from pathlib import Path

import pytest

from emulators.laptop import atlas
from emulators.laptop.stack import ROOT
from shared.platform.db import Database
from shared.platform.sql import text

# Messages belong to no feature: the platform module of that name owns its table.
PLATFORM = {
    **{table: f"shared/platform/{table}.py" for table in ("outbox", "inbox", "dead_letters")},
    "live_changes": "shared/platform/live_changes.py",
    "idempotency_keys": "shared/platform/idempotency.py",
    "failed_attempts": "shared/platform/failed_attempts.py",
    "software_costs": "shared/platform/software_costs.py",
}
# Tables that only older code still writes to, until a later migration drops them.
RETIRED = {"rate_card_steps"}
ACROSS = "shared/ops/"  # may look everywhere, and writes nothing


def house(root: Path, **sources: str) -> Path:
    """A house with the tables `mugs` and `pens`, and the given modules below shared/."""
    made = "UP = 'CREATE TABLE mugs (); CREATE TABLE pens ()'"
    files = {"platform__migrations__versions__0001_all": made, **sources}
    for name, source in files.items():
        path = root / "shared" / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return root


@cache
def writers_here() -> dict[str, frozenset[str]]:
    """Who writes to each table of ours; every module is read for it."""
    return atlas.writers(ROOT)


def test_each_table_is_written_by_exactly_one_store() -> None:
    wrong = {
        table: sorted(modules)
        for table, modules in writers_here().items()
        if len(modules) != (0 if table in RETIRED else 1)
        or not all(
            module == PLATFORM.get(table, module)
            and (table in PLATFORM or _is_store_of(table, module))
            for module in modules
        )
    }

    assert wrong == {}


def test_only_its_feature_and_ops_read_a_table() -> None:
    # Goal: what a feature needs of another comes through a flow, so tables stay free to change.
    writers = writers_here()
    strangers = {
        table: sorted(others)
        for table, readers in atlas.readers(ROOT).items()
        if (
            others := {
                module
                for module in readers - writers[table]
                if not module.startswith(ACROSS)
                and _folder(module) not in {_folder(writer) for writer in writers[table]}
            }
        )
    }

    assert strangers == {}


def test_ops_writes_nothing() -> None:
    writing = [t for t, names in writers_here().items() if any(ACROSS in n for n in names)]

    assert writing == []


def test_the_migrations_make_the_tables_that_the_rules_are_checked_for(database: Database) -> None:
    # Goal: a table that the reader of migrations overlooks would have no owner at all.
    # Parts of a table are written through it, and are none of their own.
    rows = database.statement(
        text("""
            SELECT relname FROM pg_class
             WHERE relkind IN ('r', 'p') AND NOT relispartition
               AND relnamespace = 'public'::regnamespace
        """)
    )

    assert {row.relname for row in rows} - {"alembic_version"} == set(atlas.tables(ROOT))


@pytest.mark.parametrize(
    "source",
    [
        "Q = 'INSERT INTO mugs (a) VALUES (:a)'",
        "Q = '''\n   update mugs SET a = :a\n'''",
        "Q = f'DELETE FROM ONLY mugs WHERE {x}'",
        "Q = text('TRUNCATE TABLE mugs')",
        "Q = 'COPY mugs FROM STDIN'",
        "def f(): return 'MERGE INTO mugs USING pens'",
    ],
)
def test_a_statement_that_writes_is_found(tmp_path: Path, source: str) -> None:
    written = atlas.writers(house(tmp_path, cups__store=source))

    assert written == {"mugs": {"shared/cups/store.py"}, "pens": set()}


@pytest.mark.parametrize(
    "source",
    [
        "'''Whoever wants to UPDATE mugs has to ask.'''",
        "Q = 'SELECT a FROM mugs FOR UPDATE OF mugs SKIP LOCKED'",
        "Q = 'SELECT a FROM mugs ORDER BY a FOR NO KEY UPDATE'",
        "Q = 'the mugs'",
    ],
)
def test_a_statement_that_reads_or_a_sentence_is_no_write(tmp_path: Path, source: str) -> None:
    assert atlas.writers(house(tmp_path, cups__store=source)) == {"mugs": set(), "pens": set()}


def test_a_second_writer_is_found(tmp_path: Path) -> None:
    root = house(tmp_path, cups__store="Q = 'DELETE FROM mugs'", ops__views="Q = 'UPDATE mugs SET'")

    assert atlas.writers(root)["mugs"] == {"shared/cups/store.py", "shared/ops/views.py"}


def test_a_reader_is_found(tmp_path: Path) -> None:
    root = house(tmp_path, cups__store="Q = 'SELECT 1 FROM pens LEFT JOIN mugs USING (a)'")

    assert atlas.readers(root) == {t: {"shared/cups/store.py"} for t in ("mugs", "pens")}


def _is_store_of(table: str, module: str) -> bool:
    """A feature's store, or the module of the feature that has the table's name."""
    parts = module.split("/")
    return len(parts) == 3 and parts[0] == "shared" and parts[2] in {"store.py", f"{table}.py"}


def _folder(module: str) -> str:
    return module.rpartition("/")[0]


# What refers to them has no foreign key that would hold them: see decision 62.
NEVER_DELETED = ("orders", "parcels", "warehouses", "rate_cards")
DELETED = re.compile(r"\b(?:DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?)\s+(\w+)", re.IGNORECASE)


def test_what_parcels_and_items_refer_to_is_never_deleted() -> None:
    deleted = {
        table: path.name
        for path in (ROOT / "shared").rglob("*.py")
        for table in DELETED.findall(path.read_text())
        if table in NEVER_DELETED
    }

    assert deleted == {}
