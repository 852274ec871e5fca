"""Days and times as each language writes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from shared.kit.languages import Language


@dataclass(frozen=True, slots=True)
class _Calendar:
    """Names, and how they are put together: with {weekday}, {day}, {month} and {year}."""

    weekdays: tuple[str, ...]  # Monday first
    months: tuple[str, ...]
    near: tuple[str, str, str]  # yesterday, today, tomorrow
    day: str
    year: str  # added to `day` in another year than this
    on: tuple[str, ...]  # before each weekday


_CALENDARS: Mapping[Language, _Calendar] = {
    Language.ENGLISH: _Calendar(
        ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        ("January", "February", "March", "April", "May", "June", "July", "August", "September",
         "October", "November", "December"),
        ("yesterday", "today", "tomorrow"),
        "{day}\N{NO-BREAK SPACE}{month}",
        " {year}",
        ("on",) * 7,
    ),
    Language.PORTUGUESE: _Calendar(
        ("segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado",
         "domingo"),
        ("janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro",
         "outubro", "novembro", "dezembro"),
        ("ontem", "hoje", "amanhã"),
        "{day}\N{NO-BREAK SPACE}de {month}",
        " de {year}",
        ("na",) * 5 + ("no",) * 2,
    ),
    Language.GERMAN: _Calendar(
        ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
        ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September",
         "Oktober", "November", "Dezember"),
        ("gestern", "heute", "morgen"),
        "{day}.\N{NO-BREAK SPACE}{month}",
        " {year}",
        ("am",) * 7,
    ),
}  # fmt: skip
_MINUS = "\N{MINUS SIGN}"


def day(language: Language, at: date, today: date) -> str:
    """`Thursday, 3 December`, or `tomorrow`; with its year where that is another one."""
    return _near(language, at, today) or (
        f"{_CALENDARS[language].weekdays[at.weekday()]}, {_plain(language, at, today)}"
    )


def on_day(language: Language, at: date, today: date) -> str:
    """`on Thursday, 3 December`, or `tomorrow`."""
    before = _CALENDARS[language].on[at.weekday()]
    return _near(language, at, today) or f"{before} {day(language, at, today)}"


def moment(language: Language, at: datetime, today: date) -> str:
    """`3 December, 14:32`, at the clock of its own zone."""
    return f"{_plain(language, at.date(), today)}, {at:%H:%M}"


def offset(at: datetime) -> str:
    """How far its zone is from UTC then, such as `UTC+5:30`."""
    apart = at.utcoffset() or timedelta(0)
    hours, minutes = divmod(abs(apart) // timedelta(minutes=1), 60)
    if not hours and not minutes:
        return "UTC"
    sign = "+" if apart > timedelta(0) else _MINUS
    return f"UTC{sign}{hours}" + (f":{minutes:02}" if minutes else "")


def _near(language: Language, at: date, today: date) -> str | None:
    ahead = (at - today).days
    return _CALENDARS[language].near[ahead + 1] if ahead in (-1, 0, 1) else None


def _plain(language: Language, at: date, today: date) -> str:
    calendar = _CALENDARS[language]
    form = calendar.day + (calendar.year if at.year != today.year else "")
    return form.format(day=at.day, month=calendar.months[at.month - 1], year=at.year)
