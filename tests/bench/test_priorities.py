"""`bench priorities` from end to end, small, and what its figures are made of.

How long anything waited says nothing here: the machine is shared and the run is short.
"""

from pathlib import Path
from typing import Any

import pytest

from emulators.bench import priorities
from emulators.bench.priorities import QUICK, SHARE, Aged, Flooded
from tests.bench.running import quick_run
from tests.laptop.conftest import directory

__all__ = ["directory"]


@pytest.mark.slow
def test_a_quick_run_measures_the_flood_and_the_ageing_and_leaves_nothing(directory: Path) -> None:
    found = quick_run("priorities", directory, timeout_s=400)

    assert found["machine"]["bulk_orders"] == QUICK.flood
    figures = {figure["what"]: figure for figure in found["figures"]}
    _check_flood(figures)
    _check_ageing(figures)


def _check_flood(figures: dict[str, dict[str, Any]]) -> None:
    for priority in ("express", "standard"):
        for where in ("in its queue", "at intake"):
            slow = figures[f"{priority} p95, bulk {where}"]
            assert min(slow["value"], slow["floor"]) > 0
            assert slow["met"] == (slow["ratio"] <= priorities.SLOWED)
    assert figures["bulk placed meanwhile"]["value"] > 0  # it was a flood, and it moved


def _check_ageing(figures: dict[str, dict[str, Any]]) -> None:
    # Goal: rule and setting both hold. With the usual two hours nobody would be placed here at all.
    wait = figures["standard p95, queue stands still"]
    assert wait["floor"] == QUICK.limit_s * 1e3
    assert SHARE * QUICK.limit_s * 1e3 <= wait["value"] <= wait["floor"]


def test_a_flood_is_compared_with_the_quiet_rounds_of_the_same_priority() -> None:
    found = Flooded()
    for waits, slower in ((found.quiet, 1.0), (found.queued, 2.0), (found.arriving, 9.0)):
        waits["express"] = [[slower * n for n in range(100, 0, -1)]]
        waits["standard"] = [[slower * n * 10 for n in range(100, 0, -1)]]
    found.placed_per_s = [7.0]

    figures = {figure.what: figure for figure in priorities._flood_figures(found)}

    express = figures["express p95, bulk in its queue"]
    assert (express.value, express.floor, express.ratio, express.met) == (190.0, 95.0, 2.0, True)
    standard = figures["standard p95, bulk at intake"]
    assert (standard.floor, standard.ratio, standard.met) == (950.0, 9.0, False)
    assert figures["express p50, bulk at intake"].met is None


def test_a_promoted_order_is_compared_with_the_longest_wait() -> None:
    found = Aged(limit_s=40, promoted=[[40 * 300.0]], overtaken=[180.0])

    wait, overtaken = priorities._ageing_figures(found)

    assert (wait.ratio, wait.met) == (0.3, True)
    assert (overtaken.value, overtaken.floor) == (180.0, None)
