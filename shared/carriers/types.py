"""The port to carriers: what we ask for, what we get, and what can go wrong.

Dispatch speaks these words; a folder beside this file translates them for one vendor.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import NamedTuple, Protocol

from shared.kit.errors import Fact, Fault, NotYet, Rejected, TooFast, Untried


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


class LabelFormat(StrEnum):
    """In what a label is made."""

    PDF = "pdf"
    PNG = "png"
    ZPL = "zpl"


class CarrierAccount(NamedTuple):
    """Who sells a carrier's labels to us, and how. The defaults are for carriers without a row."""

    carrier: str  # as rate cards name it
    vendor: str = "easypost"
    vendor_carrier: str = ""  # the vendor's name of the carrier; empty: its own
    vendor_account: str | None = None  # the vendor's id of our account; None: whichever it takes
    label_format: LabelFormat = LabelFormat.PDF
    is_enabled: bool = True
    without_manifests: tuple[str, ...] = ()  # vendors that make none of this carrier, sorted

    @property
    def has_manifests(self) -> bool:
        """Whether the vendor closes this carrier's days; nobody asks one that does not."""
        return self.vendor not in self.without_manifests

    @property
    def name_at_vendor(self) -> str:
        """What the vendor calls the carrier."""
        return self.vendor_carrier or self.carrier

    def name_at(self, vendor: str) -> str:
        """What a vendor calls the carrier that has sold its labels, now or before."""
        return self.name_at_vendor if vendor == self.vendor else self.carrier


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
    vendor_account: str | None = None  # the vendor's id of our account with the carrier
    label_format: LabelFormat = LabelFormat.PDF

    def __post_init__(self) -> None:
        if not 0 < len(self.label_id) <= 64:
            raise ValueError(f"label_id must have 1 to 64 characters, got {self.label_id!r}")
        if self.weight_g <= 0:
            raise ValueError(f"weight_g must be positive, got {self.weight_g}")


class Label(NamedTuple):
    """A label that was bought."""

    vendor_shipment_id: str
    vendor_tracker_id: str
    tracking_code: str
    label_url: str
    amount_cents: int
    currency: str  # ISO 4217
    carrier: str  # as the vendor names it
    service: str


class Quote(NamedTuple):
    """What a service would cost, unbought."""

    carrier: str  # as the vendor names it
    service: str
    amount_cents: int
    currency: str  # ISO 4217
    transit_days: int | None  # None: the carrier does not say


@dataclass(frozen=True, slots=True)
class Document:
    """A label or a manifest as the vendor made it. It has personal data in it."""

    content: bytes = field(repr=False)
    media_type: str  # such as application/pdf


@dataclass(frozen=True, slots=True)
class ManifestRequest:
    """All labels that one carrier collects at one warehouse on one day.

    `manifest_id` is the idempotency key, as `label_id` is for a label.
    """

    manifest_id: str
    carrier: str  # the vendor's name of the carrier, upper and lower case alike
    from_address: Address
    ship_on: date
    vendor_shipment_ids: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.vendor_shipment_ids:
            raise ValueError("a manifest has at least one label on it")


class Manifest(NamedTuple):
    """A manifest that the vendor has made."""

    vendor_manifest_id: str
    document: Document


class LabelState(StrEnum):
    """How far a label has come."""

    REQUESTED = "requested"  # asked for; it may have been bought
    BOUGHT = "bought"
    VOID_REQUESTED = "void_requested"  # to be given back, whether it was bought or not
    VOIDED = "voided"


class KnownLabel(NamedTuple):
    """A label as it is stored; `document_key` says where its document lies, None: not kept yet."""

    label_id: str
    parcel_id: str
    carrier: str
    vendor: str
    state: LabelState
    document_key: str | None


class ManifestState(StrEnum):
    """How far a manifest has come."""

    REQUESTED = "requested"  # asked for; the carrier may have closed it
    CLOSED = "closed"
    REFUSED = "refused"  # a person has to ask for the next one
    DROPPED = "dropped"  # every label on it was given back


class Handover(NamedTuple):
    """What a carrier takes over at one warehouse on one day."""

    carrier: str
    warehouse: str
    ship_on: date


class KnownManifest(NamedTuple):
    """A manifest as it is stored; `number` counts those of its handover, from 1."""

    manifest_id: str
    of: Handover
    number: int
    state: ManifestState
    document_key: str | None


class ManifestedLabel(NamedTuple):
    """A label on a manifest."""

    label_id: str
    parcel_id: str
    vendor: str
    vendor_shipment_id: str


