"""Exact amounts of money."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

# Currencies whose smallest unit is not a hundredth: how many decimals they have (ISO 4217).
_DECIMALS: Mapping[str, int] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW"),
                *("PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"),
            ),
            0,
        ),
        **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    }
)


def decimals(currency: str) -> int:
    """How many decimals people write of an amount: two of euros, none of yen, three of dinars."""
    return _DECIMALS.get(currency, 2)


def in_digits(
    cents: int, currency: str, *, whole: Callable[[int], str] = str, minus: str = "-"
) -> str:
    """An amount as people write it, without a float and its currency: `-1234.50`.

    Args:
        cents: how many of the currency's smallest unit.
        currency: decides how many decimals there are.
        whole: writes what stands before these.
        minus: of amounts below 0.
    """
    places = decimals(currency)
    units, rest = divmod(abs(cents), 10**places)
    return (minus if cents < 0 else "") + whole(units) + (f".{rest:0{places}}" if places else "")


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount. `amount_cents` counts the currency's smallest unit (cents, yen, fils)."""

    amount_cents: int
    currency: str  # ISO 4217, upper case

    def __post_init__(self) -> None:
        if type(self.amount_cents) is not int:
            raise TypeError(f"amount_cents must be int, got {type(self.amount_cents).__name__}")
        if len(self.currency) != 3 or not (self.currency.isalpha() and self.currency.isupper()):
            raise ValueError(f"currency must be ISO 4217 upper case, got {self.currency!r}")

    def __neg__(self) -> "Money":
        return Money(-self.amount_cents, self.currency)

    def __add__(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(self.amount_cents + other.amount_cents, self.currency)
