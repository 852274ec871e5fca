"""Any history of any vendor, in any messages, order and number: the same end."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.tracking.fold import Progress, fold
from shared.tracking.types import TrackingUpdate
from tests.tracking.lab.cases.case import Scan
from tests.tracking.lab.cases.table import ALL_VENDORS, CASES

T0 = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def scans(name: str) -> st.SearchStrategy[list[Scan]]:
    """Histories of the codes of the vendor's table, with moments that often are the same."""
    codes = [(status, detail) for status, detail, _ in ALL_VENDORS[name].statuses.documented()]
    scan = st.builds(
        lambda code, hour, text: Scan(code[0], code[1], T0 + timedelta(hours=hour), text),
        st.sampled_from(codes),
        st.integers(0, 5),
        st.sampled_from(["seen", "seen again"]),
    )
    return st.lists(scan, min_size=1, max_size=6)


@pytest.mark.parametrize("name", sorted(ALL_VENDORS))
@settings(max_examples=60)
@given(data=st.data())
def test_messages_in_any_order_and_number_come_to_one_end(name: str, data: st.DataObject) -> None:
    history = data.draw(scans(name))
    lengths = data.draw(st.lists(st.integers(1, len(history)), min_size=1, max_size=4))
    messages = [
        CASES[name].body("TRACK-1", sorted(history[:length], key=lambda scan: scan.at))
        for length in (*lengths, len(history))
    ]
    shuffled = data.draw(st.permutations(messages + messages[:2]))

    def end(sent: list[bytes]) -> tuple[Progress, set[str]]:
        progress, known = Progress(), dict[str, TrackingUpdate]()
        for body in sent:
            report = ALL_VENDORS[name].read(body)
            assert report is not None
            assert report.tracking_code == "TRACK-1"
            progress = fold(progress, report.updates)
            known |= {update.content_id: update for update in report.updates}
        return progress, set(known)

    assert end(shuffled) == end(messages)


@pytest.mark.parametrize("name", sorted(ALL_VENDORS))
@given(data=st.data())
def test_what_is_kept_says_all_that_was_sent(name: str, data: st.DataObject) -> None:
    history = sorted(data.draw(scans(name)), key=lambda scan: scan.at)

    report = ALL_VENDORS[name].read(CASES[name].body("TRACK-1", history))

    assert report is not None
    found = {(update.raw_status, update.detail, update.occurred_at) for update in report.updates}
    flagged = {"return_to_sender"} if name == "aftership" else set()  # a flag, without a moment
    wanted = {(s.status, s.detail, s.at) for s in history if s.detail not in flagged}
    assert wanted <= found
    assert [update.occurred_at for update in report.updates] == sorted(
        update.occurred_at for update in report.updates
    )
