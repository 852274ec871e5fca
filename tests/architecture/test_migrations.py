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
