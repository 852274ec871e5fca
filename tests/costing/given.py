"""Rate cards that tests start from."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from shared.costing.types import RateCard, Step, Zone, ZoneRule

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PLACES = ("", "AA", "BB")
PREFIXES = ("", "1", "12", "2")


def zone(name: str, *steps: tuple[int, int], **fields: Any) -> Zone:
    """A zone of everything, or of the `rules` that are given."""
    said: dict[str, Any] = {"rules": (ZoneRule(),), **fields}
    return Zone(name, steps=tuple(Step(*step) for step in steps), **said)


def card(*zones: Zone, **fields: Any) -> RateCard:
    """A version of one service."""
    said: dict[str, Any] = {
        "rate_card_id": "post-1",
        "carrier": "post",
        "version": 1,
        "currency": "EUR",
        "valid_from": NOON,
        **fields,
    }
    return RateCard(zones=zones, **said)


@st.composite
def rules(draw: st.DrawFn) -> ZoneRule:
    """Any rule over a small world, so that many of them hold for one parcel."""
    countries = draw(st.sampled_from(PLACES)), draw(st.sampled_from(PLACES))
    prefixes = [draw(st.sampled_from(PREFIXES)) if country else "" for country in countries]
    return ZoneRule(
        countries[0], prefixes[0], countries[1], prefixes[1], draw(st.integers(1, 4)) * 100
    )


@st.composite
def zones(draw: st.DrawFn) -> tuple[Zone, ...]:
    """Up to four zones whose rules differ; heavier may be cheaper."""
    found = draw(st.lists(rules(), min_size=1, max_size=8, unique=True))
    parts = [found[number::4] for number in range(4)]
    return tuple(_zone(draw, f"z{number}", of) for number, of in enumerate(parts) if of)


@st.composite
def cards(draw: st.DrawFn) -> RateCard:
    """Any card, with every surcharge that there is."""
    cents = st.integers(0, 500)
    return card(
        *draw(zones()),
        handling_cents=draw(cents),
        packaging_cents=draw(cents),
        volume_divisor=draw(st.sampled_from((0, 1, 5_000))),
        fuel_basis_points=draw(st.integers(0, 4_000)),
        minimum_freight_cents=draw(cents),
        oversize_mm=draw(st.none() | st.integers(1, 2_000)),
        oversize_cents=draw(cents),
        residential_cents=draw(cents),
        max_length_mm=draw(st.none() | st.integers(1, 2_000)),
    )


def _zone(draw: st.DrawFn, name: str, of: Iterable[ZoneRule]) -> Zone:
    weights = draw(st.lists(st.integers(1, 5_000), min_size=1, max_size=4, unique=True))
    prices = draw(st.lists(st.integers(0, 2_000), min_size=len(weights), max_size=len(weights)))
    per_kg_cents = draw(st.none() | st.integers(0, 300))
    return Zone(
        name,
        tuple(of),
        tuple(Step(*step) for step in zip(sorted(weights), prices, strict=True)),
        per_kg_cents=per_kg_cents,
        max_weight_g=None if per_kg_cents is None else max(weights) + draw(st.integers(1, 9_000)),
        remote_area_cents=draw(st.integers(0, 300)),
    )
