"""`bench migration` from end to end, small."""

from pathlib import Path

import pytest

from emulators.bench.migration import GOAL, revisions
from tests.bench.running import quick_run
from tests.laptop.conftest import directory

__all__ = ["directory"]


@pytest.mark.slow
def test_the_newest_migrations_run_beside_others_work_and_break_none_of_it(
    directory: Path,
) -> None:
    since = revisions()[-3]
    found = quick_run("migration", directory, "--from", since, timeout_s=300)

    figures = {figure["what"]: figure for figure in found["figures"]}
    assert found["machine"]["from"] == since
    assert found["machine"]["to"] == revisions()[-1]
    assert figures["transactions meanwhile"]["value"] > 0
    longest = figures["the longest, against lock_timeout"]
    assert longest["floor"] == GOAL
    assert longest["met"] == (longest["ratio"] <= 1)


def test_revisions_come_in_their_order() -> None:
    assert revisions()[0] == "0001"
    assert revisions() == sorted(revisions())
