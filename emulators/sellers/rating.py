"""What carriage costs: made-up prices that are the same for the same parcel, always."""

from dataclasses import dataclass
from math import ceil

MAX_WEIGHT_G = 30_000  # of both carriers


@dataclass(frozen=True, slots=True)
class Service:
    """One service of one carrier, with its prices in cents of a real."""

    carrier: str
    name: str
    base_cents: int
    per_kilogram_cents: int
    per_zone_cents: int
    delivery_days: int


SERVICES = (
    Service("Correios", "PAC", 1450, 210, 95, 7),
    Service("Correios", "SEDEX", 2290, 340, 180, 2),
    Service("Jadlog", "Package", 1590, 190, 85, 6),
    Service("Jadlog", "Expresso", 2150, 320, 170, 3),
)


def price_cents(service: Service, weight_g: float, from_zip: str, to_zip: str) -> int:
    """The price by started kilograms and by how far apart the first two digits are (0 to 99)."""
    kilograms = max(1, ceil(weight_g / 1000))
    zones = abs(_region(from_zip) - _region(to_zip))
    return (
        service.base_cents + service.per_kilogram_cents * kilograms + service.per_zone_cents * zones
    )


def _region(postcode: str) -> int:
    digits = "".join(character for character in postcode if character in "0123456789")
    return int(digits[:2] or "0")
