"""`bench tracking` from end to end, small, and what it sends.

How fast it is says nothing here: the machine is shared and the run is short.
"""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from emulators.bench import tracking
from emulators.bench.payloads import RECORDED, STEPS, WAY, event, made, recorded
from emulators.laptop.cli import UserMistake
from shared.tracking.vendors.easypost import EASYPOST
from tests.bench.running import quick_run
from tests.laptop.conftest import directory

__all__ = ["directory"]

T0 = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)


def written(folder: Path, *rows: tuple[str, Any]) -> Path:
    """A folder of recorded payloads: who sent each, and what."""
    with gzip.open(folder / RECORDED, "wt") as file:
        for number, (carrier, payload) in enumerate(rows):
            row = {"id": number, "carrier": carrier, "payload": json.dumps(payload)}
            file.write(json.dumps(row) + "\n")
    return folder


@pytest.mark.slow
def test_a_quick_run_measures_both_beside_their_floors_and_leaves_nothing(
    directory: Path, tmp_path: Path
) -> None:
    data = written(tmp_path, ("easypost", {"trackers": [made("A", T0), made("B", T0, 3)]}))

    found = quick_run("tracking", directory, "--data", str(data), timeout_s=300)

    assert found["machine"]["recorded_trackers"] == 2
    figures = {figure["what"]: figure for figure in found["figures"]}
    kinds = (
        *tracking.ACKNOWLEDGED.values(), *tracking.IN_TIME.values(), *tracking.FOLDED.values(),
    )  # fmt: skip
    assert figures.keys() == {kind.what for kind in kinds}
    assert all(min(figure["value"], figure["floor"]) > 0 for figure in figures.values())
    for kind in tracking.IN_TIME.values():
        allowed = figures[kind.what]
        assert allowed["floor"] == tracking.ALLOWED_MS == 50
        assert allowed["met"] == (allowed["ratio"] <= 1)


def test_a_made_history_grows_from_the_label_to_the_door_and_is_documented() -> None:
    reports = [EASYPOST.read(event(made("CODE", T0, length))) for length in STEPS]

    assert STEPS[-1] == len(WAY)
    for report, length in zip(reports, STEPS, strict=True):
        assert report is not None
        assert len(report.updates) == length
        assert all(update.is_documented for update in report.updates)
        assert reports[-1] is not None
        assert set(report.updates) <= set(reports[-1].updates)


def test_recorded_trackers_are_found_wherever_they_stand(tmp_path: Path) -> None:
    data = written(
        tmp_path,
        ("easypost", made("ALONE", T0)),
        ("easypost", {"trackers": [made("FIRST", T0), made("SECOND", T0)]}),
        ("easypost", {"description": "tracker.updated", "result": made("TOLD", T0)}),
        ("easypost", {"object": "Webhook", "url": "https://x.test"}),
        ("ups", {"trackResponse": {}}),
    )

    found = recorded(data)

    assert [one["tracking_code"] for one in found.trackers] == ["ALONE", "FIRST", "SECOND", "TOLD"]
    assert (found.others, found.faults) == (1, [])


def test_what_is_not_read_or_in_no_table_is_a_fault(tmp_path: Path) -> None:
    strange = made("STRANGE", T0, 1)
    strange["tracking_details"][0]["status"] = "teleported"
    broken = made("BROKEN", T0, 1)
    broken["tracking_details"][0]["datetime"] = "yesterday"
    data = written(tmp_path, ("easypost", strange), ("easypost", broken))

    first, second = recorded(data).faults

    assert "STRANGE: teleported/label_created is in no table" in first
    assert "BROKEN cannot be read" in second
    assert "datetime" in second


def test_a_folder_without_them_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(UserMistake, match="cannot be read"):
        recorded(tmp_path)
    with pytest.raises(UserMistake, match="no tracker of easypost"):
        recorded(written(tmp_path, ("ups", {})))
