"""Places on the globe and the distance between them."""

from dataclasses import dataclass, field
from functools import lru_cache
from math import asin, cos, radians, sin, sqrt

EARTH_RADIUS_M = 6_371_009  # mean radius R1 of the International Union of Geodesy and Geophysics


@dataclass(frozen=True, slots=True)
class Point:
    """A position in WGS 84 degrees."""

    lat: float
    lon: float

    def __post_init__(self) -> None:
        if not (-90 <= self.lat <= 90 and -180 <= self.lon <= 180):
            raise ValueError(f"not a place on earth: lat {self.lat}, lon {self.lon}")


def distance_m(a: Point, b: Point) -> int:
    """Great-circle distance in metres, by the haversine formula (Sinnott, Sky & Telescope, 1984).

    Whole metres, so that the same two places compare alike on every machine.
    """
    lat_a, lat_b = radians(a.lat), radians(b.lat)
    half_lat, half_lon = (lat_b - lat_a) / 2, radians(b.lon - a.lon) / 2
    chord = sin(half_lat) ** 2 + cos(lat_a) * cos(lat_b) * sin(half_lon) ** 2
    return round(2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(chord))))


@dataclass(frozen=True, slots=True)
class PostalPlace:
    """A place as carriers' zones know it. Its `repr` leaves out the postcode, which is personal."""

    country: str  # ISO 3166-1 alpha-2, upper case
    postcode: str = field(repr=False)  # as `bare_postcode` gives it


@lru_cache(maxsize=4_096)
def bare_postcode(written: str) -> str:
    """A postcode without what people put between its letters: "01310-200" and "sw1a 1aa"."""
    return "".join(letter for letter in written.upper() if letter.isalnum())
