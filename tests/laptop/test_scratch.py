"""Where tests keep what they need for a moment."""

import os
import tempfile
from pathlib import Path

import pytest

from tests.support import scratch


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder of which this machine has room for a byte, and nobody who says otherwise."""
    monkeypatch.setattr(scratch, "MEMORY", tmp_path)
    monkeypatch.setattr(scratch, "NEEDED_BYTES", 1)
    monkeypatch.setattr(tempfile, "tempdir", "/where/it/was")
    monkeypatch.setenv("TMPDIR", "")
    monkeypatch.delenv("TMPDIR")


def test_temporary_folders_are_made_where_there_is_room(tmp_path: Path) -> None:
    scratch.keep_in_memory()

    assert os.environ["TMPDIR"] == tempfile.gettempdir() == str(tmp_path)


def test_whoever_names_a_folder_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/of/mine")

    scratch.keep_in_memory()

    assert (os.environ["TMPDIR"], tempfile.tempdir) == ("/of/mine", "/where/it/was")


def test_where_there_is_none_or_no_room_nothing_is_changed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(scratch, "NEEDED_BYTES", 1 << 62)
    scratch.keep_in_memory()
    monkeypatch.setattr(scratch, "NEEDED_BYTES", 1)
    monkeypatch.setattr(scratch, "MEMORY", tmp_path / "absent")
    scratch.keep_in_memory()

    assert "TMPDIR" not in os.environ
    assert tempfile.tempdir == "/where/it/was"
