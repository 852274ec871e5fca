"""Parcels on their way, as Shippo tells of them: six statuses, and substatuses for the rest."""

from copy import copy
from dataclasses import dataclass

from emulators.sellers.journeys import Journeys
from emulators.sellers.ledger import Document
from emulators.shippo.objects import fresh_id, timestamp
from emulators.shippo.transactions import SALE, Transactions, is_void


@dataclass(frozen=True, slots=True)
class Step:
    """One entry in a parcel's history, seen at one end of its way."""

    stage: str
    status: str
    substatus: str
    details: str
    end: str  # the track's address where it was seen


JOURNEY = (
    Step("pre_transit", "PRE_TRANSIT", "information_received", "Label created", "address_from"),
    Step("in_transit", "TRANSIT", "package_departed", "Departed from origin", "address_from"),
    Step("out_for_delivery", "TRANSIT", "out_for_delivery", "Out for delivery", "address_to"),
    Step("delivered", "DELIVERED", "delivered", "Delivered", "address_to"),
)


class Tracks(Journeys):
    """Moves parcels along; a parcel is a sale with its track."""

    stages = tuple(step.stage for step in JOURNEY)

    def restore(self, transactions: Transactions) -> None:
        """Set going again what an earlier process left under way; needs a running event loop."""
        self.resume(transactions.find)

    def is_void(self, parcel: Document) -> bool:
        """See `Journeys`."""
        return is_void(parcel)

    def keep(self, parcel: Document) -> None:
        """See `Journeys`."""
        self._ledger.keep(SALE, parcel["transaction"]["object_id"], parcel)

    def name_of(self, parcel: Document) -> str:
        """See `Journeys`."""
        return str(parcel["transaction"]["metadata"])

    def carrier_of(self, parcel: Document) -> str:
        """See `Journeys`."""
        return str(parcel["provider"])

    def advance(self, parcel: Document, step: int) -> Document:
        """See `Journeys`."""
        seen, track, now = JOURNEY[step], parcel["track"], timestamp()
        entry = {
            "object_id": fresh_id(),
            "object_created": now,
            "object_updated": now,
            "status": seen.status,
            "status_details": seen.details,
            "status_date": now,
            "substatus": {
                "code": seen.substatus,
                "text": seen.details,
                "action_required": False,
            },
            "location": track[seen.end],
        }
        track["tracking_status"] = entry
        # A new list each time: events that still wait to be sent keep the history of their moment.
        track["tracking_history"] = [*track["tracking_history"], entry]
        parcel["transaction"]["tracking_status"] = seen.status
        return {"event": "track_updated", "test": True, "data": copy(track)}
