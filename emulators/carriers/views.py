"""How carriers look: as JSON for programs, as tables for people."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from rich.markup import escape
from rich.table import Table

from emulators.carriers.queues import QueueUsage
from emulators.laptop.screen import screen
from shared.carriers.types import CarrierAccount
from shared.flows.show_carriers import CarrierStanding
from shared.kit.breaker import BreakerState

_COLOURS = {
    BreakerState.CLOSED: "green",
    BreakerState.OPEN: "red",
    BreakerState.HALF_OPEN: "yellow",
}


def as_json(standings: Sequence[CarrierStanding], queues: Sequence[QueueUsage]) -> dict[str, Any]:
    """Every carrier with its breaker, its queues, what it did today and what waits for it."""
    return {
        "carriers": [
            {
                "carrier": standing.carrier,
                "breaker": {
                    "state": standing.state,
                    "since": _iso(standing.figures.since),
                    "failures": standing.figures.failures,
                    "next_probe_at": _iso(standing.next_probe_at),
                },
                "queues": [
                    {name: value for name, value in asdict(queue).items() if name != "carrier"}
                    for queue in queues
                    if queue.carrier == standing.carrier
                ],
                "account": {
                    name: value
                    for name, value in standing.account._asdict().items()
                    if name != "carrier"
                },
                "labels_bought_today": standing.figures.bought,
                "fallbacks_from_today": standing.figures.taken_away,
                "fallbacks_to_today": standing.figures.taken_over,
                "waiting": standing.figures.waiting,
                "waiting_since": _iso(standing.figures.waiting_since),
                "labels_to_void": standing.figures.to_void,
                "parcels": [
                    {**asdict(parcel), "planned_at": parcel.planned_at.isoformat()}
                    for parcel in standing.parcels
                ],
            }
            for standing in standings
        ]
    }


def print_carriers(standings: Sequence[CarrierStanding], queues: Sequence[QueueUsage]) -> None:
    """A line a carrier, a line a queue, and the parcels that wait for one that is not called."""
    console = screen()
    if not standings:
        console.print("No carrier has a rate card.")
        return
    table = _table("carrier", "sold by", "breaker", "since", "failures", "next probe")
    for name in ("bought today", "went elsewhere", "came", "without label", "to void"):
        table.add_column(name, justify="right")
    for standing in standings:
        figures, colour = standing.figures, _COLOURS[standing.state]
        table.add_row(
            escape(standing.carrier),
            _seller(standing.account),
            f"[{colour}]{standing.state.replace('_', '-')}[/{colour}]",
            _moment(figures.since),
            str(figures.failures),
            _moment(standing.next_probe_at),
            str(figures.bought),
            str(figures.taken_away),
            str(figures.taken_over),
            str(figures.waiting),
            str(figures.to_void),
        )
    console.print(table)
    if queues:
        console.print()
        table = _table("queue", "tasks", "at once", "a second", "labels in a minute", "in an hour")
        for queue in queues:
            minute = f"{queue.labels_last_minute} of {queue.max_per_minute:g}"
            table.add_row(
                queue.queue,
                str(queue.tasks),
                f"{queue.in_flight} of {queue.max_concurrent}",
                f"{queue.rate_per_second:g} of {queue.max_per_second:g}",
                f"{minute} ({queue.used_percent:g} %)",
                str(queue.labels_last_hour),
            )
        console.print(table)
    for standing in standings:
        if standing.parcels:
            console.print(f"\nwait for {escape(standing.carrier)}: {standing.figures.waiting}")
            table = _table("parcel", "order", "from", "since", "")
            for parcel in standing.parcels:
                table.add_row(
                    escape(parcel.parcel_id),
                    escape(parcel.order_id),
                    escape(parcel.warehouse),
                    _moment(parcel.planned_at),
                    "late" if parcel.is_late else "",
                )
            console.print(table)


def print_account(account: CarrierAccount) -> None:
    """Who sells the carrier's labels from now on."""
    known = f" as {escape(account.name_at_vendor)}"
    number = f", account {escape(account.vendor_account)}" if account.vendor_account else ""
    screen().print(
        f"{escape(account.carrier)}: {_seller(account)}{known}{number}, {account.label_format}"
        f"{'' if account.has_manifests else ', no manifests'}"
    )


def _seller(account: CarrierAccount) -> str:
    return escape(account.vendor) + ("" if account.is_enabled else " [red](off)[/red]")


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in headings:
        table.add_column(heading, no_wrap=True)
    return table


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"
