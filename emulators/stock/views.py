"""How stock looks: as JSON for programs, as tables for people."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.markup import escape
from rich.table import Table

from emulators.laptop.screen import screen
from shared.drifts.types import KeptDrift
from shared.flows.reconcile_stock import Report
from shared.ops.stock_view import BalanceRow
from shared.stock.types import SHUT

Document = dict[str, Any]
_FIGURES = ("on_hand", "reserved", "held", "safety", "available")


def rows_as_json(sku: str, rows: Sequence[BalanceRow]) -> Document:
    """Every row of a SKU, and what everybody can be promised of it."""
    return {
        "sku": sku,
        "available": _to_everybody(rows),
        "rows": [
            {**row._asdict(), "counted_at": row.counted_at and row.counted_at.isoformat()}
            for row in rows
        ],
    }


def drifts_as_json(drifts: Sequence[KeptDrift]) -> Document:
    """Findings, the newest first."""
    return {"drifts": [_drift(kept) for kept in drifts]}


def report_as_json(report: Report, drifts: Sequence[KeptDrift]) -> Document:
    """What one reconciliation did, and the last of what it found."""
    return {**asdict(report), **drifts_as_json(drifts)}


def print_rows(sku: str, rows: Sequence[BalanceRow]) -> None:
    """A line a row, and the sum of each warehouse that has several."""
    console = screen()
    if not rows:
        console.print(escape(f"No warehouse has ever had {sku}."))
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("warehouse", "row"):
        table.add_column(name)
    for name in (*_FIGURES, "of a sale, or fenced off"):
        table.add_column(name.replace("_", "-"), justify="right" if name in _FIGURES else "left")
    for warehouse in dict.fromkeys(row.warehouse for row in rows):
        of_place = [row for row in rows if row.warehouse == warehouse]
        for row in of_place:
            table.add_row(*map(escape, _cells(row)))
        if len(of_place) > 1:
            sums = [str(sum(getattr(row, name) for row in of_place)) for name in _FIGURES]
            table.add_row(escape(warehouse), "all", *sums, "", style="bold")
    console.print(table)
    console.print(f"{_to_everybody(rows)} can be promised to everybody")


def print_drifts(drifts: Sequence[KeptDrift]) -> None:
    """A line a finding."""
    console = screen()
    if not drifts:
        console.print("No drifts.")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("found at", "SKU", "warehouse", "row", "figure"):
        table.add_column(name)
    for name in ("found", "explained", "difference"):
        table.add_column(name, justify="right")
    for name in ("by", "outcome", "who"):
        table.add_column(name)
    for kept in drifts:
        found = _drift(kept)
        table.add_row(*(escape(str(found[name])) for name in _COLUMNS))
    console.print(table)


def print_report(report: Report, drifts: Sequence[KeptDrift]) -> None:
    """What was found, then how much of it."""
    if drifts:
        print_drifts(drifts)
    screen().print(
        f"{report.balances} balances, {report.repaired} rows repaired, {report.fenced} fenced off,"
        f" {report.lifted} right again, {report.recounted} caps recounted"
    )


def print_done(said: str) -> None:
    """What was done, in a line."""
    screen().print(escape(said))


_COLUMNS = (
    "found_at",
    "sku",
    "warehouse",
    "partition",
    "figure",
    "found",
    "explained",
    "difference",
    "explained_by",
    "outcome",
    "actor",
)


def _drift(kept: KeptDrift) -> Document:
    drift, finding = kept.drift, kept.drift.finding
    return {
        "drift_id": kept.drift_id,
        "run_id": kept.run_id,
        "found_at": kept.found_at.isoformat(sep=" ", timespec="seconds"),
        "sku": drift.sku,
        "warehouse": drift.warehouse,
        "partition": drift.partition,
        "figure": finding.figure,
        "found": finding.found,
        "explained": finding.explained,
        "difference": finding.difference,
        "explained_by": finding.explained_by,
        "outcome": drift.outcome,
        "actor": kept.actor,
    }


def _cells(row: BalanceRow) -> list[str]:
    fence = (
        f"fenced off: {row.fenced_for}" if row.fenced_for not in {None, SHUT} else row.fenced_for
    )
    whose = ", ".join(filter(None, (row.allotment, fence)))
    figures = [str(getattr(row, name)) for name in _FIGURES]
    return [row.warehouse, str(row.partition), *figures, whose]


def _to_everybody(rows: Sequence[BalanceRow]) -> int:
    return sum(row.available for row in rows if row.allotment is None)
