"""Which language a customer is written to in."""

import pytest

from shared.kit.languages import Language, language_for


@pytest.mark.parametrize(
    ("asked", "country", "expected"),
    [
        ("de", "BR", "de"),
        ("pt-BR", "DE", "pt"),
        ("EN-gb", "BR", "en"),
        ("fr", "BR", "pt"),  # one that we do not have: its country may tell
        ("fr-CH", "CH", "de"),
        (None, "BR", "pt"),
        (None, "PT", "pt"),
        (None, "AT", "de"),
        (None, "FR", "en"),
        ("", "DE", "de"),
    ],
)
def test_what_is_asked_for_counts_then_the_country_then_english(
    asked: str | None, country: str, expected: str
) -> None:
    assert language_for(asked, country) is Language(expected)
