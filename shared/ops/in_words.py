"""Figures and spans of time as people write them. Pure."""

from datetime import datetime


def counted(number: int, noun: str) -> str:
    """So many of something, the thousands apart: `20 000 orders`."""
    return f"{grouped(number)} {noun}{'' if number == 1 else 's'}"


def grouped(number: int) -> str:
    """A whole number as people write it."""
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def told(now: datetime, since: datetime) -> str:
    """How long ago that was, in two units at most: `3 h 20 min`."""
    return lasts(max(0, int((now - since).total_seconds())))


def lasts(seconds: int) -> str:
    """So long, in two units at most: `3 h 20 min`."""
    days, hours, minutes = seconds // 86_400, seconds // 3_600 % 24, seconds // 60 % 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min" if minutes else f"{seconds} s"
