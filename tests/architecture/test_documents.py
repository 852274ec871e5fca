"""Documents: generated parts are in step with the source, and every link leads somewhere."""

import re
from pathlib import Path

import pytest

from emulators.laptop.cli import VERBS, UserMistake
from emulators.laptop.docs import FILES, PARTS, rendered
from emulators.laptop.stack import ROOT

DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "shared/**/*.md", "emulators/**/*.md", "functions/**/*.md")
    for path in ROOT.glob(pattern)
)
DECISIONS = sorted((ROOT / "shared/decisions").glob("*.md"))
_LINK = re.compile(r"\[[^\]]+\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)")
_HEADINGS = ["## Context", "## Decision", "## Consequences", "## Revisit when"]


@pytest.mark.parametrize("name", FILES)
def test_the_generated_parts_are_in_step(name: str) -> None:
    text = (ROOT / name).read_text()

    assert text == rendered(text), "`python3 -m emulators docs` writes them anew"


def test_every_part_that_can_be_generated_is_shown_somewhere() -> None:
    shown = "".join((ROOT / name).read_text() for name in FILES)

    assert [part for part in PARTS if f"<!-- generated: {part} -->" not in shown] == []


def test_a_part_that_was_changed_by_hand_is_written_anew() -> None:
    text = "before\n<!-- generated: owners -->\nmine\n<!-- end of owners -->\nafter\n"

    fresh = rendered(text)

    assert "mine" not in fresh
    assert "| `outbox` | [platform/outbox.py](platform/outbox.py) |" in fresh
    assert fresh.startswith("before\n")
    assert fresh.endswith("\nafter\n")


def test_a_part_that_nothing_generates_is_a_mistake_that_names_the_others() -> None:
    with pytest.raises(UserMistake, match=r"'mugs'.*owners"):
        rendered("<!-- generated: mugs -->\n<!-- end of mugs -->")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_inside_the_house_leads_to_a_file(path: Path) -> None:
    broken = [link for link in _LINK.findall(path.read_text()) if not (path.parent / link).exists()]

    assert broken == []


@pytest.mark.parametrize("verb", VERBS)
def test_the_readme_explains_every_verb(verb: str) -> None:
    assert f"python3 -m emulators {verb}" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_document_names_only_verbs_that_there_are(path: Path) -> None:
    named = re.findall(r"python3 -m emulators ([a-z]+)", path.read_text())

    assert set(named) - VERBS.keys() == set()


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_is_one_dated_page_that_says_when_to_look_at_it_again(path: Path) -> None:
    text = path.read_text()
    title, date = text.splitlines()[0], text.splitlines()[2]

    assert re.fullmatch(r"# \d+\. .+[^.]", title)
    assert int(title[2:].split(".")[0]) == int(path.stem[:4])
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", date)
    assert [line for line in text.splitlines() if line.startswith("## ")] == _HEADINGS
    assert len(text.split()) <= 600


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = [path.stem[:4] for path in DECISIONS]

    assert numbers == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]
