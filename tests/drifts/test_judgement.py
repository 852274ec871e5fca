"""What is found wrong with a row is set right, or the row is fenced off; both never happen."""

from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from shared.drifts.judgement import FEWER_THAN_NONE, FEWER_THAN_PROMISED, judge
from shared.drifts.types import Figure, Outcome


@dataclass(frozen=True)
class Row:
    """The figures of a row, and what they should be."""

    on_hand: int
    reserved: int
    held: int
    moved: int
    in_parcels: int
    in_holds: int


any_units = st.integers(-9, 9)
some_units = st.integers(0, 9)
rows = st.builds(Row, any_units, any_units, any_units, any_units, some_units, some_units)


@given(rows)
def test_after_a_repair_there_is_nothing_to_find_and_a_fence_keeps_what_can_be_kept(
    row: Row,
) -> None:
    verdict = judge(row)
    mended = replace(
        row, reserved=verdict.reserved, held=verdict.held, moved=row.moved + verdict.ledger
    )

    if verdict.fence is None:
        assert judge(mended).findings == ()
        assert 0 <= mended.reserved + mended.held <= mended.on_hand
        assert verdict.wants_count == (row.on_hand != row.moved)
    else:
        assert (mended.on_hand, mended.moved) == (row.on_hand, row.moved)
        assert mended.reserved <= max(row.in_parcels, row.reserved)
        assert mended.held <= max(row.in_holds, row.held)
        assert row.on_hand < 0 or mended.reserved + mended.held == row.on_hand
        assert verdict.findings
        assert verdict.wants_count
        assert verdict.outcome is Outcome.FENCED


@given(rows)
def test_every_finding_has_a_difference_and_every_figure_one_finding(row: Row) -> None:
    findings = judge(row).findings

    assert all(finding.difference for finding in findings)
    assert len({finding.figure for finding in findings}) == len(findings)


def test_a_row_that_is_right_is_left_alone() -> None:
    verdict = judge(Row(on_hand=9, reserved=2, held=3, moved=9, in_parcels=2, in_holds=3))

    assert (verdict.findings, verdict.fence, verdict.ledger) == ((), None, 0)


def test_what_is_promised_beyond_on_hand_is_not_repaired() -> None:
    short = judge(Row(on_hand=4, reserved=4, held=0, moved=4, in_parcels=3, in_holds=2))
    negative = judge(Row(on_hand=-1, reserved=0, held=0, moved=-1, in_parcels=0, in_holds=0))

    assert short.fence == FEWER_THAN_PROMISED
    assert (short.reserved, short.held) == (3, 1)
    assert {finding.figure: finding.difference for finding in short.findings} == {
        Figure.RESERVED: 1,
        Figure.HELD: -2,
        Figure.PROMISED: 1,
    }
    assert negative.fence == FEWER_THAN_NONE
