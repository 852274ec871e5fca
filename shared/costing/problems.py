"""What is wrong or odd about a draft of a rate card, part by part. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from shared.costing.types import KILOGRAM_G, RateCardDraft, Zone, ZoneRule

MOST_KILOGRAMS = 1_000  # beyond the last step: each of them is a step of its own


@dataclass(frozen=True, slots=True)
class Problem:
    """Where a draft is wrong or odd: a zone by position, a rule or a step of it, too, and why.

    `part` is "rules" or "steps", or "" for the zone itself; without a zone it is the card itself.
    """

    zone: int | None
    part: str
    index: int | None
    field: str
    reason: str

    @property
    def path(self) -> str:
        """Where it is, with dots: `zones.0.steps.2.price_cents`."""
        words = ("zones" if self.zone is not None else None, self.zone, self.part or None)
        return ".".join(str(w) for w in (*words, self.index, self.field) if w is not None)


def problems(draft: RateCardDraft) -> Iterator[Problem]:
    """Everything that keeps the draft from being published.

    The chain of `ZoneRule` needs rules that differ.
    """
    if not draft.zones:
        yield Problem(None, "", None, "zones", "a service needs a zone")
    if draft.oversize_cents and draft.oversize_mm is None:
        yield Problem(None, "", None, "oversize_mm", "say above which side oversize_cents is due")
    known: dict[ZoneRule, str] = {}
    for position, zone in enumerate(draft.zones):
        yield from _of_rules(position, zone, known)
        yield from _of_steps(position, zone)
        yield from _of_kilograms(position, zone)


def oddities(draft: RateCardDraft) -> Iterator[Problem]:
    """What may be a mistake, but is taken as it is: published tariffs have it, too."""
    for position, zone in enumerate(draft.zones):
        by_weight = sorted(enumerate(zone.steps), key=lambda numbered: numbered[1].max_weight_g)
        for (_, lighter), (index, step) in pairwise(by_weight):
            if step.price_cents < lighter.price_cents:
                reason = (
                    f"{step.price_cents} for {step.max_weight_g} g is less than"
                    f" {lighter.price_cents} for {lighter.max_weight_g} g in {zone.zone}"
                )
                yield Problem(position, "steps", index, "price_cents", reason)


def _of_rules(position: int, zone: Zone, known: dict[ZoneRule, str]) -> Iterator[Problem]:
    if not zone.rules:
        yield Problem(position, "", None, "rules", f"nothing says which parcels {zone.zone} is for")
    for index, rule in enumerate(zone.rules):
        for side in ("from", "to"):
            if getattr(rule, f"{side}_postcode") and not getattr(rule, f"{side}_country"):
                reason = f"a prefix needs its {side}_country"
                yield Problem(position, "rules", index, f"{side}_postcode", reason)
        if rule in known:
            reason = f"the same parcels are of {known[rule]} already"
            yield Problem(position, "rules", index, "zone", reason)
        known.setdefault(rule, zone.zone)


def _of_steps(position: int, zone: Zone) -> Iterator[Problem]:
    if not zone.steps and zone.per_kg_cents is None:
        yield Problem(position, "", None, "steps", f"{zone.zone} has no price")
    by_weight = sorted(enumerate(zone.steps), key=lambda numbered: numbered[1].max_weight_g)
    for (_, lighter), (index, step) in pairwise(by_weight):
        if step.max_weight_g == lighter.max_weight_g:
            reason = f"{zone.zone} has a price up to {step.max_weight_g} g already"
            yield Problem(position, "steps", index, "max_weight_g", reason)


def _of_kilograms(position: int, zone: Zone) -> Iterator[Problem]:
    if (zone.per_kg_cents is None) != (zone.max_weight_g is None):
        reason = "a price of each kilogram needs a heaviest weight, and the other way round"
        yield Problem(position, "", None, "per_kg_cents", reason)
    elif zone.max_weight_g is not None:
        last_g = max((step.max_weight_g for step in zone.steps), default=0)
        if zone.max_weight_g <= last_g:
            reason = f"must be above the last step of {zone.zone}, {last_g} g"
            yield Problem(position, "", None, "max_weight_g", reason)
        elif zone.max_weight_g - last_g > MOST_KILOGRAMS * KILOGRAM_G:
            reason = f"at most {MOST_KILOGRAMS} kg beyond the last step of {zone.zone}"
            yield Problem(position, "", None, "max_weight_g", reason)
