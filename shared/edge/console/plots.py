"""Small plots, drawn by the server: geometry for the SVG of a template. Pure."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple


class Bar(NamedTuple):
    """A bar from the ground up, in units of the view box."""

    x: int
    y: int
    width: int
    height: int
    value: int


def bars(values: Sequence[int], width: int, height: int, *, most: int = 0) -> tuple[Bar, ...]:
    """A bar for each value, the highest as high as the box; `most`: as if that were among them."""
    if not values:
        return ()
    step, highest = width // len(values), max(1, most, *values)
    gap = max(1, step // 5)
    return tuple(
        Bar(
            n * step,
            height - (tall := value * height // highest),
            step - gap,
            tall,
            value,
        )
        for n, value in enumerate(values)
    )


def line(values: Sequence[int], width: int, height: int, *, most: int = 0) -> str:
    """The points of a polyline through the middles of the bars of the same values."""
    if not values:
        return ""
    step, highest = width // len(values), max(1, most, *values)
    return " ".join(
        f"{n * step + step // 2},{height - value * height // highest}"
        for n, value in enumerate(values)
    )


def days(first: date, last: date) -> tuple[date, ...]:
    """Every day from the first to the last."""
    return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))


def share(part: int, whole: int) -> int:
    """How much of the whole, in percent; 0 of nothing."""
    return part * 100 // whole if whole else 0
