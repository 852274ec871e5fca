"""Zones, weight and surcharges: what a decision is told, and that the charges say the same."""

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from shared.costing.rules import chargeable_weight_g, charges_for
from shared.costing.types import (
    ChargeKind,
    NotCarried,
    RateCard,
    Sent,
    Step,
    Terms,
    ZoneRule,
)
from shared.kit.geo import PostalPlace, bare_postcode
from tests.costing import given
from tests.costing.given import card, zone

HERE = PostalPlace("AA", "1200")
THERE = PostalPlace("BB", "2100")
places = st.builds(
    PostalPlace, st.sampled_from(("AA", "BB", "CC")), st.sampled_from(("", "1", "12", "1234", "21"))
)


def amounts(found: RateCard, sent: Sent) -> dict[str, int]:
    """The charges by kind, in cents."""
    return {charge.kind: charge.amount.amount_cents for charge in charges_for(found, sent)}


def price_cents(terms: Terms, sent: Sent) -> int | None:
    """What the terms say of a parcel, worked out as placement does; None: it is not carried."""
    if terms.max_length_mm is not None and sent.longest_mm > terms.max_length_mm:
        return None
    weight_g = chargeable_weight_g(sent.weight_g, sent.volume_mm3, terms.volume_divisor)
    fitting = [cents for up_to_g, cents in terms.steps if weight_g <= up_to_g]
    if not fitting:
        return None
    over = terms.oversize_mm is not None and sent.longest_mm > terms.oversize_mm
    return terms.flat_cents + fitting[0] + (terms.oversize_cents if over else 0)


@drawn(
    found=given.cards(),
    way=st.tuples(places, places, st.integers(0, 500)),
    is_residential=st.booleans(),
    weight_g=st.integers(1, 12_000),
    size=st.tuples(st.integers(0, 50_000_000), st.integers(0, 2_500)),
)
def test_the_charges_of_a_parcel_add_up_to_what_its_terms_said(
    *,
    found: RateCard,
    way: tuple[PostalPlace, PostalPlace, int],
    is_residential: bool,
    weight_g: int,
    size: tuple[int, int],
) -> None:
    # Goal: quote and charge agree to the cent, whatever the card.
    terms = found.terms(*way, is_residential=is_residential)
    if terms is None:
        return
    sent = Sent(weight_g, way[2], terms.zone, *size, is_residential)
    said = price_cents(terms, sent)

    if said is None:
        with pytest.raises(NotCarried):
            charges_for(found, sent)
    else:
        assert sum(amounts(found, sent).values()) == said
        assert all(cents >= 0 for cents in amounts(found, sent).values())
    weights = [up_to_g for up_to_g, _ in terms.steps]
    assert weights == sorted(set(weights))


@drawn(found=given.cards(), origin=places, destination=places, distance_m=st.integers(0, 500))
def test_the_zone_is_that_of_a_plain_search(
    found: RateCard, origin: PostalPlace, destination: PostalPlace, distance_m: int
) -> None:
    # Oracle: every rule that holds, and of these the first by the chain as it is written.
    holding = [
        (rule, area.zone)
        for area in found.zones
        for rule in area.rules
        if rule.from_country in {"", origin.country}
        and rule.to_country in {"", destination.country}
        and (not rule.from_postcode or origin.postcode.startswith(rule.from_postcode))
        and (not rule.to_postcode or destination.postcode.startswith(rule.to_postcode))
        and distance_m <= rule.max_distance_m
    ]
    best = min(
        holding,
        default=None,
        key=lambda pair: (
            -len(pair[0].to_postcode),
            not pair[0].to_country,
            -len(pair[0].from_postcode),
            not pair[0].from_country,
            pair[0].max_distance_m,
        ),
    )
    zone_found = found.zone_of(origin, destination, distance_m)

    assert (zone_found and zone_found.zone) == (best and best[1])


def test_the_more_special_rule_counts_and_the_destination_before_the_origin() -> None:
    found = card(
        zone("anywhere", (1_000, 900)),
        zone("country", (1_000, 800), rules=(ZoneRule(to_country="BB"),)),
        zone("region", (1_000, 700), rules=(ZoneRule(to_country="BB", to_postcode="2"),)),
        zone("local", (1_000, 300), rules=(ZoneRule(from_country="AA", from_postcode="12"),)),
        zone("near", (1_000, 200), rules=(ZoneRule(max_distance_m=5_000),)),
    )

    def zone_of(origin: PostalPlace, destination: PostalPlace, distance_m: int = 90_000) -> str:
        terms = found.terms(origin, destination, distance_m)
        assert terms is not None
        return terms.zone

    assert zone_of(HERE, THERE) == "region"
    assert zone_of(HERE, PostalPlace("BB", "9")) == "country"
    assert zone_of(HERE, PostalPlace("CC", "9")) == "local"
    assert zone_of(THERE, PostalPlace("CC", "9")) == "anywhere"
    assert zone_of(THERE, PostalPlace("CC", "9"), 5_000) == "near"


