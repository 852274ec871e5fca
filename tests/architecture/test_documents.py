"""Documents: in step with the source, and every link leads somewhere."""

import argparse
import re
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from emulators.laptop.cli import VERBS, UserMistake
from emulators.laptop.docs import FILES, PARTS, rendered
from emulators.laptop.stack import ROOT
from shared.platform.config import PREFIX, Config

DOCUMENTS = sorted(
    path
    for pattern in (
        "*.md",
        "shared/**/*.md",
        "emulators/**/*.md",
        "functions/**/*.md",
        "infra/**/*.md",
        "tests/**/*.md",
    )
    for path in ROOT.glob(pattern)
)
DECISIONS = sorted((ROOT / "shared/decisions").glob("*.md"))
README = (ROOT / "README.md").read_text()
COMMANDS = (ROOT / "emulators/README.md").read_text()
_LINK = re.compile(r"\[[^\]]+\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")
_OPTION = re.compile(r"--[a-z][a-z-]*")
_OF_A_VENDOR = re.compile(r"\w+_(webhook_secret|webhook_keys_url)")
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
    broken = []
    for link, heading in _LINK.findall(path.read_text()):
        target = path.parent / link if link else path
        if not target.exists() or (heading and heading not in anchors(target.read_text())):
            broken.append(f"{link}#{heading}")

    assert broken == []


def test_the_readme_leads_to_every_document_beside_code() -> None:
    # Goal: the README is short because the rest is elsewhere, and what nothing leads to is lost.
    def links(document: Path) -> set[Path]:
        found = {(document.parent / link).resolve() for link, _ in _LINK.findall(text(document))}
        return {path / "README.md" if path.is_dir() else path for path in found}

    def text(document: Path) -> str:
        return document.read_text() if document.suffix == ".md" and document.exists() else ""

    reached, ahead = set(), {ROOT / "README.md"}
    while ahead:
        document = ahead.pop()
        reached.add(document)
        ahead |= {path for path in links(document) if path.suffix == ".md"} - reached

    assert {path for path in DOCUMENTS if path not in DECISIONS} - reached == set()


def test_the_readme_is_what_a_newcomer_reads() -> None:
    assert len(README.encode()) <= 20_000, "what is about one part stands in a document beside it"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_explained_with_all_of_its_options(verb: str) -> None:
    begins = re.compile(rf"\| `python3 -m emulators {verb}[ `]")
    rows = [line for line in COMMANDS.splitlines() if begins.match(line)]
    if verb == "bench":
        benchmarks = (ROOT / "emulators/bench/README.md").read_text()
        rows += [line for line in benchmarks.splitlines() if line.startswith("| `")]
    parser = argparse.ArgumentParser(add_help=False)
    import_module(VERBS[verb][0]).add_arguments(parser)

    assert set(_OPTION.findall("".join(rows))) == set(options(parser)) - {"--json", "--help"}
    told = set(re.findall(rf"(?:`|{verb} )([a-z][a-z-]+)", "".join(rows)))
    assert words(parser).keys() - told == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_document_names_only_verbs_that_there_are(path: Path) -> None:
    named = re.findall(r"python3 -m emulators ([a-z]+)", path.read_text())

    assert set(named) - VERBS.keys() == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_document_names_only_settings_that_there_are(path: Path) -> None:
    named = re.findall(rf"{PREFIX}([A-Z0-9_]+)\b", path.read_text())
    settings = {name.lower() for name in named if not _OF_A_VENDOR.fullmatch(name.lower())}

    assert settings - Config.model_fields.keys() - {"home"} == set()


def test_the_map_shows_every_folder_of_the_house() -> None:
    shown = re.findall(r"^\| \[(\w+)/\]", (ROOT / "shared/README.md").read_text(), re.MULTILINE)

    assert Counter(shown) == Counter(path.parent.name for path in ROOT.glob("shared/*/__init__.py"))


def test_a_word_has_one_entry() -> None:
    _, _, words_on = (ROOT / "shared/README.md").read_text().partition("## Words\n")
    entries = re.findall(r"^- \*\*(.+?)\*\*", words_on.partition("\n## ")[0], re.MULTILINE)

    assert [word for word, times in Counter(entries).items() if times > 1] == []


def test_every_folder_of_tests_is_told() -> None:
    told = re.findall(r"`(\w+)/`", (ROOT / "tests/README.md").read_text())

    assert Counter(told) == Counter(path.parent.name for path in ROOT.glob("tests/*/__init__.py"))


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


def options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """All that `parser` and the parsers of its words take, by their long names."""
    for action in parser._actions:
        yield from (name for name in action.option_strings if name.startswith("--"))
    for below in words(parser).values():
        yield from options(below)


def words(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The words that a verb has, each with its parser."""
    return {
        word: below
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for word, below in action.choices.items()
    }


def anchors(text: str) -> set[str]:
    """What a link into a document may name: its headings, as GitHub writes them."""
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
