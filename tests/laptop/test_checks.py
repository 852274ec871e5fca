"""`test`: what the checks run in."""

import os

import pytest

from emulators.laptop.checks import _environment, _side_by_side
from emulators.laptop.stack import ROOT


def test_what_may_not_lie_beside_the_sources_is_compiled_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Goal: a hundred processes of the tests do not compile the same code a hundred times.
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.delenv("PYTHONPYCACHEPREFIX", raising=False)

    found = _environment()

    assert "PYTHONDONTWRITEBYTECODE" not in found
    assert found["PYTHONPYCACHEPREFIX"] == str(ROOT / ".local/compiled")


def test_where_nothing_was_said_nothing_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.delenv("PYTHONPYCACHEPREFIX", raising=False)

    assert "PYTHONPYCACHEPREFIX" not in _environment()


def test_a_test_process_more_than_processors_where_stacks_run_and_none_where_somebody_looks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Goal: no processor is idle while the tests of one process wait for a stack.
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.delenv("CI", raising=False)

    assert _side_by_side([])[:2] == _side_by_side(["tests/chaos"])[:2] == ("-n", "5")
    assert _side_by_side(["-m", "quick"])[:2] == ("-n", "4")
    assert _side_by_side(["--pdb", "tests/kit"]) == _side_by_side(["-n", "0"]) == ()

    # Goal: what a build server says depends on the code, not on how busy the machine is.
    monkeypatch.setenv("CI", "true")
    assert _side_by_side([])[:2] == ("-n", "4")
