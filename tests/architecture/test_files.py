"""No file tells on what machine it was written."""

import re

import pytest

from emulators.laptop.stack import ROOT
from tests.architecture.source import files

# Homes and work folders. What every machine has (/usr/lib, /tmp, /dev) tells nothing, and neither
# does Homebrew's prefix on Linux, which is the same everywhere.
MACHINE_PATH = re.compile(
    r"(?<![\w.:}/])/(home(?!/linuxbrew/)|Users|root|work|mnt|media|private)/[\w.-]+"
)
DRIVE_PATH = re.compile(r"\b[A-Z]:\\\\?[A-Z]\w+\\", re.IGNORECASE)
EXAMPLES = "tests/architecture/test_files.py"


def tells(text: str) -> list[str]:
    """The paths in `text` that exist on somebody's machine only."""
    return [found[0] for rule in (MACHINE_PATH, DRIVE_PATH) for found in rule.finditer(text)]


def test_no_file_holds_a_path_of_a_machine() -> None:
    telling = {
        path.relative_to(ROOT).as_posix(): found
        for path in files()
        if (found := tells(path.read_text(errors="replace")))
    }

    assert telling.keys() - {EXAMPLES} == set()


@pytest.mark.parametrize(
    "text",
    ['open("/home/ada/dispatch/x")', "cd /Users/ada/src", "/root/.venv/bin", "C:\\Users\\ada\\x"],
)
def test_a_path_of_a_machine_is_found(text: str) -> None:
    assert tells(text)


@pytest.mark.parametrize(
    "text",
    [
        "/usr/lib/postgresql/15/bin",
        "https://example.org/home/page",
        "/home/linuxbrew/.linuxbrew/opt",
        "GET /v2/shipments",
        "beside ../data/set",
        "{root}/home/x",
    ],
)
def test_a_path_that_every_machine_has_is_none(text: str) -> None:
    assert tells(text) == []
