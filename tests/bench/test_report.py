"""The figures of a benchmark: medians, ratios and goals, and the object that programs read."""

import io

import pytest
from rich.console import Console

from emulators.bench.report import Figure, Part, Report, show
from emulators.laptop import cli


def test_a_figure_quotes_the_median_of_its_rounds_and_of_its_floor() -> None:
    figure = Figure("orders placed", "orders/s", [90.0, 300.0, 100.0], [1_000.0, 250.0, 200.0])

    assert (figure.value, figure.floor, figure.ratio) == (100.0, 250.0, 0.4)


@pytest.mark.parametrize(("goal", "met"), [(0.5, False), (0.4, True), (None, None)])
def test_a_goal_is_the_least_share_of_the_floor(goal: float | None, met: bool | None) -> None:
    assert Figure("orders placed", "orders/s", [100.0], [250.0], goal).met is met


@pytest.mark.parametrize(("goal", "met"), [(2.0, False), (2.5, True), (None, None)])
def test_where_less_is_better_a_goal_is_the_highest_ratio(
    goal: float | None, met: bool | None
) -> None:
    assert Figure("wait p95", "ms", [250.0], [100.0], goal, at_most=True).met is met


def test_a_figure_without_a_floor_has_neither_ratio_nor_verdict() -> None:
    found = Figure("transaction p50", "ms", [3.0, 4.0]).as_json()

    assert found["value"] == 3.5
    assert [found[key] for key in ("floor", "ratio", "goal", "met")] == [None] * 4


def test_people_are_shown_a_goal_that_is_missed_and_every_fault() -> None:
    # Goal: no figure looks better on the screen than it does in the object.
    out = io.StringIO()
    report = Report(
        benchmark="placement",
        figures=[
            Figure("orders placed", "orders/s", [100.0], [250.0], goal=0.5),
            Figure("wait p95", "ms", [100.0], [50.0], goal=3.0, at_most=True),
        ],
        facts={"stock_rows": 7},
        faults=["nothing is oversold: MUG in BER: 3, should be at most 2"],
        breakdown=[Part("commit", 1, 300.0, 20.0), Part("decide", 1, 100.0)],
    )

    show(report, Console(file=out, width=120))

    shown = out.getvalue()
    for expected in ("0.40", "0.50", "not yet", "≤ 3.00", "at most 2", "stock rows: 7", "75%"):
        assert expected in shown


def test_an_unknown_benchmark_is_answered_with_the_names_of_all(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["bench", "speed"])

    assert ended.value.code == 2
    assert "placement" in capsys.readouterr().err
