"""What we read in EasyPost's answers; everything else in them is ignored.

Source: https://docs.easypost.com/docs/shipments and the official examples beside it.
"""

from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from shared.carriers.easypost.units import amount_cents
from shared.carriers.types import BrokenAnswer, Label


def _decimal_text(value: object) -> object:
    if not isinstance(value, str):
        # A JSON number has already been a float by the time it arrives here.
        raise ValueError("money must be decimal text")  # noqa: TRY004, pydantic's way to refuse
    return value


_Text = Annotated[str, Field(min_length=1)]
_Amount = Annotated[
    Decimal, BeforeValidator(_decimal_text), Field(ge=0, lt=1_000_000, allow_inf_nan=False)
]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Rate(_Answer):
    """What one service of one carrier would cost."""

    id: _Text
    carrier: _Text
    service: _Text
    rate: _Amount
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class RateMessage(_Answer):
    """Why a carrier quoted no rate."""

    carrier: str = ""
    type: str = ""
    message: str = ""


class _PostageLabel(_Answer):
    label_url: _Text


class _Tracker(_Answer):
    id: _Text


class Shipment(_Answer):
    """A parcel with its rates. It is bought when `postage_label` is there.

    `refund_status` says what has become of a refund, None where none was asked for.
    """

    id: _Text
    rates: tuple[Rate, ...] = ()
    messages: tuple[RateMessage, ...] = ()
    postage_label: _PostageLabel | None = None
    refund_status: str | None = None


class _BoughtShipment(_Answer):
    id: _Text
    tracking_code: _Text
    postage_label: _PostageLabel
    selected_rate: Rate
    tracker: _Tracker


_Kind = TypeVar("_Kind", bound=_Answer)


def read_shipment(answer: Any) -> Shipment:
    """The shipment in `answer`, bought or not.

    Raises:
        BrokenAnswer: a field that we need is missing or wrong; it is named.
    """
    return _read(Shipment, answer)


def read_label(answer: Any) -> Label:
    """The label of a shipment that was bought.

    Raises:
        BrokenAnswer: a field that we need is missing or wrong; it is named.
    """
    bought = _read(_BoughtShipment, answer)
    return Label(
        vendor_shipment_id=bought.id,
        vendor_tracker_id=bought.tracker.id,
        tracking_code=bought.tracking_code,
        label_url=bought.postage_label.label_url,
        amount_cents=amount_cents(bought.selected_rate.rate),
        currency=bought.selected_rate.currency,
        carrier=bought.selected_rate.carrier,
        service=bought.selected_rate.service,
    )


def _read(kind: type[_Kind], answer: Any) -> _Kind:
    try:
        return kind.model_validate(answer)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise BrokenAnswer(f"EasyPost: {field or 'answer'}: {first['msg']}", field=field) from None
