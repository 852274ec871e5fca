"""How labels and manifests look: as JSON for programs, as tables for people."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from rich.markup import escape
from rich.table import Table

from emulators.laptop.screen import screen
from shared.carriers.types import Quote
from shared.kit.money import in_digits
from shared.ops.labels import LabelSeen
from shared.ops.manifests import ManifestListed

Document = dict[str, Any]


def labels_as_json(found: Sequence[LabelSeen]) -> Document:
    """Moments are ISO 8601 in UTC; amounts are cents."""
    return {
        "labels": [{name: _plain(value) for name, value in asdict(one).items()} for one in found]
    }


def quotes_as_json(quotes: Sequence[Quote]) -> Document:
    """Every service, the cheapest first."""
    return {"quotes": [quote._asdict() for quote in quotes]}


def manifests_as_json(found: Sequence[ManifestListed]) -> Document:
    """Moments are ISO 8601 in UTC."""
    return {
        "manifests": [{name: _plain(value) for name, value in asdict(one).items()} for one in found]
    }


def print_labels(found: Sequence[LabelSeen]) -> None:
    """A paragraph a label: what is not there is not said."""
    console = screen()
    for label in found:
        table = Table(box=None, pad_edge=False, show_header=False)
        for name, value in _told(label):
            table.add_row(name, escape(value))
        console.print(table)
        console.print()


def print_quotes(quotes: Sequence[Quote]) -> None:
    """A line a service."""
    if not quotes:
        screen().print("The carrier would not carry it.")
        return
    table = _table("carrier", "service", "costs", "days")
    for quote in quotes:
        table.add_row(
            escape(quote.carrier),
            escape(quote.service),
            _money(quote.amount_cents, quote.currency),
            "" if quote.transit_days is None else str(quote.transit_days),
        )
    screen().print(table)


def print_manifests(found: Sequence[ManifestListed]) -> None:
    """A line a manifest."""
    if not found:
        screen().print("There is no such manifest.")
        return
    table = _table("day", "carrier", "warehouse", "no.", "labels", "state", "manifest", "")
    for one in found:
        table.add_row(
            one.ship_on.isoformat(),
            escape(one.carrier),
            escape(one.warehouse),
            str(one.number),
            str(one.labels),
            one.state,
            escape(one.manifest_id),
            escape(one.refused_for or one.vendor_manifest_id or ""),
        )
    screen().print(table)


def print_line(said: str) -> None:
    """What was done, in a line."""
    screen().print(escape(said))


def _told(label: LabelSeen) -> list[tuple[str, str]]:
    currency = label.currency or ""
    told = [
        ("label", label.label_id),
        ("carrier", label.carrier),
        ("state", f"{label.state}, left behind" if label.is_left_behind else label.state),
        ("tracking code", label.tracking_code),
        ("bought", _moment(label.bought_at)),
        ("given back", _moment(label.voided_at)),
        ("paid", _amount(label.paid_cents, currency)),
        ("refunded", _amount(label.refunded_cents, currency)),
        ("document", label.document_key),
        ("manifest", label.manifest_id and f"{label.manifest_id} of {label.manifest_on}"),
    ]
    return [(name, value) for name, value in told if value]


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in headings:
        table.add_column(heading, no_wrap=True)
    return table


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"


def _amount(cents: int | None, currency: str) -> str:
    return "" if cents is None else _money(cents, currency)


def _money(cents: int, currency: str) -> str:
    return f"{in_digits(cents, currency)} {currency}"
