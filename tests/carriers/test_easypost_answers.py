"""EasyPost's units and documents, without a network."""

from decimal import Decimal
from typing import Any

import pytest

from shared.carriers.easypost.answers import read_label, read_shipment
from shared.carriers.easypost.failures import sort_failure
from shared.carriers.easypost.units import length_in, weight_oz
from shared.carriers.reading import amount_cents
from shared.carriers.types import (
    Address,
    BrokenAnswer,
    CarrierAccountRefused,
    CarrierTooFast,
    CarrierUnavailable,
    LabelRequest,
    RefusedByCarrier,
    VendorUnavailable,
)
from shared.kit.errors import DispatchError
from tests.carriers import given

Document = dict[str, Any]


def bought() -> Document:
    rate = {"id": "rate_1", "carrier": "USPS", "service": "Priority", "rate": "7.47"}
    return {
        "id": "shp_1",
        "tracking_code": "9405500105440232839154",
        "rates": [{**rate, "currency": "USD"}],
        "selected_rate": {**rate, "currency": "USD", "list_rate": "10.27"},
        "postage_label": {"label_url": "https://files.test/label.png"},
        "tracker": {"id": "trk_1"},
        "something_new": {"next": "year"},
    }


@pytest.mark.parametrize(
    ("weight_g", "expected"),
    [(1, "0.1"), (28, "1.0"), (1_000, "35.3"), (30_000, "1058.2"), (30_001, "1058.3")],
)
def test_grams_become_ounces_to_a_tenth(weight_g: int, expected: str) -> None:
    assert weight_oz(weight_g) == Decimal(expected)


def test_millimetres_become_inches_to_a_tenth() -> None:
    assert [length_in(side) for side in (1, 254, 300)] == [
        Decimal(x) for x in ("0.1", "10", "11.8")
    ]


@pytest.mark.parametrize(
    ("amount", "cents"),
    # 1.15 and 4.35 are the classic amounts that floats make a cent too small.
    [("1.15", 115), ("4.35", 435), ("0", 0), ("7.47000", 747), ("0.005", 0), ("0.015", 2)],
)
def test_money_is_exact(amount: str, cents: int) -> None:
    assert amount_cents(Decimal(amount), "EUR") == cents


@pytest.mark.parametrize(
    ("amount", "currency", "smallest"),
    [("1250", "JPY", 1_250), ("1250.00", "JPY", 1_250), ("3.125", "KWD", 3_125), ("0.5", "CLP", 0)],
)
def test_amounts_are_in_the_smallest_unit_of_their_currency(
    amount: str, currency: str, smallest: int
) -> None:
    # Goal: a label for 1,250 yen is not booked as a hundred times as much.
    assert amount_cents(Decimal(amount), currency) == smallest


def test_a_label_is_read_from_the_selected_rate() -> None:
    label = read_label(bought())

    assert (label.amount_cents, label.currency, label.service) == (747, "USD", "Priority")
    assert label.vendor_tracker_id == "trk_1"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"tracking_code": None}, "tracking_code"),
        ({"postage_label": {}}, "postage_label.label_url"),
        ({"selected_rate": {**bought()["selected_rate"], "rate": 7.47}}, "selected_rate.rate"),
        ({"selected_rate": {**bought()["selected_rate"], "rate": "-1"}}, "selected_rate.rate"),
        ({"selected_rate": {**bought()["selected_rate"], "rate": "NaN"}}, "selected_rate.rate"),
        ({"tracker": None}, "tracker"),
    ],
)
def test_an_answer_that_lacks_what_we_need_is_broken(wrong: Document, field: str) -> None:
    with pytest.raises(BrokenAnswer) as caught:
        read_label({**bought(), **wrong})

    assert caught.value.facts["field"] == field


def test_an_answer_that_is_no_object_is_broken() -> None:
    with pytest.raises(BrokenAnswer):
        read_shipment(["shp_1"])


@pytest.mark.parametrize(
    ("status", "vendor_code", "kind"),
    [
        (None, None, VendorUnavailable),
        (408, None, VendorUnavailable),
        (429, None, CarrierTooFast),
        (422, "RATE_LIMITED", CarrierTooFast),
        (500, "INTERNAL_SERVER_ERROR", VendorUnavailable),
        (502, None, VendorUnavailable),
        (422, "SHIPMENT.PURCHASE.IN_PROGRESS", CarrierUnavailable),
        (422, "SHIPMENT.POSTAGE.TIMED_OUT", CarrierUnavailable),
        (422, "SHIPMENT.POSTAGE.NO_RESPONSE", CarrierUnavailable),
        (401, "APIKEY.INACTIVE", CarrierAccountRefused),
        (402, "PAYMENT_REQUIRED", CarrierAccountRefused),
        (403, "FORBIDDEN", CarrierAccountRefused),
        (422, "SHIPMENT.POSTAGE.FAILURE", RefusedByCarrier),
        (400, "BAD_REQUEST", RefusedByCarrier),
        (404, None, BrokenAnswer),  # a wrong address of the API, not a shipment that is missing
        (200, None, BrokenAnswer),
        (302, None, BrokenAnswer),
    ],
)
def test_failures_are_sorted_by_what_to_do_next(
    status: int | None, vendor_code: str | None, kind: type[DispatchError]
) -> None:
    assert type(sort_failure(status, vendor_code, "No.", None, None)) is kind


@pytest.mark.parametrize(
    ("details", "field"),
    [
        ([{"field": "street1", "message": "House number is missing"}], "street1"),
        (["House number is missing"], ""),
        (None, ""),
        ({"street1": "is missing"}, ""),
    ],
)
def test_every_documented_shape_of_field_errors_is_read(details: object, field: str) -> None:
    failure = sort_failure(422, "ADDRESS.VERIFY.FAILURE", "Address not found", details, None)

    assert isinstance(failure, RefusedByCarrier)
    assert failure.field == field
    assert "Address not found" in str(failure)


def test_an_address_keeps_personal_data_out_of_its_repr() -> None:
    shown = repr(given.request())

    for private in ("Ana", "Flores", "80010"):
        assert private not in shown


def test_requests_that_make_no_sense_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="weight_g"):
        given.request(weight_g=0)
    with pytest.raises(ValueError, match="label_id"):
        LabelRequest("", "correios", given.WAREHOUSE, given.CUSTOMER, 1, "")
    with pytest.raises(ValueError, match="country"):
        Address(name="", street1="", city="", postcode="", country="Brazil")
