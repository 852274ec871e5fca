"""Every language says everything, with the same names in braces."""

import string
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

import pytest

from shared.edge.tracking_page.render import _ICONS, _TONES, WORDS
from shared.edge.tracking_page.words import Counted, Words
from shared.kit.languages import Language
from shared.ops.order_story import _UNTOLD, Arrival, Situation, Step
from shared.tracking.types import TrackingReason, TrackingStatus

OWN_LINES = {"ordered", "packed", "cancelled"}
every_language = pytest.mark.parametrize("language", Language)


def texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every text of a language, by where it stands."""
    match value:
        case str():
            yield path, value
        case Counted():
            yield from ((f"{path}.one", value.one), (f"{path}.many", value.many))
        case Mapping():
            for key, inner in value.items():
                yield from texts(inner, f"{path}.{key}")
        case _:
            raise TypeError(path)


def all_texts(words: Words) -> dict[str, str]:
    return dict(
        pair for field in fields(words) for pair in texts(getattr(words, field.name), field.name)
    )


def names_in(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@every_language
def test_there_is_a_word_for_every_status_and_reason_that_is_told(language: Language) -> None:
    words = WORDS[language]

    assert words.statuses.keys() == {*TrackingStatus} - _UNTOLD | OWN_LINES
    assert words.reasons.keys() == {*TrackingReason}


@every_language
def test_there_is_a_sentence_for_every_situation(language: Language) -> None:
    words = WORDS[language]
    under_way = {
        Situation.OUT_FOR_DELIVERY,
        Situation.ON_ITS_WAY,
        Situation.PACKED,
        Situation.BEING_PACKED,
        Situation.RECEIVED,
    }

    assert words.details.keys() == {*Situation}
    assert words.headlines.keys() == {*Situation} - under_way
    assert words.arrivals.keys() == {*Arrival} - {Arrival.OVER}
    assert words.steps.keys() == {*Step}


@every_language
def test_no_text_is_empty_and_each_has_the_same_names_in_braces_as_in_english(
    language: Language,
) -> None:
    english, others = all_texts(WORDS[Language.ENGLISH]), all_texts(WORDS[language])

    assert others.keys() == english.keys()
    assert all(text.strip() for text in others.values())
    # One of something may be written out.
    different = {
        path
        for path in english
        if names_in(english[path]) - {"count"} != names_in(others[path]) - {"count"}
    }
    assert different <= {"arrivals.by"}
    assert all("{count}" in text for path, text in others.items() if path.endswith(".many"))


def test_the_same_sentence_in_two_languages_was_forgotten() -> None:
    english = all_texts(WORDS[Language.ENGLISH])
    for language in set(Language) - {Language.ENGLISH}:
        others = all_texts(WORDS[language])
        same = {path for path, text in others.items() if text == english[path]}
        assert same <= {"items.one"}  # which Portuguese has too


def test_every_situation_has_its_colour_and_its_sign() -> None:
    assert _TONES.keys() == _ICONS.keys() == {*Situation}


def test_a_count_of_one_is_written_as_one() -> None:
    counted = Counted("{count} mug", "{count} mugs of {all}")

    assert counted.of(1) == "1 mug"
    assert counted.of(0, all="5") == "0 mugs of 5"
