"""What is waited for in vain is named."""

import pytest

from tests.journeys.stage import wait_until, wait_until_nothing


def test_whoever_waits_for_rest_in_vain_is_told_what_is_under_way() -> None:
    with pytest.raises(AssertionError, match="in vain: 3 of placement-bulk, 1 of measure"):
        wait_until_nothing(lambda: ["3 of placement-bulk", "1 of measure"], 0.0)


def test_a_condition_that_comes_about_is_looked_at_until_it_does() -> None:
    seen = iter([False, False, True])

    wait_until(lambda: next(seen), "the third look")

    assert next(seen, None) is None
