"""The languages that customers are written to in."""

from enum import StrEnum


class Language(StrEnum):
    """One that everything for customers is written in."""

    ENGLISH = "en"
    PORTUGUESE = "pt"
    GERMAN = "de"


_SPOKEN_IN = {
    "BR": Language.PORTUGUESE,
    "PT": Language.PORTUGUESE,
    "AO": Language.PORTUGUESE,
    "MZ": Language.PORTUGUESE,
    "DE": Language.GERMAN,
    "AT": Language.GERMAN,
    "CH": Language.GERMAN,
    "LI": Language.GERMAN,
}


def spoken(tag: str) -> Language | None:
    """The language of a BCP 47 tag such as `pt-BR`; None where it is none of ours."""
    primary = tag.partition("-")[0].lower()
    return Language(primary) if primary in list(Language) else None


def language_for(asked: str | None, country: str) -> Language:
    """What was asked for; else what most speak in the country (ISO 3166-1); else English.

    A language that we do not have counts as none: its country may still tell.
    """
    return (asked and spoken(asked)) or _SPOKEN_IN.get(country, Language.ENGLISH)
