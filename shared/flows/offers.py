"""What the warehouses offer for an order, as the engine is told it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from itertools import islice
from types import MappingProxyType
from typing import NamedTuple

from shared.costing.types import RateCard, Terms
from shared.flows.calendars import calendar_of
from shared.flows.supply import OwnSupply
from shared.kit.geo import PostalPlace, bare_postcode, distance_m
from shared.orders.types import Order
from shared.placement.calendar import arrives_on
from shared.placement.policy import Policy
from shared.placement.types import Departure, Parcel, Site, Step, Tariff
from shared.shipments.site_days import Day
from shared.stock.warehouses import ALWAYS, Working

# An order that would leave a warehouse over more days than that waits, or goes from elsewhere.
MOST_DAYS = 7


class Offers(NamedTuple):
    """What the engine chooses from, and what its choice means.

    `terms` are by (warehouse, rate card id); `ship_on` are the days on which parcels would leave a
    warehouse, by `Parcel.departure`.
    """

    sites: list[Site]
    terms: Mapping[tuple[str, str], Terms]
    ship_on: Mapping[str, tuple[date, ...]]

    def leaves_on(self, parcel: Parcel) -> date:
        """The day on which its warehouse hands it over."""
        return self.ship_on[parcel.warehouse][parcel.departure]

    def arrives_on(self, parcel: Parcel) -> date | None:
        """The day of the delivery; None where the rate card does not say how long it takes."""
        transit_days = self.terms[parcel.warehouse, parcel.rate_card_id].transit_days
        return None if transit_days is None else arrives_on(self.leaves_on(parcel), transit_days)


class Capacity:
    """What warehouses can still send on which day, while orders are placed one after the other."""

    def __init__(self, working: Mapping[str, Working], used: Mapping[Day, int]) -> None:
        self._working = working
        self._used = dict(used)
        self.new: set[Day] = set()  # days that nobody counts yet
        self._first: dict[str, tuple[date, ...]] = {}  # of warehouses without an end

    def left(self, day: Day) -> int | None:
        """How many more parcels can leave on that day; None for any number."""
        most = self._of(day[0]).daily_parcels
        return None if most is None else max(0, most - self._used.get(day, 0))

    def counted(self, days: Iterable[Day]) -> list[tuple[Day, int]]:
        """Those of the days that have an end, and how many parcels can leave on each."""
        most = ((day, self._of(day[0]).daily_parcels) for day in days)
        return [(day, parcels) for day, parcels in most if parcels is not None]

    def book(self, days: Iterable[Day]) -> None:
        """Parcels are planned for these days."""
        for day, _ in self.counted(days):
            if day not in self._used:
                self.new.add(day)
            self._used[day] = self._used.get(day, 0) + 1

    def days(self, warehouse: str, now: datetime, parcels: int) -> tuple[date, ...]:
        """The first days with room on which so many parcels that are decided on now can leave.

        Usually one; at most `MOST_DAYS`, and none where none has room.
        """
        if warehouse in self._first:
            return self._first[warehouse]
        working = self._of(warehouse)
        days = calendar_of(working).ship_days(now)
        if working.daily_parcels is None:
            return self._first.setdefault(warehouse, tuple(islice(days, 1)))
        found: list[date] = []
        for day in days:
            left = self.left((warehouse, day))
            if left:
                found.append(day)
                parcels -= left
                if parcels <= 0 or len(found) == MOST_DAYS:
                    break
        return tuple(found)

    def _of(self, warehouse: str) -> Working:
        return self._working.get(warehouse, ALWAYS)


class Wish(NamedTuple):
    """From where a person wants an order to be sent.

    Attributes:
        by, reason: whose word it is.
        warehouses: only from these; empty: from anywhere.
        units: warehouse -> SKU -> units that are to come from there, and no others; empty: any.
    """

    by: str
    reason: str
    warehouses: frozenset[str] = frozenset()
    units: Mapping[str, Mapping[str, int]] = MappingProxyType({})

    def leaves_out(self, warehouse: str) -> bool:
        """Whether nothing is to be sent from there."""
        if self.units:
            return warehouse not in self.units
        return bool(self.warehouses) and warehouse not in self.warehouses

    def of(self, warehouse: str, available: Mapping[str, int]) -> Mapping[str, int]:
        """What of it is to be sent from there."""
        if not self.units:
            return available
        wanted = self.units.get(warehouse, {})
        return {sku: min(units, wanted.get(sku, 0)) for sku, units in available.items()}


class Circumstances(NamedTuple):
    """What an order's offers depend on beside its stock."""

    now: datetime
    cards: Sequence[RateCard]  # of the order's currency
    policy: Policy
    working: Mapping[str, Working]
    capacity: Capacity
    wish: Wish | None = None