def test_a_service_that_does_not_go_there_offers_nothing() -> None:
    found = card(zone("home", (1_000, 100), rules=(ZoneRule(to_country="AA"),)))

    assert found.terms(HERE, THERE, 0) is None
    with pytest.raises(NotCarried, match="does not go there"):
        charges_for(found, Sent(1, 0, "gone"))


def test_the_terms_of_a_zone_are_built_once() -> None:
    found = card(zone("all", (1_000, 100)), residential_cents=50)
    home = found.terms(HERE, THERE, 7, is_residential=True)

    assert found.terms(THERE, HERE, 900_000) is found.terms(HERE, THERE, 7)
    assert found.terms(THERE, HERE, 3, is_residential=True) is home
    assert home is not None
    assert home.flat_cents == 50


def test_beyond_the_last_step_each_started_kilogram_adds_up_to_the_heaviest() -> None:
    heavy = zone("all", (2_500, 600), per_kg_cents=150, max_weight_g=5_000)

    assert list(heavy.all_steps()) == [
        Step(2_500, 600),
        Step(3_500, 750),
        Step(4_500, 900),
        Step(5_000, 1_050),
    ]
    assert amounts(card(heavy), Sent(3_501, 0, "all"))["freight"] == 900
    with pytest.raises(NotCarried, match="that heavy"):
        charges_for(card(heavy), Sent(5_001, 0, "all"))


def test_every_surcharge_is_named() -> None:
    found = card(
        zone("far", (1_000, 150), (9_000, 1_005), remote_area_cents=70),
        handling_cents=10,
        packaging_cents=20,
        volume_divisor=5_000,
        fuel_basis_points=1_250,
        minimum_freight_cents=200,
        oversize_mm=1_000,
        oversize_cents=500,
        residential_cents=30,
    )

    assert amounts(found, Sent(900, 0, "far", 5_000_000, 1_000)) == {
        ChargeKind.HANDLING: 10,
        ChargeKind.PACKAGING: 20,
        ChargeKind.FREIGHT: 150,
        ChargeKind.MINIMUM_TOP_UP: 50,
        ChargeKind.FUEL: 25,  # 12.5 % of 200
        ChargeKind.REMOTE_AREA: 70,
    }
    # A litre more than a kilogram's worth: the volume weighs more.
    assert amounts(found, Sent(900, 0, "far", 5_000_001, 1_001, is_residential=True)) == {
        ChargeKind.HANDLING: 10,
        ChargeKind.PACKAGING: 20,
        ChargeKind.FREIGHT: 1_005,
        ChargeKind.FUEL: 126,  # 125.625
        ChargeKind.REMOTE_AREA: 70,
        ChargeKind.RESIDENTIAL: 30,
        ChargeKind.OVERSIZE: 500,
    }


@pytest.mark.parametrize(
    ("freight_cents", "fuel_cents"), [(0, 0), (1, 1), (3, 2), (2, 1), (99, 50)]
)
def test_half_a_cent_of_fuel_is_rounded_up(freight_cents: int, fuel_cents: int) -> None:
    assert card(fuel_basis_points=5_000).fuel_cents(freight_cents) == fuel_cents


@pytest.mark.parametrize(
    ("weight_g", "volume_mm3", "divisor", "chargeable_g"),
    [(1_000, 9_999_999, 0, 1_000), (1_000, 5_000_000, 5_000, 1_000), (1, 5_001, 5_000, 2)],
)
def test_the_greater_of_weight_and_volume_counts(
    weight_g: int, volume_mm3: int, divisor: int, chargeable_g: int
) -> None:
    assert chargeable_weight_g(weight_g, volume_mm3, divisor) == chargeable_g


def test_what_is_too_long_is_not_carried() -> None:
    found = card(zone("all", (1_000, 100)), max_length_mm=1_200)

    assert amounts(found, Sent(1, 0, "all", 0, 1_200))
    with pytest.raises(NotCarried, match="that long"):
        charges_for(found, Sent(1, 0, "all", 0, 1_201))


@pytest.mark.parametrize(
    ("written", "bare"), [("01310-200", "01310200"), ("sw1a 1aa", "SW1A1AA"), ("", "")]
)
def test_postcodes_are_compared_without_what_is_put_between(written: str, bare: str) -> None:
    assert bare_postcode(written) == bare
