"""What we read in EasyPost's answers; everything else in them is ignored.

Source: https://docs.easypost.com/docs/shipments and the official examples beside it.
"""

from typing import Annotated, Any, TypeVar

from pydantic import Field

from shared.carriers.reading import Amount, Answer, Currency, Text, amount_cents, read
from shared.carriers.types import Label


class Rate(Answer):
    """What one service of one carrier would cost."""

    id: Text
    carrier: Text
    service: Text
    rate: Amount
    currency: Currency
    delivery_days: Annotated[int, Field(ge=0)] | None = None


class RateMessage(Answer):
    """Why a carrier quoted no rate."""

    carrier: str = ""
    type: str = ""
    message: str = ""


class _PostageLabel(Answer):
    label_url: Text


class _Tracker(Answer):
    id: Text


class _FormId(Answer):
    id: Text


class ScanForm(Answer):
    """A manifest: `creating`, `created` with the address of its document, or `failed`.

    Source: https://docs.easypost.com/docs/scan-form
    """

    id: Text
    status: Text
    message: str | None = None
    form_url: Text | None = None
    tracking_codes: tuple[str, ...] = ()


class Shipment(Answer):
    """A parcel with its rates. It is bought when `postage_label` is there.

    `refund_status` says what has become of a refund, None where none was asked for; `scan_form` is
    the manifest that it is on, None where it is on none.
    """

    id: Text
    rates: tuple[Rate, ...] = ()
    messages: tuple[RateMessage, ...] = ()
    postage_label: _PostageLabel | None = None
    refund_status: str | None = None
    scan_form: _FormId | None = None


class _Rated(Answer):
    rates: tuple[Rate, ...]


class _BoughtShipment(Answer):
    id: Text
    tracking_code: Text
    postage_label: _PostageLabel
    selected_rate: Rate
    tracker: _Tracker


class _TrackedParcel(Answer):
    tracking_code: Text
    carrier: str | None = None  # not known yet


class _Trackers(Answer):
    trackers: tuple[_TrackedParcel, ...]
    has_more: bool = False


_Kind = TypeVar("_Kind", bound=Answer)


def read_shipment(answer: Any) -> Shipment:
    """The shipment in `answer`, bought or not.

    Raises:
        BrokenAnswer: a field that we need is missing or wrong; it is named.
    """
    return _read(Shipment, answer)


def read_rates(answer: Any) -> tuple[Rate, ...]:
    """The rates of a shipment that was rated anew.

    Raises:
        BrokenAnswer: a field that we need is missing or wrong; it is named.
    """
    return _read(_Rated, answer).rates


def read_scan_form(answer: Any) -> ScanForm:
    """The scan form in `answer`, made or not.

    Raises:
        BrokenAnswer: a field that we need is missing or wrong; it is named.
    """
    return _read(ScanForm, answer)


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
        amount_cents=amount_cents(bought.selected_rate.rate, bought.selected_rate.currency),
        currency=bought.selected_rate.currency,
        carrier=bought.selected_rate.carrier,
        service=bought.selected_rate.service,
    )


def read_trackers(answer: Any) -> tuple[list[dict[str, Any]], bool]:
    """The trackers of a page as they came, and whether there are more than these.

    Raises:
        BrokenAnswer: there is no list, or a tracker does not say whose it is; the field is named.
    """
    has_more = _read(_Trackers, answer).has_more
    return answer["trackers"], has_more


def _read(kind: type[_Kind], answer: Any) -> _Kind:
    return read(kind, answer, "EasyPost")
