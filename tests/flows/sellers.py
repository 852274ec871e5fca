"""Two vendors that sell a carrier's labels, and who of them does."""

from collections.abc import Mapping

from shared.carriers.types import Carrier, CarrierAccount, CarrierUnavailable
from shared.carriers.vendors import VENDORS
from shared.contracts.work import BuyLabel
from shared.flows.buy_label import buy_label
from shared.flows.rules import Rules
from shared.flows.set_carrier_account import SetCarrierAccount, set_carrier_account
from shared.flows.void_label import Void, void_label
from shared.people.types import Person
from shared.platform.db import Database
from tests.flows.doubles import RecordingCarrier
from tests.support import given

ANA = Person("ana", "cheaper there")


def lost(_request: object) -> None:
    """The answer to a call does not arrive."""
    raise CarrierUnavailable("no answer")


class Vendors:
    """One double a vendor, and the label function's ways to use them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.by_name = {name: RecordingCarrier() for name in VENDORS}

    @property
    def easypost(self) -> RecordingCarrier:
        return self.by_name["easypost"]

    @property
    def shippo(self) -> RecordingCarrier:
        return self.by_name["shippo"]

    @property
    def port(self) -> Mapping[str, Carrier]:
        return dict(self.by_name)

    def buy(self, parcel_id: str, at: str = "correios") -> None:
        cause = given.cause()
        buy_label(
            lambda step: self.database.run(step, cause),
            BuyLabel(parcel_id=parcel_id, carrier=at),
            self.port,
            Rules(),
        )

    def void(self, work: Void) -> None:
        cause = given.cause()
        void_label(lambda step: self.database.run(step, cause), work, self.port)


def sold_by(database: Database, vendor: str, carrier: str = "correios", **more: object) -> None:
    """A person says who sells the carrier's labels from now on."""
    wanted = CarrierAccount(carrier, vendor, **more)  # type: ignore[arg-type]
    wish = SetCarrierAccount(wanted, ANA)
    database.run(lambda tx: set_carrier_account(tx, wish), given.cause())
