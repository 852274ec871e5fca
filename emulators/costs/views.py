"""How costs look: as JSON and CSV for programs, as a table for people."""

import csv
import sys
from collections.abc import Iterator
from dataclasses import asdict, fields
from typing import Any

from rich.markup import escape
from rich.table import Table

from emulators.laptop.screen import screen
from shared.ops.cost_reports import By, CostReport, Costs

_NAMES = tuple(field.name for field in fields(Costs))


def as_json(by: By, report: CostReport) -> dict[str, Any]:
    """The rows and the totals, amounts in cents."""
    return {
        "by": by,
        "rows": list(_rows(by, report)),
        "totals": {currency: asdict(costs) for currency, costs in report.totals.items()},
    }


def write_csv(by: By, report: CostReport) -> None:
    """The rows below their names; what is not known is empty."""
    writer = csv.DictWriter(sys.stdout, [by, "currency", "parcels", *_NAMES], lineterminator="\n")
    writer.writeheader()
    writer.writerows(_rows(by, report))


def print_report(by: By, report: CostReport) -> None:
    """A line a row, then the totals."""
    console = screen()
    if not report.rows:
        console.print("No parcel was planned then.")
        return
    shown = [name for name in _NAMES if name != "shipping_cents" or by is By.ORDER]
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(by)
    for name in ("parcels", *shown):
        table.add_column(name.removesuffix("_cents"), justify="right")
    table.add_column("currency")
    for row in report.rows:
        amounts = (_amount(getattr(row.costs, name)) for name in shown)
        table.add_row(escape(row.subject), str(row.parcels), *amounts, row.currency)
    for currency, costs in report.totals.items():
        amounts = (_amount(getattr(costs, name)) for name in shown)
        table.add_row("all", "", *amounts, currency, style="bold")
    console.print(table)


def _rows(by: By, report: CostReport) -> Iterator[dict[str, Any]]:
    for row in report.rows:
        yield {
            by.value: row.subject,
            "currency": row.currency,
            "parcels": row.parcels,
            **asdict(row.costs),
        }


def _amount(cents: int | None) -> str:
    """Cents as an amount; empty where it is not known."""
    if cents is None:
        return ""
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole:,}.{rest:02}"
