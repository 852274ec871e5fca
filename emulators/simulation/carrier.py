"""A carrier: it sells labels, takes parcels over and reports their progress as EasyPost does."""

import hmac
import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from emulators.simulation.chance import Chance, VirtualClock
from emulators.simulation.faults import Faults, Moment
from emulators.simulation.functions import HOOK_SECRET
from emulators.simulation.warehouse import Warehouses
from shared.carriers.types import (
    CarrierUnavailable,
    Document,
    Label,
    LabelRequest,
    Manifest,
    ManifestRequest,
    Quote,
    RefusedByCarrier,
)

PAPER = Document(b"%PDF-1.4 simulated", "application/pdf")
PRICE_CENTS = 490
REFUSED_SHARE = 0.004
IDLE_SHARE = 0.5  # of the calls during an outage; the others are done, and their answer is lost
RETURNED_SHARE = 0.04
UNREPORTED_SHARE = 0.5  # of what happens under way: it is told together with the next
STRAY = "UNHEARD-OF"
STRAY_SHARE = 0.005  # about a parcel that is not ours

Detail = dict[str, str]


@dataclass(slots=True)
class Trip:
    """A parcel as its carrier knows it."""

    code: str
    carrier: str = ""  # whoever knows it
    parcel_id: str = ""
    history: list[Detail] = field(default_factory=list)
    ended: bool = False


