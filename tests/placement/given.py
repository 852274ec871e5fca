"""Short words for orders, sites and tariffs, and hypothesis strategies that draw them."""

from collections.abc import Mapping

from hypothesis import strategies as st

from shared.placement.types import Demand, Site, Step, Tariff

SKUS = ("BOWL", "LAMP", "MUG")


def tariff(
    *steps: tuple[int, int], carrier: str = "post", handling_cents: int = 0, currency: str = "EUR"
) -> Tariff:
    """Steps are (heaviest weight in grams, price in cents)."""
    return Tariff(
        carrier, f"{carrier}-1", currency, handling_cents, tuple(Step(*step) for step in steps)
    )


FLAT = tariff((30_000, 500))


def site(
    warehouse: str,
    available: Mapping[str, int],
    *tariffs: Tariff,
    distance_m: int = 1_000,
    opportunity_cents: Mapping[str, int] | None = None,
) -> Site:
    return Site(warehouse, distance_m, available, tariffs or (FLAT,), opportunity_cents or {})


@st.composite
def _tariffs(draw: st.DrawFn, lightest_limit_g: int) -> tuple[Tariff, ...]:
    """One or two carriers whose prices never fall with weight and need not be subadditive."""
    found: list[Tariff] = []
    for carrier in ("post", "van")[: draw(st.integers(1, 2))]:
        limit_g = draw(st.integers(lightest_limit_g, 16))
        weights_g = sorted({*draw(st.sets(st.integers(1, limit_g), max_size=3)), limit_g})
        prices = sorted(draw(st.lists(st.integers(0, 12), min_size=4, max_size=4)))
        steps = list(zip(weights_g, prices, strict=False))
        found.append(tariff(*steps, carrier=carrier, handling_cents=draw(st.integers(0, 3))))
    return tuple(found)


@st.composite
def orders(draw: st.DrawFn, most_units: int = 5) -> list[Demand]:
    """One to three lines of at most `most_units` units together."""
    demand: list[Demand] = []
    left = most_units
    for sku in draw(st.permutations(SKUS))[: draw(st.integers(1, len(SKUS)))]:
        if left:
            quantity = draw(st.integers(1, left))
            left -= quantity
            demand.append(Demand(sku, quantity, draw(st.integers(1, 7))))
    return demand


@st.composite
def networks(
    draw: st.DrawFn, *, priced: bool = False, ample: bool = False, most_sites: int = 3
) -> list[Site]:
    """A few warehouses; `priced` adds opportunity costs, `ample` makes shortages rare."""
    names = draw(st.permutations(("A", "B", "C", "D")))[: draw(st.integers(1, most_sites))]
    some = st.dictionaries(st.sampled_from(SKUS), st.integers(0, 4))
    units = st.fixed_dictionaries(dict.fromkeys(SKUS, st.integers(2, 8))) if ample else some
    cents = some if priced else st.just({})
    return [
        site(
            name,
            draw(units),
            *draw(_tariffs(lightest_limit_g=7 if ample else 1)),
            distance_m=draw(st.integers(0, 3)),
            opportunity_cents=draw(cents),
        )
        for name in names
    ]
