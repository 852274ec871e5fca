"""How parcels look: as JSON for programs, as tables for people."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from rich.markup import escape
from rich.table import Table

from emulators.laptop.screen import screen
from shared.ops.standing_still import StuckParcel
from shared.tracking.standstill_rules import USUAL, Thresholds


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
                "asked_at": parcel.asked_at and parcel.asked_at.isoformat(),
                "unknown_times": parcel.unknown_times,
                "given_up_at": parcel.given_up_at and parcel.given_up_at.isoformat(),
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
    for name in (
        "parcel", "order", "carrier", "status", "stands", "for", "expected", "promised", "asked",
    ):  # fmt: skip
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
            _asked(parcel, now),
        )
    console.print(table)


def _asked(parcel: StuckParcel, now: datetime) -> str:
    if parcel.asked_at is None:
        return ""
    ago = f"{(now - parcel.asked_at) // timedelta(hours=1)} h ago"
    if parcel.given_up_at is not None:
        return f"{ago}, given up"
    return f"{ago}, {parcel.unknown_times}x unknown" if parcel.unknown_times else ago


def print_polled(carrier: str, parcels: int) -> None:
    """What was set going."""
    what = "1 parcel" if parcels == 1 else f"{parcels} parcels"
    screen().print(f"{escape(carrier)} is asked about {what}.")


def print_thresholds(rules: Sequence[Thresholds]) -> None:
    """A line a rule, the most special first."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("carrier")
    table.add_column("service")
    for name in USUAL.hours:
        table.add_column(name.removesuffix("_hours").replace("_", " "), justify="right")
    for rule in rules:
        hours = rule.hours.values()
        table.add_row(escape(rule.carrier), escape(rule.service), *(f"{n} h" for n in hours))
    screen().print(table)
