"""In what two versions of a rate card differ, in words. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.costing.types import NO_LIMIT_M, RateCardDraft, Zone, ZoneRule
from shared.kit.money import in_digits


@dataclass(frozen=True, slots=True)
class Difference:
    """What is otherwise: where, as it was and as it is; empty where it is not said."""

    where: str
    was: str
    now: str


def differences(before: RateCardDraft | None, after: RateCardDraft) -> tuple[Difference, ...]:
    """Everything that `after` says otherwise than `before`, card first, then zone by zone."""
    old = dict(_said(before)) if before is not None else {}
    new = dict(_said(after))
    return tuple(
        Difference(where, old.get(where, ""), new.get(where, ""))
        for where in dict.fromkeys([*new, *old])
        if old.get(where, "") != new.get(where, "")
    )


def rule_in_words(rule: ZoneRule) -> str:
    """Which parcels a rule is for: `from DE to NL 10`."""
    words = [
        " ".join(filter(None, (side, country, postcode)))
        for side, country, postcode in (
            ("from", rule.from_country, rule.from_postcode),
            ("to", rule.to_country, rule.to_postcode),
        )
        if country
    ]
    if rule.max_distance_m != NO_LIMIT_M:
        words.append(f"up to {_thousandths(rule.max_distance_m)} km")
    return " ".join(words) or "everything else"


def _said(card: RateCardDraft) -> Iterator[tuple[str, str]]:
    """All that a card says, as (where, what); what is usual is not said."""
    yield "currency", card.currency
    for name, cents in (
        ("handling", card.handling_cents),
        ("packaging", card.packaging_cents),
        ("least freight", card.minimum_freight_cents),
        ("to a home", card.residential_cents),
        ("oversize", card.oversize_cents),
    ):
        if cents:
            yield name, in_digits(cents, card.currency)
    if card.fuel_basis_points:
        yield "fuel", f"{_hundredths(card.fuel_basis_points)} %"
    if card.volume_divisor:
        yield "volume divisor", f"{card.volume_divisor} mm³ to a gram"
    for name, side_mm in (("oversize above", card.oversize_mm), ("longest", card.max_length_mm)):
        if side_mm is not None:
            yield name, f"{side_mm} mm"
    if card.carries:
        yield "carries", ", ".join(card.carries)
    for zone in card.zones:
        yield from _said_of(zone, card.currency)


def _said_of(zone: Zone, currency: str) -> Iterator[tuple[str, str]]:
    name = f"zone {zone.zone}"
    for rule in zone.rules:
        yield f"{name}: {rule_in_words(rule)}", "yes"
    if zone.transit_days is not None:
        yield f"{name}: days", str(zone.transit_days)
    if zone.remote_area_cents:
        yield f"{name}: remote area", in_digits(zone.remote_area_cents, currency)
    for step in zone.steps:
        yield (
            f"{name}: to {_thousandths(step.max_weight_g)} kg",
            in_digits(step.price_cents, currency),
        )
    if zone.per_kg_cents is not None and zone.max_weight_g is not None:
        yield (
            f"{name}: each kg beyond",
            f"{in_digits(zone.per_kg_cents, currency)} up to {_thousandths(zone.max_weight_g)} kg",
        )


def _hundredths(number: int) -> str:
    return f"{number // 100}.{number % 100:02}".rstrip("0").rstrip(".")


def _thousandths(number: int) -> str:
    return f"{number // 1000}.{number % 1000:03}".rstrip("0").rstrip(".")
