"""Prices by distance alone, as zones. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.costing.types import NO_LIMIT_M, Step, Zone, ZoneRule


@dataclass(frozen=True, slots=True)
class Cell:
    """A parcel up to both bounds, inclusive, costs `price_cents` of freight."""

    max_distance_m: int
    max_weight_g: int
    price_cents: int


def zones_of(cells: Iterable[Cell]) -> tuple[Zone, ...]:
    """One zone for each distance bound, ascending; names as migration 0010 gives them.

    A zone has all the weights of its own band. Where a wider band has weights that a nearer one has
    not, they are the nearer one's too, at the price of the narrowest band that has them.
    """
    widest_first = sorted(cells, key=lambda cell: -cell.max_distance_m)
    zones = []
    for bound_m in sorted({cell.max_distance_m for cell in widest_first}):
        reach = {
            cell.max_weight_g: cell.price_cents
            for cell in widest_first
            if cell.max_distance_m >= bound_m
        }
        zones.append(
            Zone(
                zone="any-distance" if bound_m == NO_LIMIT_M else f"to-{bound_m}-m",
                rules=(ZoneRule(max_distance_m=bound_m),),
                steps=tuple(Step(*step) for step in sorted(reach.items())),
            )
        )
    return tuple(zones)
