"""Parcels on their way: each label that is bought sets one going."""

import asyncio
import random
from copy import copy
from dataclasses import dataclass, field

from emulators.easypost.errors import not_found
from emulators.easypost.hooks import Hooks
from emulators.easypost.ledger import Ledger
from emulators.easypost.shipments import Document, Shipments, fresh_id, is_void, timestamp

OVERTAKING_S = 0.05  # apart enough for the later event to arrive first


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


@dataclass(slots=True)
class _Moving:
    tracker: Document
    shipment: Document
    next_step: int = 0
    kept_back: list[Document] = field(default_factory=list)  # events that the next one overtakes

    @property
    def arrived(self) -> bool:
        return self.next_step == len(JOURNEY)


class Trackers:
    """Moves parcels along and reports each step, with a share doubled and a share swapped."""

    def __init__(
        self,
        hooks: Hooks,
        ledger: Ledger,
        *,
        step_s: float,
        duplicates: float,
        reorder: float,
        seed: int,
    ) -> None:
        self.delivered = 0
        self.stopped = 0  # whose label was taken back
        self._hooks = hooks
        self._ledger = ledger
        self._step_s = step_s
        self._duplicates = duplicates
        self._reorder = reorder
        self._seed = seed
        self._by_id: dict[str, Document] = {}
        self._holding = False
        self._hold_at: str | None = None
        self._held: list[_Moving] = []

    def __len__(self) -> int:
        """How many parcels travel or have travelled."""
        return len(self._by_id) - self.stopped

    @property
    def held(self) -> int:
        """How many parcels stand still because of `hold`."""
        return len(self._held)

    def restore(self, shipments: Shipments) -> None:
        """Set going again what an earlier process left under way; needs a running event loop."""
        for shipment_id, next_step, kept_back in self._ledger.journeys():
            shipment = shipments.find(shipment_id)
            tracker = shipment["tracker"]
            self._by_id[tracker["id"]] = tracker
            moving = _Moving(tracker, shipment, next_step, kept_back)
            if is_void(shipment):
                self.stopped += 1
            elif moving.arrived:
                self.delivered += 1
            else:
                asyncio.get_running_loop().call_later(self._step_s, self._move, moving)

    def find(self, tracker_id: str) -> Document:
        """The tracker of that id."""
        return self._by_id.get(tracker_id) or not_found()

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
        self._move(_Moving(tracker, shipment))

    def stop(self, shipment: Document) -> None:
        """The parcel of a label that was taken back goes nowhere any more."""
        self.stopped += 1
        self._held = [moving for moving in self._held if moving.shipment is not shipment]

    def hold(self, at: str | None) -> None:
        """Stop every parcel where it is, or only once its status is `at`."""
        self._holding, self._hold_at = True, at

    def release(self) -> None:
        """Let the parcels go on, those that stood still at once."""
        self._holding, held, self._held = False, self._held, []
        for moving in held:
            self._move(moving)

    def _move(self, moving: _Moving) -> None:
        if is_void(moving.shipment):
            self._send_kept_back(moving)  # what has happened is told all the same
            return
        if self._holding and self._hold_at in (None, moving.tracker["status"]):
            self._send_kept_back(moving)  # nothing is coming that could overtake it
            self._keep(moving)
            self._held.append(moving)
            return
        self._report(moving, _advance(moving))
        self._keep(moving)
        if moving.arrived:
            self.delivered += 1
        else:
            asyncio.get_running_loop().call_later(self._step_s, self._move, moving)

    def _keep(self, moving: _Moving) -> None:
        self._ledger.keep_journey(moving.shipment, moving.next_step, moving.kept_back)

    def _report(self, moving: _Moving, event: Document) -> None:
        # Drawn from the parcel and the step, so that a run repeats whatever overtakes what.
        key = f"{self._seed}:{moving.shipment['reference']}:{moving.next_step}"
        chance = random.Random(key)  # noqa: S311, nothing here is secret
        twice, late = chance.random() < self._duplicates, chance.random() < self._reorder
        if late and not moving.arrived and not moving.kept_back:
            moving.kept_back.append(event)
            return
        self._hooks.send(event, times=2 if twice else 1)
        self._send_kept_back(moving)

    def _send_kept_back(self, moving: _Moving) -> None:
        for event in moving.kept_back:
            self._hooks.send(event, delay_s=OVERTAKING_S)
        moving.kept_back.clear()


def _advance(moving: _Moving) -> Document:
    """Take the next step, and return the event that tells of it."""
    step = JOURNEY[moving.next_step]
    description = "tracker.updated" if moving.next_step else "tracker.created"
    moving.next_step += 1
    now = timestamp()
    tracker, seen_at = moving.tracker, moving.shipment[step.end]
    before = {"status": tracker["status"]}
    tracker.update(
        status=step.status, status_detail=step.detail, updated_at=now, finalized=moving.arrived
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
    moving.shipment["status"] = step.status
    return {
        "id": fresh_id("evt"),
        "object": "Event",
        "description": description,
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
