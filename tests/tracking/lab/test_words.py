"""Every vendor's words: each status of its table, none beyond it, and histories that merge."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from shared.kit.errors import Malformed
from shared.tracking.fold import HISTORY_ONLY, Progress, fold
from shared.tracking.types import TrackingStatus, TrackingUpdate
from tests.tracking.lab.bench import Bench
from tests.tracking.lab.cases.case import Scan

S = TrackingStatus
T0 = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def only(bench: Bench, *history: Scan) -> Sequence[TrackingUpdate]:
    return bench.read(bench.case.body("TRACK-1", history)).updates


def journey(bench: Bench) -> list[Scan]:
    moving, delivered = bench.case.moving, bench.case.delivered
    return [
        Scan(*moving, T0, "left"),
        Scan(*moving, T0 + HOUR, "arrived"),
        Scan(*moving, T0 + HOUR, "sorted"),
        Scan(*delivered, T0 + 9 * HOUR, "signed"),
    ]


def test_every_status_of_the_table_is_read_in_our_words(bench: Bench) -> None:
    documented = list(bench.vendor.statuses.documented())
    for raw_status, detail, meaning in documented:
        found = [
            update
            for update in only(bench, Scan(raw_status, detail, T0))
            if (update.raw_status, update.detail) == (raw_status, detail)
        ]
        assert [(u.status, u.reason, u.is_documented) for u in found] == [
            (meaning.status, meaning.reason, True)
        ], (raw_status, detail)
        progress = fold(Progress(), found)
        expected = S.PENDING if meaning.status in HISTORY_ONLY else meaning.status
        assert progress.status is expected

    assert len(documented) >= 6
    assert {S.IN_TRANSIT, S.DELIVERED, S.RETURN_TO_SENDER} <= {m.status for *_, m in documented}


def test_a_detail_that_says_no_more_leaves_the_status_as_it_is(bench: Bench) -> None:
    raw_status, _ = bench.case.moving
    for detail in bench.vendor.statuses.plain_details:
        if (raw_status, detail) not in bench.vendor.statuses.by_detail:
            meaning = bench.vendor.statuses.meaning(raw_status, detail)
            assert (meaning.status, meaning.is_documented) == (S.IN_TRANSIT, True), detail


def test_a_status_that_nobody_documented_is_unknown_and_kept_as_it_came(bench: Bench) -> None:
    updates = only(bench, Scan(*bench.case.moving, T0), Scan("Teleported", "", T0 + HOUR))

    (strange,) = [update for update in updates if not update.is_documented]
    assert (strange.status, strange.reason) == (S.UNKNOWN, None)
    assert strange.raw_status == "Teleported"
    progress = fold(Progress(), updates)
    assert (progress.status, progress.last_update_at) == (S.IN_TRANSIT, T0 + HOUR)


def test_a_detail_that_nobody_documented_is_kept_and_changes_nothing(bench: Bench) -> None:
    raw_status, plain = bench.case.moving
    detail = bench.case.strange_detail(raw_status)

    (strange,) = only(bench, Scan(raw_status, detail, T0))
    (usual,) = only(bench, Scan(raw_status, plain, T0))

    assert (strange.status, strange.detail, strange.is_documented) == (usual.status, detail, False)


def test_a_history_comes_oldest_first_with_everything_in_it(bench: Bench) -> None:
    history = journey(bench)

    updates = only(bench, *history)

    assert [update.occurred_at for update in updates] == [scan.at for scan in history]
    assert {update.message for update in updates} == {"left", "arrived", "sorted", "signed"}
    assert {update.location.city.title() for update in updates} == {"Santos"}
    assert [update.status for update in updates] == [S.IN_TRANSIT] * 3 + [S.DELIVERED]


def test_the_same_history_again_and_longer_ones_merge_by_content(bench: Bench) -> None:
    history = journey(bench)
    doubled = [*history[:2], *history]

    once = {update.content_id for update in only(bench, *history)}
    grown = [
        update.content_id
        for length in range(1, len(history) + 1)
        for update in only(bench, *history[:length])
    ]

    assert len(once) == len(history)
    assert set(grown) == once
    assert [u.content_id for u in only(bench, *doubled)] == [
        u.content_id for u in only(bench, *history)
    ]


def test_reports_in_any_order_and_number_come_to_the_same_end(bench: Bench) -> None:
    history = journey(bench)
    reports = [only(bench, *history[:length]) for length in range(1, len(history) + 1)]
    whole = fold(Progress(), reports[-1])

    for order in permutations(reports):
        progress = Progress()
        for report in (*order, order[0]):
            progress = fold(progress, report)
        assert progress == whole

    assert (whole.status, whole.delivered_at) == (S.DELIVERED, T0 + 9 * HOUR)


def test_a_moment_with_another_offset_is_the_same_moment(bench: Bench) -> None:
    body = bench.case.body("TRACK-1", [Scan(*bench.case.moving, T0)])
    for utc in (b"2026-03-01T08:00:00+00:00", b"2026-03-01T08:00:00Z"):
        body = body.replace(utc, b"2026-03-01T05:00:00-03:00")

    assert b"-03:00" in body
    (moved,) = bench.read(body).updates
    (usual,) = only(bench, Scan(*bench.case.moving, T0))
    assert (moved.occurred_at, moved.content_id) == (T0, usual.content_id)


@pytest.mark.parametrize("moment", ["yesterday", "0001-01-01T00:00:00+14:00", ""])
def test_a_scan_without_a_moment_is_refused_by_the_name_of_its_field(
    bench: Bench, moment: str
) -> None:
    body = bench.case.body("TRACK-1", [Scan(*bench.case.moving, T0)])
    for utc in (b"2026-03-01T08:00:00+00:00", b"2026-03-01T08:00:00Z"):
        body = body.replace(utc, moment.encode())

    with pytest.raises(Malformed) as caught:
        bench.read(body)

    assert caught.value.field
    assert "yesterday" not in str(caught.value)


def test_the_tracking_code_is_needed_and_a_refusal_does_not_repeat_what_was_sent(
    bench: Bench,
) -> None:
    body = bench.case.body("TRACK-1", [Scan(*bench.case.moving, T0)])

    with pytest.raises(Malformed) as caught:
        bench.read(body.replace(b'"TRACK-1"', b'{"street": "Rua Secreta"}'))

    assert caught.value.field.rpartition(".")[2] in {
        "tracking_code",
        "tracking_number",
        "number",
        "code",
    }
    assert "Secreta" not in str(caught.value)


def test_a_text_never_holds_what_postgres_cannot_store(bench: Bench) -> None:
    (update,) = only(bench, Scan(*bench.case.moving, T0, "left\0 at door"))

    assert update.message == "left at door"
