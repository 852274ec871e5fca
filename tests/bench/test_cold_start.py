"""`bench cold-start` from end to end, small, and that imports stay what they are."""

from pathlib import Path

import pytest

from emulators.bench import cold_start
from tests.bench.running import quick_run
from tests.laptop.conftest import directory

__all__ = ["directory"]


@pytest.mark.slow
def test_a_quick_run_measures_one_function_beside_the_framework(directory: Path) -> None:
    found = quick_run(
        "cold-start", directory, "--function", "outbox_relay", "--breakdown", timeout_s=300
    )

    (figure,) = found["figures"]
    assert figure["what"] == found["machine"]["heaviest"] == "outbox_relay"
    assert figure["value"] > figure["floor"] > 0  # it loads the framework, and more
    assert figure["met"] == (figure["ratio"] <= cold_start.GOAL)
    packages = {part["what"] for part in found["breakdown"]}
    assert {"pydantic", "the standard library", "all others"} <= packages


@pytest.mark.parametrize(
    ("module", "package"),
    [
        ("json.decoder", "the standard library"),
        ("pydantic.main", "pydantic"),
        ("google.auth.jwt", "google.auth"),
        ("shared.platform.db", "shared.platform"),
        ("shared", "shared"),
    ],
)
def test_imports_are_summed_up_by_whose_they_are(module: str, package: str) -> None:
    assert cold_start._package(module) == package
