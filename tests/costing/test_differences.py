"""In what two versions of a rate card differ is told in words, completely and from both sides."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.costing.differences import Difference, differences, rule_in_words
from shared.costing.types import RateCardDraft, Step, Zone, ZoneRule

CARD = RateCardDraft(
    carrier="dhl",
    service="Paket",
    currency="EUR",
    valid_from=datetime(2026, 1, 1, tzinfo=UTC),
    handling_cents=90,
    fuel_basis_points=1_250,
    zones=(
        Zone("NL", (ZoneRule(to_country="NL"),), (Step(500, 400), Step(10_000, 695)), 150, 30_000),
    ),
)
amounts = st.integers(min_value=0, max_value=3)
cards = st.builds(
    lambda handling, days, weights: replace(
        CARD,
        handling_cents=handling,
        zones=(
            Zone(
                "NL",
                (ZoneRule(to_country="NL"),),
                tuple(Step(weight_g, 100) for weight_g in sorted(weights)),
                transit_days=days,
            ),
        ),
    ),
    amounts,
    st.none() | amounts,
    st.sets(st.sampled_from([500, 1_000, 2_000]), min_size=1),
)


def test_a_version_that_says_the_same_differs_in_nothing() -> None:
    later = replace(CARD, valid_from=datetime(2027, 1, 1, tzinfo=UTC))

    assert differences(CARD, later) == ()


def test_what_is_dearer_new_and_gone_is_named_with_both_sides() -> None:
    (zone,) = CARD.zones
    after = replace(
        CARD,
        handling_cents=0,
        zones=(zone._replace(steps=(Step(500, 450), Step(2_500, 500)), transit_days=2),),
    )

    assert differences(CARD, after) == (
        Difference("zone NL: days", "", "2"),
        Difference("zone NL: to 0.5 kg", "4.00", "4.50"),
        Difference("zone NL: to 2.5 kg", "", "5.00"),
        Difference("handling", "0.90", ""),
        Difference("zone NL: to 10 kg", "6.95", ""),
    )


def test_of_a_first_version_everything_is_new() -> None:
    said = {one.where: one.now for one in differences(None, CARD)}

    assert said["fuel"] == "12.5 %"
    assert said["zone NL: to NL"] == "yes"
    assert said["zone NL: each kg beyond"] == "1.50 up to 30 kg"


@given(cards, cards)
def test_the_other_way_round_the_sides_change_places(
    one: RateCardDraft, two: RateCardDraft
) -> None:
    there = {(found.where, found.was, found.now) for found in differences(one, two)}
    back = {(found.where, found.now, found.was) for found in differences(two, one)}

    assert there == back
    assert bool(there) == (replace(one, zones=two.zones) != two or one.zones != two.zones)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (ZoneRule(), "everything else"),
        (ZoneRule(to_country="DE", to_postcode="101"), "to DE 101"),
        (ZoneRule("DE", "10", "FR", "75", 250_500), "from DE 10 to FR 75 up to 250.5 km"),
    ],
)
def test_a_rule_is_told_in_words(rule: ZoneRule, words: str) -> None:
    assert rule_in_words(rule) == words
