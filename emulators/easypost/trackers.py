"""Parcels on their way: each label that is bought sets one going."""

from copy import copy
from dataclasses import dataclass
from typing import Any

from emulators.easypost.errors import not_found, parameter_required
from emulators.easypost.ledger import SHIPMENT, Ledger
from emulators.easypost.shipments import Document, Shipments, fresh_id, is_void, timestamp
from emulators.sellers.hooks import Hooks
from emulators.sellers.journeys import Journeys, Pace

PAGE = 20  # trackers in one answer


@dataclass(frozen=True, slots=True)
class Step:
    """One entry in a parcel's history, seen at one end of its way."""

    status: str
    detail: str
    message: str
    end: str  # the shipment's address where it was seen


JOURNEY = (
    Step("pre_transit", "label_created", "Shipping label created", "from_address"),
    Step("in_transit", "departed_origin_facility", "Departed from origin", "from_address"),
    Step("out_for_delivery", "out_for_delivery", "Out for delivery", "to_address"),
    Step("delivered", "arrived_at_destination", "Delivered", "to_address"),
)


class Trackers(Journeys):
    """Moves parcels along as EasyPost tells of it; a parcel is a shipment with its tracker."""

    stages = tuple(step.status for step in JOURNEY)

    def __init__(self, hooks: Hooks, ledger: Ledger, pace: Pace) -> None:
        super().__init__(hooks, ledger, pace)
        self._by_id: dict[str, Document] = {}

    def restore(self, shipments: Shipments) -> None:
        """Set going again what an earlier process left under way; needs a running event loop."""
        bought = [shipment for shipment in shipments if shipment["tracker"] is not None]
        self._by_id = {shipment["tracker"]["id"]: shipment["tracker"] for shipment in bought}
        self.resume(shipments.find)

    def is_void(self, parcel: Document) -> bool:
        """See `Journeys`."""
        return is_void(parcel)

    def keep(self, parcel: Document) -> None:
        """See `Journeys`."""
        self._ledger.keep(SHIPMENT, parcel["id"], parcel)

    def name_of(self, parcel: Document) -> str:
        """See `Journeys`."""
        return str(parcel["reference"])

    def carrier_of(self, parcel: Document) -> str:
        """See `Journeys`."""
        return str(parcel["tracker"]["carrier"])

    def find(self, tracker_id: str) -> Document:
        """The tracker of that id."""
        return self._by_id.get(tracker_id) or not_found()

    def page(self, asked: Any) -> Document:
        """The newest trackers with the codes in the body of POST /v2/trackers/batch."""
        codes = asked.get("tracking_codes") if isinstance(asked, dict) else None
        if not isinstance(codes, list) or not codes:
            parameter_required("tracking_codes")
        found = [one for one in self._by_id.values() if one["tracking_code"] in codes]
        return {"trackers": found[::-1][:PAGE], "has_more": len(found) > PAGE}

    def start(self, shipment: Document) -> None:
        """Give a shipment that was bought its tracker and set it going."""
        now = timestamp()
        tracker = {
            "id": fresh_id("trk"),
            "object": "Tracker",
            "mode": "test",
            "tracking_code": shipment["tracking_code"],
            "status": "unknown",
            "status_detail": "unknown",
            "created_at": now,
            "updated_at": now,
            "signed_by": None,
            "weight": shipment["parcel"]["weight"],
            "est_delivery_date": None,
            "shipment_id": shipment["id"],
            "carrier": shipment["selected_rate"]["carrier"],
            "tracking_details": [],
            "carrier_detail": None,
            "finalized": False,
            "is_return": False,
            "public_url": f"https://track.easypost.test/{shipment['tracking_code']}",
        }
        self._by_id[tracker["id"]] = tracker
        shipment["tracker"] = tracker
        self.begin(shipment["id"], shipment)

    def advance(self, parcel: Document, step: int) -> Document:
        """See `Journeys`."""
        return _advance(parcel, JOURNEY[step], is_first=step == 0)


def _advance(shipment: Document, step: Step, *, is_first: bool) -> Document:
    now = timestamp()
    tracker, seen_at = shipment["tracker"], shipment[step.end]
    before = {"status": tracker["status"]}
    tracker.update(
        status=step.status,
        status_detail=step.detail,
        updated_at=now,
        finalized=step is JOURNEY[-1],
    )
    # A new list each time: events that still wait to be sent keep the history of their moment.
    tracker["tracking_details"] = [
        *tracker["tracking_details"],
        {
            "object": "TrackingDetail",
            "message": step.message,
            "description": step.message,
            "status": step.status,
            "status_detail": step.detail,
            "datetime": now,
            "source": tracker["carrier"],
            "carrier_code": None,
            "tracking_location": {
                "object": "TrackingLocation",
                "city": seen_at.get("city"),
                "state": seen_at.get("state"),
                "country": seen_at.get("country"),
                "zip": seen_at.get("zip"),
            },
        },
    ]
    shipment["status"] = step.status
    return {
        "id": fresh_id("evt"),
        "object": "Event",
        "description": "tracker.created" if is_first else "tracker.updated",
        "mode": "test",
        "previous_attributes": before,
        "created_at": now,
        "updated_at": now,
        "user_id": "user_simulated",
        "status": "pending",
        "pending_urls": [],
        "completed_urls": [],
        "result": copy(tracker),
    }
