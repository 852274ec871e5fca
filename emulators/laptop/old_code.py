"""`test-old-code`: an older revision's database tests, on the schema that today's migrations make.

While a deployment is under way, and after it is rolled back, code of the revision before runs on a
schema that is migrated already. So its tests are run as they were, by its own code, with nothing
exchanged but the folder of migrations.
"""

import argparse
import io
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from emulators.laptop.cli import UserMistake
from emulators.laptop.stack import ROOT

FORWARDS = True  # what the parser does not know is for pytest

MIGRATIONS = "shared/platform/migrations"
# Whose tests use the database. What a migration itself is tested for is today's business.
FOLDERS = ("api", "carriers", "costing", "edge", "flows", "letters", "ops", "orders", "platform",
           "stock", "tracking")  # fmt: skip
LEFT_OUT = ("tests/platform/test_migrations.py", "tests/platform/test_migration_*.py")
NO_TESTS = 5  # pytest's exit code where it found none


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `test-old-code` takes."""
    parser.add_argument("revision", metavar="REV", help="a commit, tag or branch of this checkout")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")


def run(arguments: argparse.Namespace) -> int:
    """Run the old tests; exit code 0 when all passed."""
    folder = Path(tempfile.mkdtemp(prefix="dispatch-old-code-")).resolve()
    folder.chmod(0o755)  # Postgres, which is not root, has to come here
    try:
        lay_out(ROOT, arguments.revision, folder)
        added = new_migrations(ROOT, arguments.revision)
        names = ", ".join(added) or "none"
        sys.stderr.write(f"Migrations since {arguments.revision}: {names}.\n")
        code = test(folder, arguments.forwarded, as_json=arguments.json)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if arguments.json:
        found = {"revision": arguments.revision, "migrations": added, "passed": code == 0}
        sys.stdout.write(json.dumps(found) + "\n")
    return code


def lay_out(root: Path, revision: str, folder: Path) -> None:
    """Put the tree of `revision` into `folder`, with the migrations that `root` has now.

    Raises:
        UserMistake: `root` is no git checkout, or has no such revision.
    """
    tree = _git(root, "archive", "--format=tar", revision)
    with tarfile.open(fileobj=io.BytesIO(tree)) as archive:
        archive.extractall(folder, filter="data")
    shutil.rmtree(folder / MIGRATIONS)
    kept = shutil.ignore_patterns("__pycache__")
    shutil.copytree(root / MIGRATIONS, folder / MIGRATIONS, ignore=kept)


def new_migrations(root: Path, revision: str) -> list[str]:
    """The migrations that `root` has and `revision` had not, by name.

    Raises:
        UserMistake: as for `lay_out`.
    """
    listed = _git(root, "ls-tree", "--name-only", revision, f"{MIGRATIONS}/versions/").decode()
    old = {Path(line).name for line in listed.splitlines()}
    now = {path.name for path in (root / MIGRATIONS / "versions").glob("[0-9]*.py")}
    return sorted(Path(name).stem for name in now - old)


def test(folder: Path, words: Sequence[str], *, as_json: bool) -> int:
    """Run pytest in `folder` on its quick tests, or on what `words` name. Returns its exit code."""
    chosen = list(words)
    if not any((folder / word.partition("::")[0]).exists() for word in words):
        chosen += ["-m", "quick", *(f"--ignore-glob={folder / pattern}" for pattern in LEFT_OUT)]
        chosen += [f"tests/{name}" for name in FOLDERS if (folder / "tests" / name).is_dir()]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen],
        cwd=folder,
        check=False,
        stdout=sys.stderr if as_json else None,
    )
    if ran.returncode == NO_TESTS:
        raise UserMistake("There are no such tests in that revision.")
    return ran.returncode


def _git(root: Path, *words: str) -> bytes:
    ran = subprocess.run(["git", "-C", root, *words], capture_output=True, check=False)
    if ran.returncode != 0:
        said = ran.stderr.decode(errors="replace").strip().splitlines()
        raise UserMistake(f"git could not do it: {said[-1] if said else 'it does not say why'}.")
    return ran.stdout
