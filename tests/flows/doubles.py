"""What stands in for the outside world in tests of flows."""

from collections.abc import Callable, Collection, Mapping
from itertools import count

from shared.carriers.types import (
    Carrier,
    Document,
    Label,
    LabelRequest,
    Manifest,
    ManifestRequest,
    Quote,
    RefusedByCarrier,
)
from shared.carriers.vendors import VENDORS
from shared.contracts.stock import ParcelPicked
from shared.contracts.work import BuyLabel, VoidAbandonedLabel, VoidLabel
from shared.flows.buy_label import buy_label
from shared.flows.pick_parcel import pick_parcel
from shared.flows.rules import Rules
from shared.flows.void_label import void_label
from shared.platform.db import Database, Transaction
from shared.platform.sql import text
from tests.support import given


def nothing(_request: object) -> None:
    """The carrier works."""


class RecordingCarrier:
    """Sells one label per `label_id`, as the port promises, and remembers who asked.

    `before` runs first in every call and may raise what a carrier raises; `after` runs when the
    label is bought and its answer is about to be given: raising there is an answer that was lost.
    """

    def __init__(
        self,
        before: Callable[[LabelRequest], None] = nothing,
        after: Callable[[LabelRequest], None] = nothing,
        before_void: Callable[[str], None] = nothing,
        *,
        before_paper: Callable[[object], None] = nothing,
        after_manifest: Callable[[ManifestRequest], None] = nothing,
        before_track: Callable[[frozenset[str]], None] = nothing,
        asked_together: int = 50,
    ) -> None:
        self.before = before
        self.after = after
        self.before_void = before_void
        self.before_paper = before_paper
        self.after_manifest = after_manifest
        self.reprinted: list[str] = []
        self.manifests_asked: list[ManifestRequest] = []
        self.manifests: dict[str, ManifestRequest] = {}  # as they were closed
        self.asked: list[LabelRequest] = []
        self.sold: dict[str, Label] = {}
        self.void_asked: list[str] = []
        self.voided: set[str] = set()
        self.before_track = before_track
        self.asked_together = asked_together
        self.known: dict[str, bytes] = {}  # what `track` finds, by tracking code
        self.track_asked: list[tuple[str, frozenset[str]]] = []
        self._numbers = count(1)

    def buy(self, request: LabelRequest) -> Label:
        """Sell a label, or the one that was sold under this id already."""
        self.asked.append(request)
        self.before(request)
        if request.label_id not in self.sold:
            number = next(self._numbers)
            self.sold[request.label_id] = Label(
                vendor_shipment_id=f"shp_{number}",
                vendor_tracker_id=f"trk_{number}",
                tracking_code=f"{request.reference}-{number}",
                label_url="https://labels.test/1.pdf",
                amount_cents=490,
                currency="EUR",
                carrier=request.carrier,
                service="cheapest",
            )
        self.after(request)
        return self.sold[request.label_id]

    def void(self, label_id: str) -> None:
        """Take back what was sold under this id, if anything was."""
        self.void_asked.append(label_id)
        self.before_void(label_id)
        if label_id in self.sold:
            self.voided.add(label_id)

    def quote(self, request: LabelRequest) -> tuple[Quote, ...]:
        """One service."""
        self.before_paper(request)
        return (Quote(request.carrier, "cheapest", 490, "EUR", 2),)

    def reprint(self, label_id: str) -> Document:
        """The document of a label that was sold."""
        self.reprinted.append(label_id)
        self.before_paper(label_id)
        if label_id not in self.sold:
            raise RefusedByCarrier("no such label", vendor_code="NOT_FOUND")
        return Document(b"%PDF-" + label_id.encode(), "application/pdf")

    def manifest(self, request: ManifestRequest) -> Manifest:
        """Close one manifest under each id."""
        self.manifests_asked.append(request)
        self.before_paper(request)
        self.manifests.setdefault(request.manifest_id, request)
        self.after_manifest(request)
        content = b"%PDF-" + request.manifest_id.encode()
        return Manifest(f"sf_{request.manifest_id}", Document(content, "application/pdf"))

    def track(self, carrier: str, tracking_codes: Collection[str]) -> Mapping[str, bytes]:
        """Say what is known of these parcels."""
        asked = frozenset(tracking_codes)
        self.track_asked.append((carrier, asked))
        self.before_track(asked)
        return {code: body for code, body in self.known.items() if code in asked}


def everywhere(carrier: Carrier) -> Mapping[str, Carrier]:
    """Every vendor is this one."""
    return dict.fromkeys(VENDORS, carrier)


def void_abandoned(database: Database, parcel_id: str, carrier: Carrier) -> None:
    """The label worker gives back what the parcel's first carrier may have sold."""
    cause = given.cause()
    for label_id, name in given.rows(
        database,
        f"SELECT label_id, carrier FROM abandoned_labels WHERE parcel_id = '{parcel_id}'",
    ):
        work = VoidAbandonedLabel(label_id=label_id, parcel_id=parcel_id, carrier=name)
        void_label(lambda step: database.run(step, cause), work, everywhere(carrier))


def void(database: Database, parcel_id: str, carrier: Carrier) -> None:
    """The label worker gives back the label of one parcel."""
    cause = given.cause()
    void_label(
        lambda step: database.run(step, cause),
        VoidLabel(parcel_id=parcel_id, carrier="correios"),
        everywhere(carrier),
    )


def buy(
    database: Database,
    parcel_id: str,
    carrier: Carrier,
    at: str = "correios",
    *,
    rules: Rules | None = None,
    **more: str,
) -> None:
    """The label worker does its work for one parcel, as it comes from the queue of a carrier.

    Without `rules` any carrier may take the parcel over: tests name more than there are queues of.
    """
    cause = given.cause()
    buy_label(
        lambda step: database.run(step, cause),
        BuyLabel(parcel_id=parcel_id, carrier=at, **more),
        everywhere(carrier),
        rules or Rules(can_be_asked=lambda _carrier: True),
    )


def picked(database: Database, parcel_id: str) -> None:
    """The parcel's warehouse says that it has picked it."""
    ((warehouse,),) = given.rows(
        database, f"SELECT warehouse FROM parcels WHERE parcel_id = '{parcel_id}'"
    )
    event = ParcelPicked(warehouse=warehouse, parcel_id=parcel_id, picked_at=database.now())
    given.apply(database, pick_parcel, event)


def parcels_of(database: Database, order_id: str) -> list[str]:
    """The order's parcels, heaviest first."""

    def find(tx: Transaction) -> list[str]:
        found = tx.rows(
            text("""SELECT parcel_id FROM parcels WHERE order_id = :order_id
                     ORDER BY weight_g DESC, parcel_id"""),
            order_id=order_id,
        )
        return [row.parcel_id for row in found]

    return database.run(find, given.cause())


def labelled(
    database: Database, order_id: str, carrier: RecordingCarrier | None = None
) -> list[str]:
    """Buy the labels of a placed order; returns the tracking codes, heaviest parcel first."""
    carrier = carrier or RecordingCarrier()
    for parcel_id in parcels_of(database, order_id):
        buy(database, parcel_id, carrier)
    return [label.tracking_code for label in carrier.sold.values()]
