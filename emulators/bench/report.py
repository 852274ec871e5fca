"""The figures of a benchmark: for people a table, for programs the JSON object of DESIGN.md."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from emulators.bench.machine import machine

Progress = Callable[[str], None]

DECIMALS = 3


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured quantity, with what the machine allowed in the same rounds.

    `goal` is the least ratio to the floor that is wanted, or the highest where less is better
    (`at_most`); None where nothing was promised.
    """

    what: str
    unit: str
    rounds: Sequence[float]
    floor_rounds: Sequence[float] = ()
    goal: float | None = None
    at_most: bool = False

    @property
    def value(self) -> float:
        """The median of the rounds."""
        return round(median(self.rounds), DECIMALS)

    @property
    def floor(self) -> float | None:
        """The median of the floor's rounds; None when the figure has no floor."""
        return round(median(self.floor_rounds), DECIMALS) if self.floor_rounds else None

    @property
    def ratio(self) -> float | None:
        """The value as a share of the floor."""
        return round(self.value / self.floor, DECIMALS) if self.floor else None

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None where there is none."""
        if self.goal is None or self.ratio is None:
            return None
        return self.ratio <= self.goal if self.at_most else self.ratio >= self.goal

    def as_json(self) -> dict[str, Any]:
        """The figure, and the values of all its rounds."""
        return {
            "what": self.what,
            "value": self.value,
            "unit": self.unit,
            "floor": self.floor,
            "ratio": self.ratio,
            "goal": self.goal,
            "at_most": self.at_most,
            "met": self.met,
            "rounds": [round(value, DECIMALS) for value in self.rounds],
            "floor_rounds": [round(value, DECIMALS) for value in self.floor_rounds],
        }


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the time that one piece of work takes.

    `count` is how often it comes in one piece of work, `client_us` what it takes in all as the
    client sees it, `server_us` how much of that the database spent executing (None: not known).
    """

    what: str
    count: float
    client_us: float
    server_us: float | None = None

    def as_json(self) -> dict[str, Any]:
        """The part with its times in microseconds, to one decimal."""
        server_us = None if self.server_us is None else round(self.server_us, 1)
        return {
            "what": self.what,
            "count": round(self.count, 2),
            "client_us": round(self.client_us, 1),
            "server_us": server_us,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """What a benchmark found. `faults` are sentences; a report with any is a failure."""

    benchmark: str
    figures: Sequence[Figure]
    facts: Mapping[str, str | int | float]  # about the machine and the servers that were measured
    faults: Sequence[str] = ()
    breakdown: Sequence[Part] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """The object of DESIGN.md, with the faults and the breakdown beside the figures."""
        return {
            "benchmark": self.benchmark,
            "figures": [figure.as_json() for figure in self.figures],
            "machine": {**machine(), **self.facts},
            "faults": list(self.faults),
            "breakdown": [part.as_json() for part in self.breakdown],
        }


def show(report: Report, console: Console) -> None:
    """Print the report for people."""
    console.print(_figures(report.figures))
    if report.breakdown:
        console.print(_breakdown(report.breakdown))
    for name, fact in {**machine(), **report.facts}.items():
        console.print(f"[dim]{name.replace('_', ' ')}: {fact}[/dim]")
    for fault in report.faults:
        console.print(f"[red]{fault}[/red]")


def _figures(figures: Sequence[Figure]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("what")  # wraps where there is little room: the figures never do
    for heading in ("value", "floor", "ratio", "goal"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("met", no_wrap=True)
    for figure in figures:
        table.add_row(
            figure.what,
            _number(figure.value),
            _number(figure.floor),
            "" if figure.ratio is None else f"{figure.ratio:.2f}",
            _goal(figure),
            figure.unit,
            {True: "yes", False: "not yet", None: ""}[figure.met],
        )
    return table


def _breakdown(parts: Sequence[Part]) -> Table:
    whole_us = sum(part.client_us for part in parts)
    table = Table(title="\nwhere the time of one goes", title_justify="left", box=None)
    table.add_column("part", max_width=44)
    for heading in ("times", "us", "share", "us on the server"):
        table.add_column(heading, justify="right")
    for part in parts:
        table.add_row(
            part.what,
            f"{part.count:.3g}",
            f"{part.client_us:.0f}",
            f"{part.client_us / whole_us:.0%}",
            "" if part.server_us is None else f"{part.server_us:.0f}",
        )
    table.add_row("[bold]all[/bold]", "", f"{whole_us:.0f}", "100%", "")
    return table


def _goal(figure: Figure) -> str:
    if figure.goal is None:
        return ""
    return f"{'≤ ' if figure.at_most else ''}{figure.goal:.2f}"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
