"""How rate cards look: as JSON for programs, as tables for people."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import zip_longest
from typing import Any

from rich.markup import escape
from rich.table import Table

from emulators.laptop.screen import screen
from shared.costing.drafts import Drafts
from shared.costing.rows import WrongRow
from shared.costing.store import Version
from shared.costing.types import NO_LIMIT_M, RateCard, RateCardDraft, Zone, ZoneRule

Document = dict[str, Any]
_SETTINGS = (
    "currency",
    "handling_cents",
    "packaging_cents",
    "minimum_freight_cents",
    "fuel_basis_points",
    "residential_cents",
    "volume_divisor",
    "oversize_mm",
    "oversize_cents",
    "max_length_mm",
)


def wrong_as_json(rows: Sequence[WrongRow]) -> Document:
    """Every row that is wrong."""
    return {"wrong": [asdict(row) for row in rows]}


def drafts_as_json(drafts: Drafts) -> Document:
    """What a file would publish, and which rows are odd."""
    return {
        "wrong": [],
        "odd": [asdict(row) for row in drafts.odd],
        "services": [_counts(draft) for draft in drafts.cards],
    }


def versions_as_json(versions: Sequence[Version]) -> Document:
    """Every version."""
    return {
        "versions": [
            {
                **version._asdict(),
                "valid_from": version.valid_from.isoformat(),
                "valid_until": version.valid_until and version.valid_until.isoformat(),
            }
            for version in versions
        ]
    }


def card_as_json(card: RateCard) -> Document:
    """All that a version says; a distance without an end is null."""
    return {
        "rate_card_id": card.rate_card_id,
        "carrier": card.carrier,
        "service": card.service,
        "version": card.version,
        "valid_from": card.valid_from.isoformat(),
        **{name: getattr(card, name) for name in _SETTINGS},
        "carries": list(card.carries),
        "zones": [
            {
                **zone._asdict(),
                "rules": [
                    {**rule._asdict(), "max_distance_m": _bound_m(rule)} for rule in zone.rules
                ],
                "steps": [step._asdict() for step in zone.steps],
            }
            for zone in card.zones
        ],
    }


def print_wrong(rows: Sequence[WrongRow]) -> None:
    """A line a row that is wrong, then how many there are."""
    console = screen()
    table = _table("row", "column", "reason")
    for row in rows:
        table.add_row(str(row.row or "file"), escape(row.column), escape(row.reason))
    console.print(table)
    console.print(f"{len(rows)} mistakes; nothing is published")


def print_drafts(drafts: Drafts) -> None:
    """A line a service, then the rows that are odd."""
    table = _table("carrier", "service", "currency", "zones", "rules", "prices")
    for draft in drafts.cards:
        table.add_row(*(escape(str(cell)) for cell in _counts(draft).values()))
    screen().print(table)
    print_odd(drafts)


def print_odd(drafts: Drafts) -> None:
    """A line a row that may be a mistake; nothing where there is none."""
    if drafts.odd:
        console = screen()
        console.print(f"\n{len(drafts.odd)} rows are taken as they are, though heavier is cheaper:")
        table = _table("row", "column", "what is odd")
        for row in drafts.odd:
            table.add_row(str(row.row), escape(row.column), escape(row.reason))
        console.print(table)


def print_published(rate_card_ids: Sequence[str], valid_from: datetime, drafts: Drafts) -> None:
    """What was published, in a line, and which rows of it are odd."""
    names = ", ".join(rate_card_ids)
    screen().print(escape(f"Published, valid from {_moment(valid_from)}: {names}"))
    print_odd(drafts)


def print_versions(versions: Sequence[Version]) -> None:
    """A line a version."""
    console = screen()
    if not versions:
        console.print("No rate cards.")
        return
    table = _table(
        "carrier", "service", "version", "currency", "valid from", "until", "zones", "by", "reason"
    )
    for found in versions:
        until = "" if found.valid_until is None else _moment(found.valid_until)
        cells = (
            found.carrier,
            found.service,
            str(found.version),
            found.currency,
            _moment(found.valid_from),
            until,
            str(found.zones),
            found.published_by,
            found.reason,
        )
        table.add_row(*map(escape, cells))
    console.print(table)


def print_card(card: RateCard) -> None:
    """What holds for every parcel, then zone by zone."""
    console = screen()
    title = f"{card.carrier} {card.service}, version {card.version}, valid from"
    console.print(escape(f"{title} {_moment(card.valid_from)}"))
    settings = _table("", "")
    for name in _SETTINGS:
        if getattr(card, name):
            settings.add_row(name, escape(str(getattr(card, name))))
    if card.carries:
        settings.add_row("carries", escape(" ".join(card.carries)))
    console.print(settings)
    table = _table("zone", "days", "remote", "parcels", "up to g", "cents")
    for zone in card.zones:
        for name, days, remote, parcels, weight_g, price in _lines(zone):
            table.add_row(*map(escape, (name, days, remote, parcels, weight_g, price)))
    console.print(table)


def _lines(zone: Zone) -> Iterable[tuple[str, str, str, str, str, str]]:
    """The zone's rules beside its prices, each in lines below one another."""
    rules = [_words(rule) for rule in zone.rules]
    prices = [(str(step.max_weight_g), str(step.price_cents)) for step in zone.steps]
    if zone.per_kg_cents is not None:
        prices.append((str(zone.max_weight_g), f"+{zone.per_kg_cents} a started kg"))
    days = "" if zone.transit_days is None else str(zone.transit_days)
    head = [(zone.zone, days, str(zone.remote_area_cents or ""))]
    nothing = ("", "", "")
    for first, rule, price in zip_longest(head, rules, prices):
        yield (*(first or nothing), rule or "", *(price or nothing[:2]))


def _words(rule: ZoneRule) -> str:
    """A rule as people say it."""
    sides = (
        ("from", rule.from_country, rule.from_postcode),
        ("to", rule.to_country, rule.to_postcode),
    )
    said = [f"{way} {country} {prefix}".rstrip() for way, country, prefix in sides if country]
    if _bound_m(rule) is not None:
        said.append(f"within {rule.max_distance_m} m")
    return ", ".join(said) or "any"


def _bound_m(rule: ZoneRule) -> int | None:
    return None if rule.max_distance_m == NO_LIMIT_M else rule.max_distance_m


def _counts(draft: RateCardDraft) -> Document:
    return {
        "carrier": draft.carrier,
        "service": draft.service,
        "currency": draft.currency,
        "zones": len(draft.zones),
        "rules": sum(len(zone.rules) for zone in draft.zones),
        "prices": sum(len(zone.steps) for zone in draft.zones),
    }


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in names:
        right = name in {"row", "version", "zones", "rules", "prices", "days", "up to g", "cents"}
        table.add_column(name, justify="right" if right else "left")
    return table


def _moment(moment: datetime) -> str:
    return moment.isoformat(sep=" ", timespec="seconds")
