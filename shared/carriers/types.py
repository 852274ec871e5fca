"""The port to carriers: what we ask for, what we get, and what can go wrong.

Dispatch speaks these words; a folder beside this file translates them for one vendor.
"""

from dataclasses import dataclass, field
from typing import Protocol

from shared.kit.errors import Fault, NotYet, Rejected, Untried


@dataclass(frozen=True, slots=True)
class Address:
    """A place where a parcel is handed over. Personal data, so its `repr` shows only the region."""

    name: str = field(repr=False)
    street1: str = field(repr=False)
    city: str
    postcode: str = field(repr=False)
    country: str  # ISO 3166-1 alpha-2, upper case
    state: str = ""
    street2: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    email: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if len(self.country) != 2 or not (self.country.isalpha() and self.country.isupper()):
            raise ValueError(f"country must be ISO 3166-1 alpha-2, got {self.country!r}")


@dataclass(frozen=True, slots=True)
class Dimensions:
    """The outside of a box."""

    length_mm: int
    width_mm: int
    height_mm: int

    def __post_init__(self) -> None:
        if min(self.length_mm, self.width_mm, self.height_mm) <= 0:
            raise ValueError(f"every side must be longer than nothing, got {self}")


@dataclass(frozen=True, slots=True)
class LabelRequest:
    """One label to buy.

    `label_id` is the idempotency key: asking again with the same one never buys a second label.
    It is at most 64 characters, and another parcel, carrier or address is another `label_id`.
    """

    label_id: str
    carrier: str  # the vendor's name of the carrier, upper and lower case alike
    from_address: Address
    to_address: Address
    weight_g: int
    reference: str  # printed on the label for people, such as the order's number
    service: str | None = None  # None: the carrier's cheapest
    dimensions_mm: Dimensions | None = None

    def __post_init__(self) -> None:
        if not 0 < len(self.label_id) <= 64:
            raise ValueError(f"label_id must have 1 to 64 characters, got {self.label_id!r}")
        if self.weight_g <= 0:
            raise ValueError(f"weight_g must be positive, got {self.weight_g}")


@dataclass(frozen=True, slots=True)
class Label:
    """A label that was bought."""

    vendor_shipment_id: str
    vendor_tracker_id: str
    tracking_code: str
    label_url: str
    amount_cents: int
    currency: str  # ISO 4217
    carrier: str  # as the vendor names it
    service: str


@dataclass(frozen=True, slots=True)
class Intent:
    """A label that is asked for, and may have been bought; leased: somebody is buying it now."""

    label_id: str
    carrier: str
    is_leased: bool


class RefusedByCarrier(Rejected):
    """The carrier will not carry this: a bad address, too heavy, no such service.

    `vendor_code` is the vendor's own code; `field` is the vendor's name of the wrong field, empty
    where it names none.
    """

    code = "refused_by_carrier"

    def __init__(self, message: str, *, vendor_code: str, field: str = "") -> None:
        super().__init__(message, vendor_code=vendor_code, field=field)
        self.vendor_code = vendor_code
        self.field = field


class CarrierUnavailable(NotYet):
    """No answer, too many requests, or not now. The label may or may not have been bought.

    `retry_after_s` is the pause that the vendor asked for, None where it named none.
    """

    code = "carrier_unavailable"

    def __init__(self, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.retry_after_s = retry_after_s


class NotTakenBack(NotYet):
    """The carrier does not take the label back at this moment, and may do so later. It answers."""

    code = "label_not_taken_back"


class CarrierPaused(Untried):
    """The carrier has not answered for a while: nobody calls it until a probe has shown more."""

    code = "carrier_paused"


class VoidUnderWay(NotYet):
    """Another attempt is giving this label back at this moment, or died while it did."""

    code = "void_under_way"


class CarrierAccountRefused(Fault):
    """The vendor does not accept our key or our account's balance: a person has to look."""

    code = "carrier_account_refused"


class BrokenAnswer(Fault):
    """The vendor answered something that its documents do not allow."""

    code = "carrier_broken_answer"


class Carrier(Protocol):
    """Whoever sells labels."""

    def buy(self, request: LabelRequest) -> Label:
        """Buy the label, or return the one that was already bought under `request.label_id`.

        Safe to repeat after any error, but not to run twice at the same time for one `label_id`:
        the caller holds the label's lease.

        Raises:
            RefusedByCarrier: asking again gives the same answer.
            CarrierUnavailable: ask again later, after `retry_after_s` where it is given.
            CarrierAccountRefused: our key or balance is not accepted.
            BrokenAnswer: the answer cannot be read.
        """
        ...

    def void(self, label_id: str) -> None:
        """Give back whatever was bought under `label_id`; nothing was, or not any more: nothing.

        Safe to repeat after any error; the caller holds the label's lease.

        Raises:
            RefusedByCarrier: the label will not be taken back.
            NotTakenBack: ask again later.
            CarrierUnavailable, CarrierAccountRefused, BrokenAnswer: as for `buy`.
        """
        ...
