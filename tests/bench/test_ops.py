"""`bench ops` from end to end, small. How fast it is says nothing here."""

from pathlib import Path

import pytest

from emulators.bench import ops
from tests.bench.running import quick_run
from tests.laptop.conftest import directory

__all__ = ["directory"]


@pytest.mark.slow
def test_a_quick_run_measures_pages_and_viewers(directory: Path) -> None:
    found = quick_run("ops", directory, timeout_s=240)

    kinds = (
        *ops.TOOK.values(), *ops.ALLOWED.values(), *ops.SPENT.values(), ops.TOLD, ops.TOLD_MIDDLE,
        ops.TOLD_AMONG, ops.TOLD_ALL, ops.READS, ops.BUSY, ops.STREAM_BUSY, ops.STREAM_MEMORY,
    )  # fmt: skip
    assert {figure["what"] for figure in found["figures"]} == {kind.what for kind in kinds}
    assert all(figure["floor_rounds"] for figure in found["figures"])
    assert found["machine"]["stored_orders"] == ops.QUICK.orders
