"""The import rules of pyproject.toml hold, cover every package, and each of them has teeth."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from emulators.laptop.stack import ROOT

# where, what is imported there, and the rule that forbids it
FORBIDDEN = [
    ("shared/orders/store.py", "shared.stock.store", "one way"),
    ("shared/flows/place_order.py", "shared.edge.http", "one way"),
    ("shared/platform/db.py", "shared.orders.types", "one way"),
    ("shared/kit/ids.py", "shared.contracts.base", "one way"),
    ("shared/placement/engine.py", "sqlalchemy", "are pure"),
    ("shared/tracking/fold.py", "shared.platform.db", "are pure"),
    ("emulators/google/tokens.py", "shared.kit.clock", "cannot share our mistakes"),
    ("shared/flows/buy_label.py", "emulators.bootstrap", "product knows nothing of the laptop"),
    ("shared/flows/buy_label.py", "infra.release.judge", "nor of how it is deployed"),
    (
        "infra/release/traffic.py",
        "shared.kit.ids",
        "knows nothing of the laptop, and of the product",
    ),
    ("shared/tracking/fold.py", "easypost", "vendor's client has one importer"),
    ("shared/people/types.py", "pyotp", "checked in one place"),
    ("shared/edge/http.py", "opentelemetry", "Telemetry's kit"),
]
_HEADING = re.compile(r"^(\w.+)\n---+\n", re.MULTILINE)


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    """import-linter in a process of its own, so that it reads the files below `root`."""
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [program, "--no-cache"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": "", "NO_COLOR": "1", "COLUMNS": "500", "PYTHONIOENCODING": "utf-8"},
    )


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is said about a copy of the house with all of these imports, by rule."""
    root = tmp_path_factory.mktemp("house")
    shutil.copy(ROOT / "pyproject.toml", root)
    for folder in ("functions", "shared", "emulators", "infra"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for path, imported, _ in FORBIDDEN:
        with (root / path).open("a") as file:
            file.write(f"\nimport {imported}\n")
    linted = lint(root)
    assert linted.returncode == 1, linted.stdout + linted.stderr
    _, _, said = linted.stdout.partition("Broken contracts\n")
    _, *parts = _HEADING.split(said)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_the_import_rules_hold() -> None:
    linted = lint(ROOT)

    assert linted.returncode == 0, linted.stdout


@pytest.mark.parametrize(("path", "imported", "rule"), FORBIDDEN)
def test_a_forbidden_import_is_caught(
    found: dict[str, str], path: str, imported: str, rule: str
) -> None:
    # Goal: a rule that never fails proves nothing; every contract must find what it is there for.
    (complaint,) = (said for name, said in found.items() if rule in name)
    module = path.removesuffix(".py").replace("/", ".")

    assert f"{module} -> {imported} (" in complaint


def test_every_rule_is_shown_to_find_something(found: dict[str, str]) -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]

    assert found.keys() == {contract["name"] for contract in contracts["contracts"]}


def test_every_package_of_the_house_has_its_layer() -> None:
    # Goal: a new feature must not escape the rules because nobody wrote its name down.
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = (c["layers"] for c in contracts["contracts"] if c["type"] == "layers")
    named = {name.strip() for layer in layers for name in layer.split("|")}
    packages = {f"shared.{path.parent.name}" for path in (ROOT / "shared").glob("*/__init__.py")}

    assert packages | {"functions", "shared.wiring"} == named