class Intent(NamedTuple):
    """A label that is asked for, and may have been bought; leased: somebody is buying it now."""

    label_id: str
    carrier: str
    vendor: str
    is_leased: bool


class ToVoid(NamedTuple):
    """A label that is to be given back, to the vendor that sold it or may have."""

    label_id: str
    vendor: str


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


class UnknownCarrier(Rejected):
    """No carrier has this name: it has no rate card, and nobody ever called it."""

    code = "unknown_carrier"


class CarrierUnavailable(NotYet):
    """No answer, or not now. The label may or may not have been bought.

    `retry_after_s` is the pause that the vendor asked for, None where it named none.
    """

    code = "carrier_unavailable"

    def __init__(self, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.retry_after_s = retry_after_s


class VendorUnavailable(CarrierUnavailable):
    """It is the vendor that does not answer: whatever it sells cannot be bought at this moment."""

    code = "vendor_unavailable"


class CarrierTooFast(CarrierUnavailable, TooFast):
    """The vendor wants fewer questions. It answers, so nothing speaks against it or the carrier."""

    code = "carrier_too_fast"


class NotTakenBack(NotYet):
    """The carrier does not take the label back at this moment, and may do so later. It answers."""

    code = "label_not_taken_back"


class CarrierPaused(Untried):
    """The carrier has not answered for a while: nobody calls it until a probe has shown more.

    `vendor` is the vendor that did not answer; None where it is the carrier's own trouble.
    """

    code = "carrier_paused"

    def __init__(self, message: str, *, vendor: str | None = None, **facts: Fact) -> None:
        super().__init__(message, vendor=vendor, **facts)
        self.vendor = vendor


class VoidUnderWay(NotYet):
    """Another attempt is giving this label back at this moment, or died while it did."""

    code = "void_under_way"


class CarrierAccountRefused(Fault):
    """The vendor does not accept our key or our account's balance: a person has to look."""

    code = "carrier_account_refused"


class ManifestUnderWay(NotYet):
    """Another attempt is closing this manifest at this moment, or died while it did."""

    code = "manifest_under_way"


class BrokenAnswer(Fault):
    """The vendor answered something that its documents do not allow."""

    code = "carrier_broken_answer"


class UnknownVendor(Fault):
    """A label is to be bought from, or given back to, somebody whom this version does not know."""

    code = "unknown_vendor"


class Notes(Protocol):
    """What is written down about a label before money is spent on it.

    For vendors that cannot be asked by our own id: a note says where they have it. It is there
    for good when `keep` returns, so that whoever comes after a crash finds it.
    """

    def find(self, subject: str) -> str | None:
        """The newest note on a label or a manifest, by our id; None: nothing was ever asked for."""
        ...

    def keep(self, subject: str, note: str) -> None:
        """Write a note down, in place of the one before."""
        ...


class Carrier(Protocol):
    """Whoever sells labels, and knows where the parcels are."""

    @property
    def asked_together(self) -> int:
        """Of how many parcels `track` is asked at most: as many as are answered in time."""
        ...

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

    def quote(self, request: LabelRequest) -> tuple[Quote, ...]:
        """What all services of `request.carrier` would cost; none where it would not carry it.

        Raises:
            RefusedByCarrier, CarrierUnavailable, CarrierAccountRefused, BrokenAnswer: as for `buy`.
        """
        ...

    def reprint(self, label_id: str) -> Document:
        """The document of the label that was bought under `label_id`.

        Raises:
            RefusedByCarrier: nothing was bought under it.
            CarrierUnavailable, CarrierAccountRefused, BrokenAnswer: as for `buy`.
        """
        ...

    def manifest(self, request: ManifestRequest) -> Manifest:
        """Close the day for these labels, or return what was closed under `request.manifest_id`.

        Safe to repeat after any error, also with fewer labels than before; the caller holds the
        manifest's lease.

        Raises:
            RefusedByCarrier: these labels do not go on one manifest; asking again gives the same
                answer, and nothing was closed.
            CarrierUnavailable, CarrierAccountRefused, BrokenAnswer: as for `buy`.
        """
        ...

    def track(self, carrier: str, tracking_codes: Collection[str]) -> Mapping[str, bytes]:
        """What is known of these parcels of a carrier now, by tracking code.

        Each is the body that the vendor's own webhook would carry now, so that it is read in the
        same way; the same progress gives the same body. A code that the vendor does not know is
        left out.

        Raises:
            RefusedByCarrier: it will not answer this question, whoever asks again.
            CarrierUnavailable, CarrierAccountRefused, BrokenAnswer: as for `buy`.
        """
        ...
