"""Our units in EasyPost's: ounces and inches with one decimal."""

from decimal import ROUND_HALF_EVEN, Decimal

GRAMS_PER_OUNCE = Decimal("28.349523125")  # exact, by the international definition of 1959
MILLIMETRES_PER_INCH = Decimal("25.4")
_TENTH = Decimal("0.1")


def weight_oz(weight_g: int) -> Decimal:
    """The weight in ounces, to the nearest tenth (within 1.5 g) and never nothing.

    Not rounded up: a parcel of exactly 30 kg would then weigh more than a carrier's limit.
    """
    return max(_TENTH, (weight_g / GRAMS_PER_OUNCE).quantize(_TENTH, ROUND_HALF_EVEN))


def length_in(length_mm: int) -> Decimal:
    """The length in inches, to the nearest tenth (within 1.3 mm) and never nothing."""
    return max(_TENTH, (length_mm / MILLIMETRES_PER_INCH).quantize(_TENTH, ROUND_HALF_EVEN))
