"""How parcels look: as JSON for programs, as tables for people."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from rich.markup import escape
from rich.table import Table

from emulators.laptop.screen import screen
from shared.ops.standing_still import StuckParcel
from shared.tracking.standstill_rules import Thresholds


def stuck_as_json(found: Sequence[StuckParcel]) -> dict[str, Any]:
    """Moments are ISO 8601 in UTC."""
    return {
        "parcels": [
            {
                "parcel_id": parcel.parcel_id,
                "order_id": parcel.order_id,
                "carrier": parcel.carrier,
                "service": parcel.service,
                "tracking_code": parcel.tracking_code,
                "status": parcel.status,
                "kind": parcel.kind,
                "since": parcel.since.isoformat(),
                "expected_on": parcel.expected_on and parcel.expected_on.isoformat(),
                "promised_at": parcel.promised_at.isoformat(),
            }
            for parcel in found
        ]
    }


def print_stuck(found: Sequence[StuckParcel], now: datetime) -> None:
    """A line a parcel and way of standing, the longest first."""
    console = screen()
    if not found:
        console.print("No parcel stands still for longer than it may.")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("parcel", "order", "carrier", "status", "stands", "for", "expected", "promised"):
        table.add_column(name)
    for parcel in found:
        table.add_row(
            escape(parcel.parcel_id),
            escape(parcel.order_id),
            escape(f"{parcel.carrier}/{parcel.service}"),
            parcel.status,
            parcel.kind,
            f"{(now - parcel.since) // timedelta(hours=1)} h",
            str(parcel.expected_on or ""),
            f"{parcel.promised_at:%Y-%m-%d %H:%M}",
        )
    console.print(table)


def print_thresholds(rules: Sequence[Thresholds]) -> None:
    """A line a rule, the most special first."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("carrier", "service", "not handed over", "silent", "not collected", "overdue"):
        table.add_column(name, justify="left" if name in {"carrier", "service"} else "right")
    for rule in rules:
        hours = (
            rule.not_handed_over_hours,
            rule.silent_hours,
            rule.not_collected_hours,
            rule.overdue_hours,
        )
        table.add_row(escape(rule.carrier), escape(rule.service), *(f"{n} h" for n in hours))
    screen().print(table)
