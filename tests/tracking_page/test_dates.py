"""Days and times as people write them, in three languages."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from shared.edge.tracking_page.dates import day, moment, offset, on_day
from shared.kit.languages import Language

EN, PT, DE = Language.ENGLISH, Language.PORTUGUESE, Language.GERMAN
TODAY = date(2026, 12, 2)  # a Wednesday


def spaced(text: str) -> str:
    """With plain spaces; day and month must not be torn apart, and have another one."""
    assert "\N{NO-BREAK SPACE}" in text
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("language", "at", "alone", "within"),
    [
        (EN, "2026-12-04", "Friday, 4 December", "on Friday, 4 December"),
        (PT, "2026-12-04", "sexta-feira, 4 de dezembro", "na sexta-feira, 4 de dezembro"),
        (DE, "2026-12-04", "Freitag, 4. Dezember", "am Freitag, 4. Dezember"),
        (PT, "2026-12-05", "sábado, 5 de dezembro", "no sábado, 5 de dezembro"),
        (PT, "2026-12-06", "domingo, 6 de dezembro", "no domingo, 6 de dezembro"),
        (EN, "2027-01-04", "Monday, 4 January 2027", "on Monday, 4 January 2027"),
        (PT, "2027-03-01", "segunda-feira, 1 de março de 2027", "na segunda-feira, 1 de março de"),
        (DE, "2027-03-01", "Montag, 1. März 2027", "am Montag, 1. März 2027"),
    ],
)
def test_a_day_is_written_with_its_weekday_and_its_year_where_that_is_another(
    language: Language, at: str, alone: str, within: str
) -> None:
    found = date.fromisoformat(at)

    assert spaced(day(language, found, TODAY)) == alone
    assert spaced(on_day(language, found, TODAY)).startswith(within)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (EN, ["yesterday", "today", "tomorrow"]),
        (PT, ["ontem", "hoje", "amanhã"]),
        (DE, ["gestern", "heute", "morgen"]),
    ],
)
def test_days_that_are_near_are_named_by_that(language: Language, words: list[str]) -> None:
    near = [TODAY + timedelta(days=ahead) for ahead in (-1, 0, 1)]

    assert [day(language, at, TODAY) for at in near] == words
    assert [on_day(language, at, TODAY) for at in near] == words


@pytest.mark.parametrize(
    ("language", "text"),
    [(EN, "1 March, 09:05"), (PT, "1 de março, 09:05"), (DE, "1. März, 09:05")],
)
def test_a_moment_is_written_by_its_own_clock(language: Language, text: str) -> None:
    at = datetime(2026, 3, 1, 12, 5, tzinfo=UTC).astimezone(ZoneInfo("America/Sao_Paulo"))

    assert spaced(moment(language, at, TODAY)) == text


@pytest.mark.parametrize(
    ("hours", "text"), [(0, "UTC"), (1, "UTC+1"), (-3, "UTC−3"), (5.5, "UTC+5:30")]
)
def test_a_zone_is_told_by_how_far_it_is_from_utc(hours: float, text: str) -> None:
    assert offset(datetime(2026, 3, 1, tzinfo=timezone(timedelta(hours=hours)))) == text


@pytest.mark.parametrize("language", Language)
def test_every_day_of_a_year_is_written_otherwise(language: Language) -> None:
    year = [date(2025, 1, 1) + timedelta(days=ahead) for ahead in range(365)]
    texts = [day(language, at, TODAY) for at in year]

    assert len({text.partition(",")[0] for text in texts}) == 7
    assert len(set(texts)) == 365
