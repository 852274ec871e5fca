"""`test-old-code`: the tree of a revision, with today's migrations and nothing else of today."""

import json
import subprocess
import tempfile
from pathlib import Path

import pytest

from emulators.laptop import cli, old_code
from emulators.laptop.cli import UserMistake
from emulators.laptop.old_code import MIGRATIONS, lay_out, new_migrations

GIT = ("git", "-c", "user.name=Tests", "-c", "user.email=tests@example.org")
READS = """
from pathlib import Path

def test_what_old_code_needs_is_there():
    here = Path(__file__).parents[2] / "shared/platform/migrations/versions"
    assert "TABLE orders" in "".join(path.read_text() for path in here.glob("*.py"))
"""


def git(root: Path, *words: str) -> None:
    subprocess.run([*GIT, "-C", str(root), *words], check=True, capture_output=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with one commit, whose only test wants the table orders."""
    house = tmp_path / "house"
    versions = house / MIGRATIONS / "versions"
    versions.mkdir(parents=True)
    (versions / "0001_first.py").write_text("# CREATE TABLE orders\n")
    (house / "shared/code.py").write_text("AGE = 'old'\n")
    (house / "tests/flows").mkdir(parents=True)
    (house / "tests/flows/test_orders.py").write_text(READS)
    (house / "pyproject.toml").write_text("[tool.pytest.ini_options]\nmarkers = ['quick: all']\n")
    (house / "tests/conftest.py").write_text(
        "import pytest\n"
        "def pytest_collection_modifyitems(items):\n"
        "    [item.add_marker(pytest.mark.quick) for item in items]\n"
    )
    git(tmp_path, "init", "-q", str(house))
    git(house, "add", ".")
    git(house, "commit", "-qm", "old")
    (house / "shared/code.py").write_text("AGE = 'new'\n")
    return house


def run(root: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(old_code, "ROOT", root)
    return cli.main(["test-old-code", *words])


def test_the_code_is_the_old_one_and_the_migrations_are_todays(root: Path, tmp_path: Path) -> None:
    (root / MIGRATIONS / "versions/0002_second.py").write_text("# more\n")

    lay_out(root, "HEAD", tmp_path / "old")

    assert (tmp_path / "old/shared/code.py").read_text() == "AGE = 'old'\n"
    assert (tmp_path / "old" / MIGRATIONS / "versions/0002_second.py").exists()
    assert new_migrations(root, "HEAD") == ["0002_second"]


def test_an_additive_migration_passes(
    root: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (root / MIGRATIONS / "versions/0002_second.py").write_text("# CREATE TABLE labels\n")

    code = run(root, monkeypatch, "HEAD", "--json")

    said = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert (code, said) == (
        0,
        {"revision": "HEAD", "migrations": ["0002_second"], "passed": True},
    )


def test_a_migration_that_takes_away_what_old_code_needs_is_found(
    root: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (root / MIGRATIONS / "versions/0001_first.py").write_text("# nothing is left\n")

    assert run(root, monkeypatch, "HEAD") == 1
    assert "test_what_old_code_needs_is_there" in capfd.readouterr().out


def test_a_revision_that_is_not_there_is_said_plainly(root: Path, tmp_path: Path) -> None:
    with pytest.raises(UserMistake, match="git could not do it"):
        lay_out(root, "no-such-revision", tmp_path / "old")


def test_where_there_is_nothing_to_test_that_is_no_success(
    root: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(root, monkeypatch, "HEAD", "-k", "nothing") == 1
    assert "There are no such tests" in capfd.readouterr().err


def test_nothing_is_left_behind(
    root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    run(root, monkeypatch, "HEAD")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["house"]
