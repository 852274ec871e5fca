"""The list of known differences names tests that exist."""

import re
from importlib import import_module

import pytest

from tests.conformance.official.differences import DIFFERENCES


@pytest.mark.parametrize("test_id", sorted(DIFFERENCES))
def test_a_known_difference_is_about_a_test_that_exists(test_id: str) -> None:
    found = re.fullmatch(r"test_(\w+)\.py::(\w+)(\[.+\])?", test_id)
    assert found is not None

    module = import_module(f"tests.conformance.official.test_{found[1]}")

    assert callable(getattr(module, found[2]))
