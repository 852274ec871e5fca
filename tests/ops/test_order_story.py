"""What is told of an order: where it is, when it comes, what the customer has to do."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kit.languages import Language
from shared.ops.followed_orders import FollowedOrder, FollowedParcel, News
from shared.ops.order_story import Arrival, ParcelStory, Situation, Step, Story, tell
from shared.orders.types import OrderState
from shared.shipments.types import ParcelState
from shared.tracking.types import TrackingReason, TrackingStatus
from tests.tracking_page.situations import (
    DAY,
    GOING_BACK,
    HOUR,
    NOW,
    SITUATIONS,
    TODAY,
    arrived,
    moving,
    order,
    parcel,
    told,
)

S = Situation
TOMORROW = TODAY + DAY


def story(name: str) -> Story:
    return tell(SITUATIONS[name], NOW)


@pytest.mark.parametrize(
    ("name", "situation", "arrival", "day"),
    [
        ("received", S.RECEIVED, Arrival.BY, TODAY + 2 * DAY),
        ("review", S.RECEIVED, Arrival.LATER, None),
        ("out-of-stock", S.OUT_OF_STOCK, Arrival.LATER, None),
        ("being-packed", S.BEING_PACKED, Arrival.ON, TOMORROW),
        ("packed", S.PACKED, Arrival.ON, TOMORROW),
        ("on-its-way", S.ON_ITS_WAY, Arrival.ON, TOMORROW),
        ("out-for-delivery", S.OUT_FOR_DELIVERY, Arrival.ON, TODAY),
        ("late", S.ON_ITS_WAY, Arrival.ON, TODAY + 4 * DAY),
        ("overdue", S.ON_ITS_WAY, Arrival.LATER, None),
        ("delayed", S.DELAYED, Arrival.LATER, None),
        ("on-hold", S.ON_HOLD, Arrival.LATER, None),
        ("failed", S.DELIVERY_FAILED, Arrival.LATER, None),
        ("pickup", S.READY_FOR_PICKUP, Arrival.LATER, None),
        ("delivered", S.DELIVERED, Arrival.OVER, TODAY),
        ("two-parcels", S.DELAYED, Arrival.LATER, None),
        ("two-on-their-way", S.ON_ITS_WAY, Arrival.ON, TOMORROW),
        ("going-back", S.GOING_BACK, Arrival.OVER, None),
        ("cancelled", S.CANCELLED, Arrival.OVER, None),
        ("wanted-back", S.ON_ITS_WAY, Arrival.ON, TOMORROW),
        ("rest-out-of-stock", S.ON_ITS_WAY, Arrival.ON, TOMORROW),
        ("rest-follows", S.PARTLY_DELIVERED, Arrival.OVER, None),
        ("no-days-known", S.ON_ITS_WAY, Arrival.BY, TODAY + 2 * DAY),
    ],
)
def test_every_situation_has_its_headline(
    name: str, situation: Situation, arrival: Arrival, day: object
) -> None:
    found = story(name)

    assert (found.situation, found.arrival, found.day) == (situation, arrival, day)


def test_every_situation_is_among_the_examples() -> None:
    assert {tell(example, NOW).situation for example in SITUATIONS.values()} == set(Situation)


@pytest.mark.parametrize(
    ("name", "is_late"),
    [
        ("on-its-way", False),
        ("late", True),
        ("overdue", True),
        ("review", True),
        ("received", False),
        ("delivered-long-ago", False),
        ("going-back", False),
        ("cancelled", False),
    ],
)
def test_what_comes_after_its_promise_is_late_and_what_has_come_is_not(
    name: str, is_late: bool
) -> None:
    assert story(name).is_late is is_late


def test_a_parcel_that_leaves_later_than_planned_comes_as_much_later() -> None:
    planned = parcel(ship_on=TODAY - 3 * DAY, arrives_on=TODAY - DAY)

    found = tell(order(planned), NOW)

    assert (found.arrival, found.day) == (Arrival.ON, TODAY + 2 * DAY)


def test_out_for_delivery_yesterday_is_not_told_as_today() -> None:
    found = tell(order(moving(("out_for_delivery", 30 * HOUR))), NOW)

    assert (found.situation, found.day) == (S.ON_ITS_WAY, TOMORROW)


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("being-packed", Step.ORDERED),
        ("packed", Step.PACKED),
        ("delayed", Step.ON_ITS_WAY),
        ("failed", Step.OUT_FOR_DELIVERY),
        ("pickup", Step.OUT_FOR_DELIVERY),
        ("delivered", Step.DELIVERED),
        ("going-back", None),
    ],
)
def test_every_parcel_has_come_so_far(name: str, step: Step | None) -> None:
    (only,) = story(name).parcels

    assert only.step is step


def test_of_several_parcels_the_headline_is_about_the_one_that_asks_for_something() -> None:
    coming = moving(("in_transit", HOUR))
    waiting = moving(("ready_for_pickup", HOUR), units=7)

    found = tell(order(arrived(HOUR), coming, waiting), NOW)

    assert found.lead is not None
    assert (found.lead.units, found.situation, found.delivered) == (7, S.READY_FOR_PICKUP, 1)


def test_when_all_is_over_it_is_about_what_goes_back_or_came_last() -> None:
    # Goal: an order has come with its last parcel, and one that goes back is no order that came.
    first, last = arrived(20 * HOUR, units=1), arrived(3 * HOUR, units=2)

    for parcels in permutations([first, last]):
        came = tell(order(*parcels, state="delivered"), NOW)
        assert (came.situation, came.day) == (S.DELIVERED, TODAY)
    for parcels in permutations([first, GOING_BACK, last]):
        assert tell(order(*parcels, state="delivered"), NOW).situation is S.GOING_BACK


def test_then_about_the_one_that_comes_first() -> None:
    later, sooner = moving(arrives_on=TOMORROW + DAY), moving(units=7)

    found = tell(order(arrived(HOUR), later, sooner), NOW)

    assert found.lead is not None
    assert found.lead.units == 7


def test_scans_of_the_same_are_one_line_that_says_when_the_last_was() -> None:
    news = told(*(("in_transit", hours * HOUR) for hours in (30, 20, 10)))

    (only,) = tell(order(moving(news=news)), NOW).parcels

    (line, *_) = only.history
    assert (line.what, line.at, line.last_at) == (
        "in_transit",
        NOW - 30 * HOUR,
        NOW - 10 * HOUR,
    )


def test_what_contradicts_the_end_is_not_told() -> None:
    late_scan = News("in_transit", None, NOW - HOUR)
    come = arrived(3 * HOUR)
    back = replace(
        SITUATIONS["going-back"].parcels[0],
        news=(*SITUATIONS["going-back"].parcels[0].news, News("delivered", None, NOW - HOUR)),
    )

    (delivered,) = tell(order(replace(come, news=(*come.news, late_scan))), NOW).parcels
    (returned,) = tell(order(back), NOW).parcels

    assert delivered.history[0].what == "delivered"
    assert returned.history[0].what == "return_to_sender"


@pytest.mark.parametrize("status", ["unknown", "cancelled"])
def test_news_that_moves_nothing_is_not_told(status: str) -> None:
    (only,) = tell(order(moving(news=told((status, HOUR)))), NOW).parcels

    assert status not in {entry.what for entry in only.history}


def test_the_reason_is_that_of_the_latest_news_of_its_status() -> None:
    (only,) = story("failed").parcels

    assert only.reason == "consignee_not_available"


def test_when_stock_is_expected_is_told_as_long_as_it_lies_ahead() -> None:
    ahead = SITUATIONS["out-of-stock"]

    assert tell(ahead, NOW).restocked_on == TODAY + 6 * DAY
    assert tell(replace(ahead, expected_at=NOW - DAY), NOW).restocked_on is None


moments = st.integers(-1_000, 1_000).map(lambda hours: NOW + hours * HOUR)
perhaps = st.none() | moments
days = st.none() | moments.map(lambda moment: moment.date())
news = st.builds(
    News,
    status=st.sampled_from([status.value for status in TrackingStatus]),
    reason=st.none() | st.sampled_from([reason.value for reason in TrackingReason]),
    occurred_at=moments,
)
parcels = st.builds(
    FollowedParcel,
    carrier=st.sampled_from(["correios", "dhl", "own_riders"]),
    code_end=st.none() | st.just("4711"),
    units=st.integers(0, 99),
    state=st.sampled_from([state.value for state in ParcelState]),
    status=st.sampled_from([status.value for status in TrackingStatus]),
    status_at=perhaps,
    ship_on=days,
    arrives_on=days,
    picked_at=perhaps,
    shipped_at=perhaps,
    delivered_at=perhaps,
    returned_at=perhaps,
    news=st.lists(news, max_size=8).map(
        lambda found: tuple(sorted(found, key=lambda one: one.occurred_at))
    ),
)
orders = st.builds(
    FollowedOrder,
    number_end=st.text(max_size=4),
    state=st.sampled_from([state.value for state in OrderState]),
    language=st.none() | st.sampled_from(["en", "pt-BR", "de-AT", "fr"]),
    country=st.sampled_from(["BR", "DE", "FR"]),
    time_zone=st.sampled_from(["UTC", "America/Sao_Paulo", "Europe/Berlin", "Asia/Kolkata"]),
    ordered_at=moments,
    promised_at=moments,
    expected_at=perhaps,
    closed_at=perhaps,
    is_wanted_back=st.booleans(),
    out_of_stock=st.integers(0, 9),
    waiting=st.integers(0, 9),
    cancelled=st.integers(0, 9),
    parcels=st.lists(parcels, max_size=3).map(tuple),
)


@given(followed=orders)
def test_any_order_can_be_told_and_no_day_ahead_is_over(followed: FollowedOrder) -> None:
    found = tell(followed, NOW)

    assert len(found.parcels) == len(followed.parcels)
    assert found.language in Language
    told_of: list[Story | ParcelStory] = [found, *found.parcels]
    for one in told_of:
        assert (one.day is None) == (one.arrival is Arrival.LATER) or one.arrival is Arrival.OVER
        if one.arrival in (Arrival.ON, Arrival.BY):
            assert one.day is not None
            assert one.day >= found.today
    for one_parcel in found.parcels:
        times = [entry.at for entry in one_parcel.history]
        assert times == sorted(times, reverse=True)


@given(followed=orders, later=st.integers(0, 500))
def test_time_alone_never_makes_a_parcel_come_from_further_away(
    followed: FollowedOrder, later: int
) -> None:
    # Goal: without news nothing moves on, and what was out for delivery is not so for ever.
    now, then = tell(followed, NOW), tell(followed, NOW + timedelta(hours=later))

    for before, after in zip(now.parcels, then.parcels, strict=True):
        if before.situation is not S.OUT_FOR_DELIVERY:
            assert after.situation is before.situation
