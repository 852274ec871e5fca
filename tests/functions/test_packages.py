"""The image holds what pyproject.toml names, so nothing else may be imported there."""

import ast
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator

import pytest
from packaging.utils import canonicalize_name

from emulators.laptop.stack import ROOT

# What is imported -> the package of [project].dependencies that it is a part of.
PACKAGES = {
    "alembic": "alembic",
    "argon2": "argon2-cffi",
    "certifi": "certifi",
    "cryptography": "cryptography",
    "easypost": "easypost",
    "flask": "flask",
    "functions_framework": "functions-framework",
    "google.auth": "google-auth",
    "google.cloud.sql.connector": "cloud-sql-python-connector",
    "google.cloud.storage": "google-cloud-storage",
    "google.cloud.tasks_v2": "google-cloud-tasks",
    "google.pubsub_v1": "google-cloud-pubsub",
    "jinja2": "jinja2",
    "opentelemetry.exporter.otlp.proto.http": "opentelemetry-exporter-otlp-proto-http",
    "opentelemetry.metrics": "opentelemetry-api",
    "opentelemetry.sdk": "opentelemetry-sdk",
    "opentelemetry.trace": "opentelemetry-api",
    "pg8000": "pg8000",
    "pydantic": "pydantic",
    "segno": "segno",
    "pyotp": "pyotp",
    "requests": "requests",
    "shippo": "shippo",
    "sqlalchemy": "sqlalchemy",
}
# What is imported -> the package that brings it along, and documents it as its own interface.
COMES_ALONG = {
    "google.api_core": ("google-cloud-pubsub", "google-api-core"),  # what its clients raise
    "grpc": ("google-cloud-pubsub", "grpcio"),  # the channel that its transports take
    "pydantic_core": ("pydantic", "pydantic-core"),  # what its documents are written as JSON with
    "werkzeug": ("flask", "werkzeug"),  # what Flask's requests raise
}
# Data that the standard library looks for where the machine has none.
READ_BY_THE_LIBRARY = {"tzdata"}
OURS = ("functions", "shared")


def imported(source: str) -> Iterator[str]:
    """The modules that a source imports, wherever in it, without those of the standard library."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] not in sys.stdlib_module_names)


def home_of(module: str) -> str | None:
    """The longest entry of the tables above that `module` lies in."""
    known = [*PACKAGES, *COMES_ALONG, *OURS]
    homes = [name for name in known if module == name or module.startswith(f"{name}.")]
    return max(homes, key=len, default=None)


def dependencies() -> set[str]:
    """The names in [project].dependencies."""
    texts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    return {canonicalize_name(re.split(r"[\[><=]", text)[0]) for text in texts}


def modules_of_the_product() -> set[str]:
    """Everything that functions/ and shared/ import."""
    paths = [path for folder in OURS for path in (ROOT / folder).rglob("*.py")]
    return {module for path in paths for module in imported(path.read_text())}


def test_the_product_imports_only_packages_that_the_image_has() -> None:
    strangers = {module for module in modules_of_the_product() if home_of(module) is None}

    assert strangers == set()


def test_every_package_of_the_image_is_imported() -> None:
    # Goal: a package that nobody uses is only weight and risk.
    homes = {home_of(module) for module in modules_of_the_product()}

    assert set(PACKAGES.values()) | READ_BY_THE_LIBRARY == dependencies()
    assert PACKAGES.keys() - homes == set()


@pytest.mark.parametrize("module", COMES_ALONG)
def test_what_comes_along_is_required_by_the_package_that_brings_it(module: str) -> None:
    package, brought = COMES_ALONG[module]
    required = importlib.metadata.requires(package) or []

    assert package in dependencies()
    assert brought in {canonicalize_name(re.split(r"[^\w.-]", text)[0]) for text in required}


@pytest.mark.parametrize(
    ("source", "home"),
    [
        ("import rich", None),
        ("def f():\n    from google.cloud import bigquery", None),
        ("from google.cloud.sql.connector import Connector", "google.cloud.sql.connector"),
        ("from google.auth import jwt", "google.auth"),
        ("import sqlalchemyx", None),
    ],
)
def test_an_import_finds_its_package_or_none(source: str, home: str | None) -> None:
    assert [home_of(module) for module in imported(source)] == [home]


def test_the_standard_library_is_everywhere() -> None:
    assert (
        list(imported("import json, os.path\nfrom datetime import UTC\nfrom . import near")) == []
    )