def offers(supply: OwnSupply, order: Order, at: Circumstances, parcels: int) -> Offers:
    """What each warehouse has of what is wanted, and what a parcel from there costs.

    A service that does not go from there to the customer offers nothing there, and a warehouse that
    sends nothing now says why. Where a day has no room for as many parcels as the order may need,
    the days after it are offered as well, with what it counts to leave then. Lateness, preferences
    and the odds of a refusal are penalties: they are weighed, and never paid.
    """
    available: dict[str, dict[str, int]] = defaultdict(dict)
    for (sku, warehouse), units in supply.units.items():
        available[warehouse][sku] = units
    to = PostalPlace(order.address["country"], bare_postcode(order.address["postcode"]))
    cards = [card for card in at.cards if not at.policy.excludes(card.carrier, card.service)]
    wish, at_home = at.wish, is_home(order)
    sites = []
    terms: dict[tuple[str, str], Terms] = {}
    ship_on: dict[str, tuple[date, ...]] = {}
    for warehouse in sorted(available):
        working = at.working.get(warehouse, ALWAYS)
        days = at.capacity.days(warehouse, at.now, parcels)
        away_m = distance_m(supply.places[warehouse], order.destination)
        departures: list[tuple[int | None, tuple[Tariff, ...]]] = [(None, ())]
        if days:
            ship_on[warehouse] = days
            agreed = [
                found
                for card in cards
                if (
                    found := card.terms(
                        supply.origins[warehouse], to, away_m, is_residential=at_home
                    )
                )
                is not None
            ]
            terms.update({(warehouse, found.rate_card_id): found for found in agreed})
            departures = [
                (
                    at.capacity.left((warehouse, day)),
                    tuple([tariff_of(one, weighing.penalty_cents(one)) for one in agreed]),
                )
                for day in days
                for weighing in [Weighing(at.policy, warehouse, working, day, order.promised_at)]
            ]
        (parcels_left, tariffs), *later = departures
        sites.append(
            Site(
                warehouse,
                away_m,
                available[warehouse] if wish is None else wish.of(warehouse, available[warehouse]),
                tariffs,
                capabilities=working.capabilities,
                parcels_left=parcels_left,
                closed=_closed(working, warehouse, at, has_days=bool(days)),
                later=tuple([Departure(left or 0, of_day) for left, of_day in later]),
            )
        )
    return Offers(sites, terms, ship_on)


def is_home(order: Order) -> bool:
    """Whether somebody lives where the order goes, as its channel said."""
    return bool(order.address.get("residential", False))


# Terms are told apart by identity and live as long as their book, so a tariff is built once in it.
@lru_cache(maxsize=16_384)
def tariff_of(terms: Terms, penalty_cents: int) -> Tariff:
    """What the engine is told of a service."""
    return Tariff(
        carrier=terms.carrier,
        rate_card_id=terms.rate_card_id,
        currency=terms.currency,
        handling_cents=terms.flat_cents,
        steps=tuple(Step(*step) for step in terms.steps),
        service=terms.service,
        volume_divisor=terms.volume_divisor,
        oversize_mm=terms.oversize_mm or 0,
        oversize_cents=terms.oversize_cents,
        max_length_mm=terms.max_length_mm or 0,
        carries=terms.carries,
        penalty_cents=penalty_cents,
        zone=terms.zone,
    )


class Weighing(NamedTuple):
    """What a policy counts for parcels of one order from one warehouse, beside what they cost."""

    policy: Policy
    warehouse: str
    working: Working
    ship_on: date
    promised_at: datetime

    def penalty_cents(self, terms: Terms) -> int:
        """For a parcel by this service."""
        avoid_cents = self.policy.avoid_cents.get(self.warehouse, 0)
        return avoid_cents + self._refusal_cents() + self._late_cents(terms)

    def _refusal_cents(self) -> int:
        """What it counts on average that the warehouse may not be able to pick a parcel.

        The rule of succession (Laplace, 1774) without its optimism for newcomers: of a warehouse
        that was never asked nothing is expected, and one refusal in few orders counts less than one
        in many.
        """
        return self.policy.refusal_cents * self.working.refused // (self.working.orders + 1)

    def _late_cents(self, terms: Terms) -> int:
        """What the days count by which a parcel would come too late."""
        if terms.transit_days is None or not self.policy.late_day_cents:
            return 0
        comes_on = arrives_on(self.ship_on, terms.transit_days)
        late_days = calendar_of(self.working).late_days(comes_on, self.promised_at)
        return self.policy.late_day_cents * late_days


def _closed(working: Working, warehouse: str, at: Circumstances, *, has_days: bool) -> str | None:
    if at.wish is not None and at.wish.leaves_out(warehouse):
        return f"{at.wish.by} wants it from elsewhere"
    if warehouse in at.policy.excluded_warehouses:
        return f"policy {at.policy.policy_id} sends nothing from here"
    if working.closed_for is not None:
        return f"closed: {working.closed_for}"
    return None if has_days else "no day on which a parcel could leave"
