"""The fold: its algebra by hypothesis, and its written rules by example."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tracking.fold import FINAL, HISTORY_ONLY, ON_THE_WAY, Progress, fold
from shared.tracking.types import TrackingStatus, TrackingUpdate

S = TrackingStatus
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def told(status: TrackingStatus, hour: int = 0) -> TrackingUpdate:
    """An update `hour` hours after noon."""
    moment = NOON + timedelta(hours=hour)
    return TrackingUpdate(status=status, raw_status=status, detail="", occurred_at=moment)


def after(*updates: TrackingUpdate) -> Progress:
    return fold(Progress(), updates)


# Few moments, so that many updates fall on the same one.
updates = st.builds(told, st.sampled_from(TrackingStatus), st.integers(-3, 3))
histories = st.lists(updates, max_size=8)


@given(history=histories, data=st.data())
def test_the_order_does_not_matter(history: list[TrackingUpdate], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(history))

    assert after(*shuffled) == after(*history)


@given(history=histories, data=st.data())
def test_the_number_does_not_matter(history: list[TrackingUpdate], data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(history), max_size=8)) if history else []

    assert after(*history, *again) == after(*history)


@given(first=histories, second=histories)
def test_the_grouping_does_not_matter(
    first: list[TrackingUpdate], second: list[TrackingUpdate]
) -> None:
    # Goal: what was stored and folded on later is what one fold over all would have given.
    assert fold(after(*first), second) == after(*first, *second)


@given(history=histories, late=updates)
def test_news_never_moves_a_parcel_backwards(
    history: list[TrackingUpdate], late: TrackingUpdate
) -> None:
    before, now = after(*history), fold(after(*history), [late])

    assert before.has_shipped <= now.has_shipped
    assert before.is_final <= now.is_final
    if before.status is S.RETURN_TO_SENDER:
        assert now.status is S.RETURN_TO_SENDER
    if not now.is_final and before.status_at is not None:
        assert now.status_at is not None
        assert now.status_at >= before.status_at


@given(history=histories)
def test_status_and_moments_agree(history: list[TrackingUpdate]) -> None:
    progress = after(*history)

    assert (progress.status is S.RETURN_TO_SENDER) == (progress.returned_at is not None)
    if progress.status is S.DELIVERED:
        assert progress.delivered_at == progress.status_at
    if progress.delivered_at is not None:
        assert progress.is_final
        assert progress.returned_at is None or progress.delivered_at < progress.returned_at
    if progress.is_final:
        assert progress.has_shipped


def test_every_status_has_exactly_one_rule() -> None:
    assert sorted([*ON_THE_WAY, *FINAL, *HISTORY_ONLY]) == sorted(TrackingStatus)


def test_knowing_nothing_is_pending() -> None:
    assert after() == Progress()
    assert after().status is S.PENDING
    assert not after().has_shipped


def test_on_the_way_the_latest_news_counts() -> None:
    progress = after(told(S.OUT_FOR_DELIVERY, 2), told(S.IN_TRANSIT, 5), told(S.PICKED_UP, 1))

    assert progress == Progress(
        status=S.IN_TRANSIT,  # back at the depot: later, though less far along
        status_at=NOON + timedelta(hours=5),
        shipped_at=NOON + timedelta(hours=1),
        last_update_at=NOON + timedelta(hours=5),
    )


def test_at_the_same_moment_the_status_further_along_counts() -> None:
    for nearer, further in pairwise(ON_THE_WAY):
        assert after(told(further), told(nearer)).status is further


@pytest.mark.parametrize("status", ON_THE_WAY)
def test_delivered_beats_everything_on_the_way_even_later(status: TrackingStatus) -> None:
    progress = after(told(S.DELIVERED, 1), told(status, 9))

    assert progress.status is S.DELIVERED
    assert progress.delivered_at == progress.status_at == NOON + timedelta(hours=1)
    assert progress.last_update_at == NOON + timedelta(hours=9)


@pytest.mark.parametrize("status", FINAL)
def test_the_earliest_report_of_an_end_tells_when_it_came(status: TrackingStatus) -> None:
    progress = after(told(status, 3), told(status, 1), told(status, 2))

    assert progress.status_at == NOON + timedelta(hours=1)
    assert progress.status_at in (progress.delivered_at, progress.returned_at)


def test_delivered_after_a_return_was_announced_is_back_at_the_sender() -> None:
    progress = after(told(S.RETURN_TO_SENDER, 1), told(S.DELIVERED, 2))

    assert progress.status is S.RETURN_TO_SENDER
    assert progress.returned_at == NOON + timedelta(hours=1)
    assert progress.delivered_at is None


def test_a_return_after_the_delivery_keeps_when_it_was_delivered() -> None:
    progress = after(told(S.DELIVERED, 1), told(S.RETURN_TO_SENDER, 2))

    assert progress.status is S.RETURN_TO_SENDER
    assert progress.delivered_at == NOON + timedelta(hours=1)


def test_late_news_of_an_earlier_return_takes_the_delivery_back() -> None:
    before = after(told(S.DELIVERED, 2), told(S.RETURN_TO_SENDER, 3))

    progress = fold(before, [told(S.RETURN_TO_SENDER, 1)])

    assert before.delivered_at is not None
    assert progress.delivered_at is None


@pytest.mark.parametrize("status", [S.PENDING, S.PICKED_UP, S.IN_TRANSIT])
def test_a_parcel_that_is_delivered_before_it_was_taken_is_delivered(
    status: TrackingStatus,
) -> None:
    # A scanner whose clock is wrong, or two vendors with different ones: both are kept as told.
    progress = after(told(S.DELIVERED, 1), told(status, 2))

    assert progress.status is S.DELIVERED
    assert progress.delivered_at == progress.shipped_at == NOON + timedelta(hours=1)


def test_a_parcel_that_was_announced_anew_on_its_way_is_where_the_latest_news_says() -> None:
    # A second label, or a vendor that begins to watch late: what has shipped stays shipped.
    progress = after(told(S.IN_TRANSIT, 1), told(S.PENDING, 2))

    assert progress.status is S.PENDING
    assert progress.has_shipped


def test_a_failed_delivery_after_the_delivery_is_the_carriers_mistake_and_changes_nothing() -> None:
    progress = after(told(S.DELIVERED, 1), told(S.DELIVERY_FAILED, 2), told(S.IN_TRANSIT, 3))

    assert (progress.status, progress.delivered_at) == (S.DELIVERED, NOON + timedelta(hours=1))


def test_a_return_that_was_called_off_stays_a_return() -> None:
    # Somebody has to look: the customer may have it, and our refund may be on its way.
    progress = after(told(S.RETURN_TO_SENDER, 1), told(S.OUT_FOR_DELIVERY, 2), told(S.DELIVERED, 3))

    assert (progress.status, progress.delivered_at) == (S.RETURN_TO_SENDER, None)


def test_a_delivery_and_a_return_of_the_same_moment_are_back_at_the_sender() -> None:
    progress = after(told(S.DELIVERED, 1), told(S.RETURN_TO_SENDER, 1))

    assert (progress.status, progress.delivered_at) == (S.RETURN_TO_SENDER, None)


def test_a_cancelled_parcel_that_moves_all_the_same_has_shipped() -> None:
    progress = after(told(S.CANCELLED, 1), told(S.IN_TRANSIT, 2), told(S.CANCELLED, 3))

    assert (progress.status, progress.has_shipped) == (S.IN_TRANSIT, True)


@pytest.mark.parametrize("status", sorted(HISTORY_ONLY))
def test_unknown_and_cancelled_move_nothing(status: TrackingStatus) -> None:
    before = after(told(S.IN_TRANSIT, 1))

    progress = fold(before, [told(status, 2)])

    assert (progress.status, progress.status_at) == (before.status, before.status_at)
    assert progress.last_update_at == NOON + timedelta(hours=2)
    assert not after(told(status)).has_shipped


@pytest.mark.parametrize("status", sorted(frozenset(TrackingStatus) - HISTORY_ONLY - {S.PENDING}))
def test_whatever_the_carrier_does_with_a_parcel_it_has_shipped(status: TrackingStatus) -> None:
    progress = after(told(S.PENDING, -1), told(status, 4), told(status, 3))

    assert progress.has_shipped
    assert progress.shipped_at == NOON + timedelta(hours=3)


def test_an_update_without_utc_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="UTC"):
        TrackingUpdate(S.PENDING, "x", "", datetime(2026, 5, 1, 12))  # noqa: DTZ001
