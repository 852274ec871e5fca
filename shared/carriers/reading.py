"""How vendors' answers are read: only what we need of them, strictly, and money to the cent."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from shared.carriers.types import BrokenAnswer
from shared.kit.money import decimals


def _decimal_text(value: object) -> object:
    if not isinstance(value, str):
        # A JSON number has already been a float by the time it arrives here.
        raise ValueError("money must be decimal text")  # noqa: TRY004, pydantic's way to refuse
    return value


Text = Annotated[str, Field(min_length=1)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Amount = Annotated[
    Decimal, BeforeValidator(_decimal_text), Field(ge=0, lt=1_000_000, allow_inf_nan=False)
]


class Answer(BaseModel):
    """Base of what is read; everything else in an answer is ignored."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, defer_build=True
    )


_Kind = TypeVar("_Kind", bound=Answer)


def read(kind: type[_Kind], answer: Any, vendor: str) -> _Kind:
    """The answer as a `kind`; `vendor` is its name for people.

    Raises:
        BrokenAnswer: a field that we need is missing or wrong; it is named.
    """
    try:
        return kind.model_validate(answer)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise BrokenAnswer(f"{vendor}: {field or 'answer'}: {first['msg']}", field=field) from None


def amount_cents(amount: Decimal, currency: str) -> int:
    """The amount in the currency's smallest unit, of which vendors may quote fractions.

    They round half to even.
    """
    return int(amount.scaleb(decimals(currency)).quantize(Decimal(1), ROUND_HALF_EVEN))
