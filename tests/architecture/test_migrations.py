"""Migrations come one after the other, and none of them waits for a lock without an end."""

import re
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from emulators.laptop.stack import ROOT

FOLDER = ROOT / "shared/platform/migrations"
FILES = sorted(path for path in (FOLDER / "versions").glob("*.py") if path.stem != "__init__")
NAME = re.compile(r"^(\d{4})_[a-z0-9_]+$")
LIMIT = re.compile(r"^    op\.execute\(\"SET LOCAL lock_timeout = '\d+s'\"\)$", re.MULTILINE)
FIRST_OPERATION = re.compile(r"^    op\.\w+\(.*$", re.MULTILINE)


MAKES = re.compile(r"\bCREATE TABLE (?:IF NOT EXISTS )?(\w+)")
INDEXES = re.compile(r"\bCREATE (?:UNIQUE )?INDEX (?:IF NOT EXISTS )?\w+\s+ON (\w+)")
PARTS = re.compile(r'^(\w+) = """(.*?)"""', re.MULTILINE | re.DOTALL)
CONCURRENTLY = re.compile(r"\bindexes\.create\((\w+)\)")
CONCURRENTLY_EACH = re.compile(r"for (?:\w+) in \((.*?)\):\n +indexes\.create\(")
# Whatever came before was there before anybody had a table of a million rows.
SINCE = "0021"


def stops_writes(source: str) -> list[str]:
    """The tables, made by other migrations, that cannot be written to while this one indexes them.

    What is made by `indexes.create` is the text of a name, or each of several in a loop.
    """
    made = set(MAKES.findall(source))
    texts = dict(PARTS.findall(source))
    asked = set(CONCURRENTLY.findall(source))
    for several in CONCURRENTLY_EACH.findall(source):
        asked |= set(re.findall(r"\w+", several))
    return [
        table
        for name, text in texts.items()
        if name not in asked
        for table in INDEXES.findall(text)
        if table not in made
    ]


def sets_lock_timeout_first(source: str) -> bool:
    """Whether the first thing that a migration does is to limit how long it waits for locks."""
    first = FIRST_OPERATION.search(source)
    return first is not None and LIMIT.match(source, first.start()) is not None


def scripts() -> ScriptDirectory:
    """The migrations as Alembic reads them."""
    settings = Config()
    settings.set_main_option("script_location", str(FOLDER))
    return ScriptDirectory.from_config(settings)


def test_the_files_are_numbered_without_a_gap() -> None:
    numbers = [found[1] for path in FILES if (found := NAME.match(path.stem))]

    assert numbers == [f"{number:04}" for number in range(1, len(FILES) + 1)]


def test_there_is_one_head_and_each_migration_follows_the_one_before_it() -> None:
    revisions = list(scripts().walk_revisions())

    assert len(scripts().get_heads()) == 1
    assert [(r.revision, r.down_revision) for r in reversed(revisions)] == [
        (f"{n:04}", f"{n - 1:04}" if n > 1 else None) for n in range(1, len(FILES) + 1)
    ]


@pytest.mark.parametrize("path", [*FILES, FOLDER / "script.py.mako"], ids=lambda path: path.name)
def test_a_migration_limits_how_long_it_waits_before_it_does_anything(path: Path) -> None:
    # Goal: ALTER TABLE that waits behind a long query makes every query behind it wait as well.
    assert sets_lock_timeout_first(path.read_text())


@pytest.mark.parametrize(
    "source",
    [
        'def upgrade():\n    op.execute("CREATE TABLE mugs ()")\n',
        (
            'def upgrade():\n    op.execute("CREATE TABLE mugs ()")\n'
            "    op.execute(\"SET LOCAL lock_timeout = '3s'\")\n"
        ),
        "def upgrade():\n    op.execute(\"SET LOCAL lock_timeout = '0'\")\n",
        "def upgrade():\n    pass\n",
    ],
)
def test_a_migration_that_may_wait_for_ever_is_found(source: str) -> None:
    assert not sets_lock_timeout_first(source)


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.stem >= SINCE], ids=lambda path: path.name
)
def test_a_table_that_is_in_use_is_indexed_while_others_write(path: Path) -> None:
    # Goal: an index on a million rows takes seconds, and whoever writes gives up after three.
    assert stops_writes(path.read_text()) == []


@pytest.mark.parametrize(
    ("made", "done", "tables"),
    [
        ("CREATE INDEX by_x ON mugs (x);", "op.execute(PART)", ["mugs"]),
        ("CREATE UNIQUE INDEX by_x ON mugs (x);", "op.execute(PART)", ["mugs"]),
        ("CREATE TABLE mugs (); CREATE INDEX by_x ON mugs (x);", "op.execute(PART)", []),
        ("CREATE INDEX by_x ON mugs (x);", "indexes.create(PART)", []),
        (
            "CREATE INDEX by_x ON mugs (x);",
            "for part in (PART, OTHER):\n        indexes.create(part)",
            [],
        ),
        (
            "CREATE INDEX by_x ON mugs (x);",
            "for part in (PART, OTHER):\n        op.execute(part)",
            ["mugs"],
        ),
    ],
)
def test_an_index_that_stops_writes_is_found(made: str, done: str, tables: list[str]) -> None:
    source = f'PART = """\n{made}\n"""\n\n\ndef upgrade() -> None:\n    {done}\n'

    assert stops_writes(source) == tables
