"""The words of costing. Weights are whole grams, sides whole millimetres, money whole cents."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from shared.kit.errors import Fault, Rejected
from shared.kit.geo import PostalPlace
from shared.kit.money import Money

NO_LIMIT_M = 2_147_483_647  # a distance band without an end
STANDARD = "standard"  # the service of a carrier that has only one
WHOLE_BASIS_POINTS = 10_000
KILOGRAM_G = 1_000


class ChargeKind(StrEnum):
    """What an amount is for."""

    HANDLING = "handling"
    PACKAGING = "packaging"
    FREIGHT = "freight"
    MINIMUM_TOP_UP = "minimum_top_up"  # what the freight lacks to the least that is taken
    FUEL = "fuel"
    REMOTE_AREA = "remote_area"
    RESIDENTIAL = "residential"
    OVERSIZE = "oversize"
    FALLBACK_DIFFERENCE = "fallback_difference"  # what another service costs more than was quoted


class Step(NamedTuple):
    """A parcel up to `max_weight_g`, inclusive, costs `price_cents` of freight."""

    max_weight_g: int
    price_cents: int


class ZoneRule(NamedTuple):
    """Which parcels are of a zone. Empty: from or to anywhere; a prefix needs its country.

    Of all rules that hold for a parcel the one that comes first counts: with the longer destination
    prefix, then one that names the destination's country, then with the longer origin prefix, then
    one that names the origin's country, then with the smaller distance. No two rules of a card are
    the same, so exactly one comes first.
    """

    from_country: str = ""
    from_postcode: str = ""  # a prefix, as `bare_postcode` gives it
    to_country: str = ""
    to_postcode: str = ""
    max_distance_m: int = NO_LIMIT_M

    @property
    def rank(self) -> tuple[int, bool, int, bool, int]:
        """Ascending by what counts first."""
        return (
            -len(self.to_postcode),
            not self.to_country,
            -len(self.from_postcode),
            not self.from_country,
            self.max_distance_m,
        )

    def holds_from(self, origin: PostalPlace | None, distance_m: int) -> bool:
        """Whether a parcel from there over this distance is of the zone, wherever it goes."""
        return distance_m <= self.max_distance_m and (
            not self.from_country
            or (
                origin is not None
                and origin.country == self.from_country
                and origin.postcode.startswith(self.from_postcode)
            )
        )


class Zone(NamedTuple):
    """What freight costs to some places.

    Beyond the last step each started kilogram adds `per_kg_cents`, up to `max_weight_g`; both are
    None where the last step is the end. `transit_days` is None where the card does not say it.
    """

    zone: str
    rules: tuple[ZoneRule, ...]
    steps: tuple[Step, ...]
    per_kg_cents: int | None = None
    max_weight_g: int | None = None
    transit_days: int | None = None
    remote_area_cents: int = 0

    def all_steps(self) -> Iterator[Step]:
        """The steps, ascending by weight, and those of the started kilograms beyond them."""
        yield from self.steps
        if self.per_kg_cents is None or self.max_weight_g is None:
            return
        last = self.steps[-1] if self.steps else Step(0, 0)
        up_to_g, price_cents = last.max_weight_g, last.price_cents
        while up_to_g < self.max_weight_g:
            up_to_g = min(up_to_g + KILOGRAM_G, self.max_weight_g)
            price_cents += self.per_kg_cents
            yield Step(up_to_g, price_cents)


@dataclass(frozen=True, kw_only=True)
class RateCardDraft:
    """All that a version of a service's rate card says, before it has a number.

    Attributes:
        handling_cents, packaging_cents: of each parcel, whatever is in it.
        volume_divisor: mm³ that weigh as much as a gram; 0: only weight counts.
        fuel_basis_points: of the freight, hundredths of a percent.
        minimum_freight_cents: the freight of a parcel is never less.
        oversize_mm: a parcel whose longest side is above it costs `oversize_cents` more.
        residential_cents: more to where somebody lives.
        max_length_mm: a parcel whose longest side is above it is not carried.
        carries: what the service may carry beyond ordinary goods, such as hazmat or cold.
    """

    carrier: str
    service: str = STANDARD
    currency: str
    valid_from: datetime
    handling_cents: int = 0
    packaging_cents: int = 0
    volume_divisor: int = 0
    fuel_basis_points: int = 0
    minimum_freight_cents: int = 0
    oversize_mm: int | None = None
    oversize_cents: int = 0
    residential_cents: int = 0
    max_length_mm: int | None = None
    carries: tuple[str, ...] = ()
    zones: tuple[Zone, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """What parcels cost from one place to another by one version; told apart by identity.

    `steps` are (max_weight_g, price_cents) by chargeable weight, ascending, and contain the minimum
    and fuel. A parcel costs `flat_cents`, its step, and `oversize_cents` where its longest
    side is above `oversize_mm`.
    """

    rate_card_id: str
    carrier: str
    service: str
    currency: str
    zone: str
    flat_cents: int  # handling, packaging, remote area, residential
    steps: tuple[tuple[int, int], ...] = field(repr=False)
    volume_divisor: int
    oversize_mm: int | None
    oversize_cents: int
    max_length_mm: int | None
    transit_days: int | None
    carries: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class RateCard(RateCardDraft):
    """One version of what a service takes; valid from a moment until the next version begins."""

    rate_card_id: str
    version: int
    _terms: dict[tuple[str, bool], Terms] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def terms(
        self,
        origin: PostalPlace,
        destination: PostalPlace,
        distance_m: int,
        *,
        is_residential: bool = False,
    ) -> Terms | None:
        """What a parcel from here to there costs by its weight; None where the service ends.

        The same object for every parcel of a zone, so that a decision builds nothing anew.
        """
        zone = self.zone_of(origin, destination, distance_m)
        if zone is None:
            return None
        key = zone.zone, is_residential
        if key not in self._terms:
            self._terms[key] = self._terms_of(zone, is_residential=is_residential)
        return self._terms[key]

    def terms_in(self, zone: str, *, is_residential: bool = False) -> Terms:
        """What a parcel costs in the zone of that name, as `terms` said it once.

        Raises:
            KeyError: the card has no such zone.
        """
        found = self.named(zone)
        if found is None:
            raise KeyError(zone)
        return self._terms_of(found, is_residential=is_residential)

    def zone_of(
        self, origin: PostalPlace | None, destination: PostalPlace | None, distance_m: int
    ) -> Zone | None:
        """The zone of the rule that comes first; for who knows no places, those by distance."""
        of_country, longest = self._rules
        places = [("", "")]
        if destination is not None and destination.country in longest:
            country, postcode = destination.country, destination.postcode
            most = min(longest[country], len(postcode))
            places = [*[(country, postcode[:n]) for n in range(most, -1, -1)], ("", "")]
        for place in places:
            for rule, zone in of_country.get(place, ()):
                if rule.holds_from(origin, distance_m):
                    return zone
        return None

    def named(self, zone: str) -> Zone | None:
        """The zone of that name."""
        return next((found for found in self.zones if found.zone == zone), None)

    def fuel_cents(self, freight_cents: int) -> int:
        """The fuel surcharge on so much freight, a half rounded up."""
        exact = freight_cents * self.fuel_basis_points
        return (exact + WHOLE_BASIS_POINTS // 2) // WHOLE_BASIS_POINTS

    def _terms_of(self, zone: Zone, *, is_residential: bool) -> Terms:
        steps = []
        for step in zone.all_steps():
            freight_cents = max(step.price_cents, self.minimum_freight_cents)
            steps.append((step.max_weight_g, freight_cents + self.fuel_cents(freight_cents)))
        return Terms(
            rate_card_id=self.rate_card_id,
            carrier=self.carrier,
            service=self.service,
            currency=self.currency,
            zone=zone.zone,
            flat_cents=self.handling_cents
            + self.packaging_cents
            + zone.remote_area_cents
            + (self.residential_cents if is_residential else 0),
            steps=tuple(steps),
            volume_divisor=self.volume_divisor,
            oversize_mm=self.oversize_mm,
            oversize_cents=self.oversize_cents,
            max_length_mm=self.max_length_mm,
            transit_days=zone.transit_days,
            carries=frozenset(self.carries),
        )

    @cached_property
    def _rules(
        self,
    ) -> tuple[dict[tuple[str, str], list[tuple[ZoneRule, Zone]]], dict[str, int]]:
        """The rules by (country, prefix) of the destination, and each country's longest prefix."""
        found: dict[tuple[str, str], list[tuple[ZoneRule, Zone]]] = defaultdict(list)
        longest: dict[str, int] = {}
        pairs = ((rule, zone) for zone in self.zones for rule in zone.rules)
        for rule, zone in sorted(pairs, key=lambda pair: pair[0].rank):
            found[rule.to_country, rule.to_postcode].append((rule, zone))
            longest[rule.to_country] = max(longest.get(rule.to_country, 0), len(rule.to_postcode))
        return dict(found), longest


class Sent(NamedTuple):
    """A parcel as a carrier charges it; 0 where its size is not known.

    `zone` is the one that it was quoted by. None is for parcels of a time when distance alone
    decided.
    """

    weight_g: int
    distance_m: int
    zone: str | None = None
    volume_mm3: int = 0
    longest_mm: int = 0
    is_residential: bool = False


class Charge(NamedTuple):
    """An amount of one kind, and the rate card version it comes from."""

    kind: ChargeKind
    amount: Money
    rate_card_id: str


class NoRateCard(Fault):
    """No version of the service's rate card was valid at that moment."""

    code = "no_rate_card"


class UnknownRateCard(Rejected):
    """There is no such service of a carrier, or no such version of it."""

    code = "unknown_rate_card"


class NotCarried(Rejected):
    """The rate card has no price for such a parcel to there."""

    code = "not_carried"


class RateCardRefused(Rejected):
    """A rate card that cannot be published; the message says why."""

    code = "rate_card_refused"
