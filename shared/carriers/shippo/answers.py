"""What we read in Shippo's answers; everything else in them is ignored.

Source: the classes of shippo-python-sdk, models/components, and the public API's examples. A
carrier's prices are in `amount` and `currency`, those of the sender's country.
"""

from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import AwareDatetime, BeforeValidator, Field

from shared.carriers.reading import Amount, Answer, Currency, Text, read


def _none_as_nothing(value: object) -> object:
    return () if value is None else value


def _id_alone(value: object) -> object:
    """A rate stands in a transaction as its id or, where it was bought at once, as an object."""
    return value.get("object_id") if isinstance(value, dict) else value


_Tolerant = Annotated[str, BeforeValidator(lambda value: value or "")]


class Message(Answer):
    """What Shippo or a carrier has to say."""

    source: _Tolerant = ""
    code: _Tolerant = ""
    text: _Tolerant = ""


_Messages = Annotated[tuple[Message, ...], BeforeValidator(_none_as_nothing)]


class _ServiceLevel(Answer):
    name: _Tolerant = ""
    token: _Tolerant = ""


class Rate(Answer):
    """What one service of one carrier costs. It may be bought for seven days."""

    object_id: Text
    object_created: AwareDatetime
    provider: Text
    servicelevel: _ServiceLevel
    carrier_account: Text
    amount: Amount
    currency: Currency
    estimated_days: Annotated[int, Field(ge=0)] | None = None

    @property
    def service(self) -> str:
        """What people call the service, which rate cards are named after."""
        return self.servicelevel.name or self.servicelevel.token

    def is_called(self, service: str) -> bool:
        """Whether this is the service, by its name or its token."""
        names = {self.servicelevel.name.casefold(), self.servicelevel.token.casefold()}
        return service.casefold() in names - {""}

    def is_older_than(self, moment: datetime) -> bool:
        """Whether it was made before then."""
        return self.object_created < moment


class Shipment(Answer):
    """A parcel with its rates."""

    object_id: Text
    rates: Annotated[tuple[Rate, ...], BeforeValidator(_none_as_nothing)] = ()
    messages: _Messages = ()


class Transaction(Answer):
    """A purchase: under way, bought, refused, or given back, by its status."""

    object_id: Text
    status: Text
    rate: Annotated[Text, BeforeValidator(_id_alone)]
    metadata: _Tolerant = ""
    tracking_number: _Tolerant = ""
    label_url: _Tolerant = ""
    messages: _Messages = ()


class BoughtTransaction(Transaction):
    """A purchase that was made: its label is there."""

    tracking_number: Text
    label_url: Text


class Transactions(Answer):
    """A page of purchases; `next` is the address of another one."""

    results: tuple[Transaction, ...]
    next: str | None = None


class Refund(Answer):
    """What has become of a label that was asked to be taken back."""

    status: Text


class Manifest(Answer):
    """The closing of a day, by its status."""

    object_id: Text
    status: Text
    transactions: Annotated[tuple[str, ...], BeforeValidator(_none_as_nothing)] = ()
    documents: Annotated[tuple[Text, ...], BeforeValidator(_none_as_nothing)] = ()
    errors: Annotated[tuple[str, ...], BeforeValidator(_none_as_nothing)] = ()


class Manifests(Answer):
    """A page of manifests; `next` is the address of another one."""

    results: tuple[Manifest, ...]
    next: str | None = None


class Track(Answer):
    """What is known of a parcel. A number that nobody has heard of has no status."""

    tracking_number: Text
    tracking_status: dict[str, Any] | None = None


_Kind = TypeVar("_Kind", bound=Answer)


def read_as(kind: type[_Kind], answer: Any) -> _Kind:
    """The answer as a `kind`.

    Raises:
        BrokenAnswer: a field that we need is missing or wrong; it is named.
    """
    return read(kind, answer, "Shippo")
