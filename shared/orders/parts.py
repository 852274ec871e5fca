"""What of an order is still to be sent, and what of that can be sent now. Pure."""

from collections.abc import Mapping, Sequence

from shared.orders.types import Line

Chosen = Mapping[int, int]  # line number -> units


def open_units(lines: Sequence[Line]) -> Chosen:
    """All units that have no parcel yet and are still wanted."""
    return {line.line_no: line.open for line in lines if line.open}


def parts(lines: Sequence[Line], chosen: Chosen) -> dict[str, int]:
    """SKU -> units that the chosen ones take from the stock.

    A kit and its component, or two lines of one SKU, count together.
    """
    taken: dict[str, int] = {}
    for line in lines:
        units = chosen.get(line.line_no, 0)
        if units:
            for sku, each in line.each.items():
                taken[sku] = taken.get(sku, 0) + each * units
    return taken


def sendable(lines: Sequence[Line], there: Mapping[str, int]) -> Chosen:
    """What of the open units can be sent when this is there; whole kits only, lines by number.

    >>> lines = [Line(1, "MUG", 3, 500), Line(2, "MUG", 3, 500)]
    >>> sendable(lines, {"MUG": 4})
    {1: 3, 2: 1}
    """
    left = dict(there)
    chosen: dict[int, int] = {}
    for line in lines:
        units = min(line.open, *(left.get(sku, 0) // each for sku, each in line.each.items()))
        if units:
            chosen[line.line_no] = units
            for sku, each in line.each.items():
                left[sku] -= each * units
    return chosen


def value_cents(lines: Sequence[Line], chosen: Chosen) -> int:
    """What the customer pays for the chosen units."""
    return sum(line.unit_price_cents * chosen.get(line.line_no, 0) for line in lines)
