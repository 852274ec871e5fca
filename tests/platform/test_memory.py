"""A process collects rarely, but it does collect."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from shared.platform.memory import YOUNG_OBJECTS, collect_rarely

pytestmark = pytest.mark.slow


class Link:
    """Refers to itself, so that only the collector frees it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _thresholds() -> Iterator[None]:
    before = gc.get_threshold()
    collect_rarely()
    gc.collect()
    yield
    gc.set_threshold(*before)


def test_what_a_few_orders_are_made_of_is_not_walked_through() -> None:
    before = gc.get_stats()[0]["collections"]
    kept = [[n] for n in range(YOUNG_OBJECTS // 2)]
    assert gc.get_stats()[0]["collections"] == before
    assert kept


def test_cycles_are_freed_in_the_end() -> None:
    gone = weakref.ref(Link())
    kept = [[n] for n in range(2 * YOUNG_OBJECTS)]
    assert gone() is None
    assert kept
