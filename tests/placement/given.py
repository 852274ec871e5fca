"""Short words for orders, sites and tariffs, and hypothesis strategies that draw them."""

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import strategies as st

from shared.placement.types import Demand, Departure, Limits, Site, Step, Tariff

SKUS = ("BOWL", "LAMP", "MUG")


def tariff(
    *steps: tuple[int, int],
    carrier: str = "post",
    service: str = "standard",
    handling_cents: int = 0,
    currency: str = "EUR",
    volume_divisor: int = 0,
    oversize: tuple[int, int] = (0, 0),
    max_length_mm: int = 0,
    carries: frozenset[str] = frozenset(),
    penalty_cents: int = 0,
) -> Tariff:
    """Steps are (heaviest weight in grams, price in cents), `oversize` is (millimetres, cents)."""
    return Tariff(
        carrier,
        f"{carrier}-1",
        currency,
        handling_cents,
        tuple(Step(*step) for step in steps),
        service=service,
        volume_divisor=volume_divisor,
        oversize_mm=oversize[0],
        oversize_cents=oversize[1],
        max_length_mm=max_length_mm,
        carries=carries,
        penalty_cents=penalty_cents,
    )


FLAT = tariff((30_000, 500))


def site(
    warehouse: str,
    available: Mapping[str, int],
    *tariffs: Tariff,
    distance_m: int = 1_000,
    opportunity_cents: Mapping[str, int] | None = None,
    capabilities: frozenset[str] = frozenset(),
    parcels_left: int | None = None,
    closed: str | None = None,
    later: tuple[Departure, ...] = (),
) -> Site:
    return Site(
        warehouse,
        distance_m,
        available,
        tariffs or (FLAT,),
        opportunity_cents or {},
        capabilities,
        parcels_left,
        closed,
        later,
    )


def dearer_by(cents: int, tariffs: tuple[Tariff, ...]) -> tuple[Tariff, ...]:
    """The same services on a day on which each parcel counts so much more."""
    return tuple([replace(one, penalty_cents=one.penalty_cents + cents) for one in tariffs])


# What a unit may need, and what a site or a service may have.
_SOME_NEEDS = st.sampled_from([frozenset[str](), frozenset[str](), frozenset({"cold"})])
_ANY_NEEDS = st.sampled_from([frozenset[str](), frozenset({"cold"}), frozenset({"cold", "hazmat"})])


@st.composite
def _tariffs(draw: st.DrawFn, lightest_limit_g: int, *, rich: bool) -> tuple[Tariff, ...]:
    """One or two services whose prices need not be subadditive, and may fall with weight."""
    found: list[Tariff] = []
    for carrier in ("post", "van")[: draw(st.integers(1, 2))]:
        limit_g = draw(st.integers(lightest_limit_g, 16))
        weights_g = sorted({*draw(st.sets(st.integers(1, limit_g), max_size=3)), limit_g})
        prices = draw(st.lists(st.integers(0, 12), min_size=4, max_size=4))
        if draw(st.booleans()):
            prices.sort()
        steps = list(zip(weights_g, prices, strict=False))
        handling_cents = draw(st.integers(0, 3))
        if not rich:
            found.append(tariff(*steps, carrier=carrier, handling_cents=handling_cents))
            continue
        found.append(
            tariff(
                *steps,
                carrier=carrier,
                service=draw(st.sampled_from(("fast", "slow"))),
                handling_cents=handling_cents,
                volume_divisor=draw(st.sampled_from((0, 1, 2))),
                oversize=(draw(st.integers(0, 5)), draw(st.integers(0, 4))),
                max_length_mm=draw(st.sampled_from((0, 0, 5, 7))),
                carries=draw(_ANY_NEEDS),
                penalty_cents=draw(st.integers(0, 4)),
            )
        )
    return tuple(found)


@st.composite
def _later(draw: st.DrawFn, tariffs: tuple[Tariff, ...]) -> tuple[Departure, ...]:
    """Up to two further days, of which none is cheaper than the one before."""
    found: list[Departure] = []
    for _ in range(draw(st.integers(0, 2))):
        tariffs = tuple([dearer_by(draw(st.integers(0, 3)), (one,))[0] for one in tariffs])
        found.append(Departure(draw(st.integers(1, 2)), tariffs))
    return tuple(found)


@st.composite
def orders(draw: st.DrawFn, most_units: int = 5, *, rich: bool = False) -> list[Demand]:
    """One to three lines of at most `most_units` units together; `rich` ones have sizes, needs."""
    demand: list[Demand] = []
    left = most_units
    for sku in draw(st.permutations(SKUS))[: draw(st.integers(1, len(SKUS)))]:
        if left:
            quantity = draw(st.integers(1, left))
            left -= quantity
            line = Demand(sku, quantity, draw(st.integers(1, 7)))
            if rich:
                sizes = draw(st.integers(0, 9)), draw(st.integers(0, 7))
                line = Demand(sku, quantity, line.weight_g, *sizes, draw(_SOME_NEEDS))
            demand.append(line)
    return demand


@st.composite
def networks(
    draw: st.DrawFn,
    *,
    priced: bool = False,
    ample: bool = False,
    rich: bool = False,
    most_sites: int = 3,
) -> list[Site]:
    """A few warehouses.

    `priced` adds opportunity costs, `ample` makes shortages rare, `rich` adds all that services and
    sites may have.
    """
    names = draw(st.permutations(("A", "B", "C", "D")))[: draw(st.integers(1, most_sites))]
    some = st.dictionaries(st.sampled_from(SKUS), st.integers(0, 4))
    units = st.fixed_dictionaries(dict.fromkeys(SKUS, st.integers(2, 8))) if ample else some
    cents = some if priced else st.just({})
    found: list[Site] = []
    for name in names:
        plain = site(
            name,
            draw(units),
            *draw(_tariffs(lightest_limit_g=7 if ample else 1, rich=rich)),
            distance_m=draw(st.integers(0, 3)),
            opportunity_cents=draw(cents),
        )
        found.append(
            site(
                name,
                plain.available,
                *plain.tariffs,
                distance_m=plain.distance_m,
                opportunity_cents=plain.opportunity_cents,
                capabilities=draw(_ANY_NEEDS),
                parcels_left=draw(st.sampled_from((None, None, 0, 1, 2))),
                closed=draw(st.sampled_from((None, None, None, "closed for the day"))),
                later=draw(_later(plain.tariffs)),
            )
            if rich
            else plain
        )
    return found


splits = st.builds(Limits, split_cents=st.integers(0, 4))
