"""How costs look: as JSON and CSV for programs, as a table for people."""

import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from emulators.laptop.screen import screen
from shared.kit.money import in_digits
from shared.ops.cost_reports import By, CostReport, Costs, Software

_NAMES = tuple(field.name for field in fields(Costs))
_CENTS = tuple(
    # The carrier's is the sum of two that people are shown.
    name
    for name in _NAMES
    if name.endswith("_cents") and name != "carrier_cents"
)
NANO = 1_000_000_000  # of a dollar


def as_json(by: By, report: CostReport, software: Software) -> dict[str, Any]:
    """The rows and the totals, amounts in cents; software in billionths of a US dollar."""
    return {
        "by": by,
        "rows": list(_rows(by, report)),
        "totals": {currency: asdict(costs) for currency, costs in report.totals.items()},
        "software": {**asdict(software), "nano_usd_per_order": software.nano_usd_per_order},
    }


def write_csv(by: By, report: CostReport) -> None:
    """The rows below their names; what is not known is empty."""
    writer = csv.DictWriter(sys.stdout, [by, "currency", "parcels", *_NAMES], lineterminator="\n")
    writer.writeheader()
    writer.writerows(_rows(by, report))


def print_report(by: By, report: CostReport, software: Software) -> None:
    """A line a row, then the totals."""
    console = screen()
    if not report.rows:
        console.print("No parcel was planned then.")
        return
    shown = [name for name in _CENTS if name != "shipping_cents" or by is By.ORDER]
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(by)
    for name in ("parcels", *shown):
        table.add_column(name.removesuffix("_cents"), justify="right")
    table.add_column("currency")
    table.add_column("software, USD", justify="right")
    for row in report.rows:
        table.add_row(
            escape(row.subject), str(row.parcels), *_cells(shown, row.costs, row.currency)
        )
    for currency, costs in report.totals.items():
        table.add_row("all", "", *_cells(shown, costs, currency), style="bold")
    console.print(table)
    _print_software(console, software)


def _print_software(console: Console, software: Software) -> None:
    per_order = software.nano_usd_per_order
    if per_order is not None:
        console.print(
            f"Software: {_usd(per_order)} USD an order at most, "
            f"{_usd(software.nano_usd)} USD for {software.orders:,} accepted on these days (UTC)."
        )


def _cells(shown: Sequence[str], costs: Costs, currency: str) -> Iterator[str]:
    for name in shown:
        cents = getattr(costs, name)
        yield "" if cents is None else in_digits(cents, currency, whole="{:,}".format)
    yield currency
    yield "" if costs.software_nano_usd is None else _usd(costs.software_nano_usd)


def _rows(by: By, report: CostReport) -> Iterator[dict[str, Any]]:
    for row in report.rows:
        yield {
            by.value: row.subject,
            "currency": row.currency,
            "parcels": row.parcels,
            **asdict(row.costs),
        }


def _usd(nano_usd: int) -> str:
    """Billionths of a dollar as dollars, to the last of them."""
    whole, rest = divmod(nano_usd, NANO)
    return f"{whole:,}.{rest:09}"