class SimulatedCarrier:
    """Sells one label per `label_id`, as the port promises; nobody is asked twice for money.

    It takes over what a warehouse has picked and Dispatch knows to be picked: `standing` says of a
    parcel whether it is picked, and whether it is cancelled.

    Attributes:
        sold: label id -> its label.
        voided: label ids of which the label was given back.
        refused: label ids that nothing was sold for.
        manifested: vendor's shipment id -> the manifest that it is on; it is on one at most.
        unheard: tracking codes that were sold during an outage: the product may know of them long
            after their first update.
    """

    asked_together = 2  # few, so that questions are parted as well

    def __init__(
        self,
        send: Callable[[bytes, str], None],
        warehouses: Warehouses,
        chance: Chance,
        clock: VirtualClock,
        faults: Faults,
        *,
        standing: Callable[[str], tuple[bool, bool]],
    ) -> None:
        self.sold: dict[str, Label] = {}
        self.voided: set[str] = set()
        self.refused: set[str] = set()
        self.unheard: set[str] = set()
        self.manifested: dict[str, str] = {}
        self._send = send
        self._warehouses = warehouses
        self._standing = standing
        self._chance = chance
        self._clock = clock
        self._faults = faults
        self._contents: dict[str, tuple[str, Counter[str]]] = {}
        self._trips: dict[str, Trip] = {}
        self._active: list[Trip] = []

    @property
    def active(self) -> int:
        """Parcels of which there is more to report."""
        return len(self._active)

    def buy(self, request: LabelRequest) -> Label:
        """See the port."""
        is_out = self._faults.is_out(request.carrier)
        if is_out and self._chance.happens(IDLE_SHARE):
            raise CarrierUnavailable("no answer")
        if request.label_id not in self.sold and request.label_id not in self.refused:
            if self._chance.happens(REFUSED_SHARE):
                self.refused.add(request.label_id)
            else:
                self._sell(request)
        self._faults.reach(Moment.BOUGHT)
        if is_out:
            if request.label_id in self.sold:
                self.unheard.add(self.sold[request.label_id].tracking_code)
            raise CarrierUnavailable("no answer")
        if request.label_id in self.refused:
            raise RefusedByCarrier("no such street", vendor_code="ADDRESS.VERIFY.FAILURE")
        return self.sold[request.label_id]

    def void(self, label_id: str) -> None:
        """See the port."""
        label = self.sold.get(label_id)
        if self._faults.is_out("" if label is None else label.carrier):
            raise CarrierUnavailable("no answer")
        if label is not None:
            trip = self._trips[label.tracking_code]
            assert not _taken_over(trip), "what was picked is not cancelled"
            self.voided.add(label_id)
            self._end(trip)
        self._faults.reach(Moment.BOUGHT)

    def quote(self, request: LabelRequest) -> tuple[Quote, ...]:
        """See the port."""
        return (Quote(request.carrier, "cheapest", PRICE_CENTS, "BRL", None),)

    def reprint(self, label_id: str) -> Document:
        """See the port."""
        if label_id not in self.sold:
            raise RefusedByCarrier("no such label", vendor_code="NOT_FOUND")
        if self._faults.is_out(self.sold[label_id].carrier):
            raise CarrierUnavailable("no answer")
        return PAPER

    def manifest(self, request: ManifestRequest) -> Manifest:
        """See the port: a shipment is on one manifest, and one that was given back on none."""
        if self._faults.is_out(request.carrier):
            raise CarrierUnavailable("no answer")
        given_back = {self.sold[label_id].vendor_shipment_id for label_id in self.voided}
        on = {self.manifested.get(shipment) for shipment in request.vendor_shipment_ids}
        if on == {None} and not given_back.isdisjoint(request.vendor_shipment_ids):
            raise RefusedByCarrier("a label was given back", vendor_code="SCAN_FORM")
        if on not in ({None}, {request.manifest_id}):
            raise RefusedByCarrier("on another manifest", vendor_code="SCAN_FORM")
        self.manifested |= dict.fromkeys(request.vendor_shipment_ids, request.manifest_id)
        self._faults.reach(Moment.BOUGHT)
        return Manifest(f"sf_{request.manifest_id}", PAPER)

    def track(self, carrier: str, tracking_codes: Collection[str]) -> Mapping[str, bytes]:
        """See the port."""
        if self._faults.is_out(carrier):
            raise CarrierUnavailable("no answer")
        trips = [self._trips[code] for code in tracking_codes]
        return {trip.code: _body(trip) for trip in trips if trip.history}

    def hear(self, _topic: str, attributes: Mapping[str, str], data: bytes) -> None:
        """What is said about parcels: what is in them, and that a label is on one."""
        match attributes.get("ce-type"):
            case "dispatch.parcel.planned.v1":
                event = json.loads(data)
                units = Counter[str]()
                for item in event["items"]:
                    units[item["sku"]] += item["quantity"]
                self._contents[event["parcel_id"]] = (event["warehouse"], units)
            case "dispatch.parcel.labelled.v1":
                event = json.loads(data)
                trip = self._trips[event["tracking_code"]]
                if not trip.parcel_id and not trip.ended:
                    trip.parcel_id = event["parcel_id"]
                    self._active.append(trip)

    def act(self) -> str:
        """Report the next thing about one of the parcels; returns what it was."""
        if self._chance.happens(STRAY_SHARE):
            self._report(Trip(STRAY, history=[self._detail("in_transit", "")]))
            return "stray"
        trip = self._chance.pick(self._active)
        if not _taken_over(trip):
            picked, cancelled = self._standing(trip.parcel_id)
            if cancelled:
                self._end(trip)
                return "left behind"
            if trip.parcel_id not in self._contents:  # an announcement was lost
                self._end(trip)
                return "nobody told of it"
            if not picked:
                place, units = self._contents[trip.parcel_id]
                return self._warehouses.pick(place, trip.parcel_id, units)
        status = self._advance(trip)
        if trip.ended:
            self._end(trip)
        elif self._chance.happens(UNREPORTED_SHARE):
            return f"{status}, told later"
        self._report(trip)
        return status

    def _end(self, trip: Trip) -> None:
        trip.ended = True
        self._warehouses.unpack(trip.parcel_id)
        if trip in self._active:
            self._active.remove(trip)

    def _sell(self, request: LabelRequest) -> None:
        number = len(self.sold) + 1
        code = f"SIM{number:09}BR"
        self.sold[request.label_id] = Label(
            vendor_shipment_id=f"shp_{number}",
            vendor_tracker_id=f"trk_{number}",
            tracking_code=code,
            label_url="https://labels.invalid/1.pdf",
            amount_cents=PRICE_CENTS,
            currency="BRL",
            carrier=request.carrier,
            service="cheapest",
        )
        trip = self._trips[code] = Trip(code, request.carrier)
        if self._chance.happens(0.1):
            # The vendor knows of it before we have written it down.
            trip.history.append(self._detail("pre_transit", "label_created"))
            self._report(trip)

    def _advance(self, trip: Trip) -> str:
        if not _taken_over(trip):
            place, units = self._contents[trip.parcel_id]
            self._warehouses.leave(place, trip.parcel_id, units)
            status, detail = "in_transit", "received_at_origin_facility"
        elif trip.history[-1]["status"] == "delivered" or self._chance.happens(RETURNED_SHARE):
            status, detail = "return_to_sender", "return"
        else:
            status, detail = self._chance.weighted(
                {
                    ("in_transit", "arrived_at_facility"): 10.0,
                    ("in_transit", "delayed"): 4.0,
                    ("unheard_of", ""): 2.0,
                    ("out_for_delivery", "out_for_delivery"): 15.0,
                    ("delivered", "arrived_at_destination"): 55.0,
                }
            )
        trip.history.append(self._detail(status, detail))
        trip.ended = status == "return_to_sender" or (
            status == "delivered" and not self._chance.happens(RETURNED_SHARE)
        )
        return status

    def _detail(self, status: str, detail: str) -> Detail:
        return {
            "status": status,
            "status_detail": detail,
            "datetime": self._clock.now.isoformat(),
            "message": status,
        }

    def _report(self, trip: Trip) -> None:
        body = _body(trip)
        digest = hmac.digest(HOOK_SECRET.encode(), body, "sha256").hex()
        self._send(body, f"hmac-sha256-hex={digest}")


def _body(trip: Trip) -> bytes:
    result: dict[str, Any] = {
        "tracking_code": trip.code,
        "carrier": trip.carrier,
        "status": trip.history[-1]["status"],
        "status_detail": trip.history[-1]["status_detail"],
        "tracking_details": trip.history,
    }
    return json.dumps({"description": "tracker.updated", "result": result}).encode()


def _taken_over(trip: Trip) -> bool:
    return any(detail["status"] != "pre_transit" for detail in trip.history)
