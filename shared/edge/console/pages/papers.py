"""What is printed: labels of parcels, and the manifests that go with a day's parcels."""

from collections.abc import Mapping

from shared.contracts.http_ops_acts import Because
from shared.contracts.http_ops_parcels import ManifestFilters, OpsManifests
from shared.edge.console.pages.parcels import PARCEL, PATH
from shared.edge.console.papers import DocumentGone
from shared.edge.console.routes import Act, Kept, Paper, View, Visit
from shared.flows.print_label import (
    LabelGivenBack,
    NoLabel,
    NotFetchedYet,
    fetch_label_anew,
    kept_label,
)
from shared.flows.print_manifest import (
    NoManifest,
    UnknownManifest,
    document_of,
    known_manifest,
)
from shared.flows.show_manifests import show_manifests
from shared.flows.show_parcel import order_of
from shared.kit.errors import DispatchError
from shared.people.permissions import Action
from shared.shipments.types import NoSuchParcel

MANIFESTS_PATH = "/parcels/manifests"
_LABEL: Mapping[type[DispatchError], int] = {
    NoSuchParcel: 404,
    NoLabel: 409,
    LabelGivenBack: 409,
    NotFetchedYet: 409,
    DocumentGone: 409,
}
_MANIFEST: Mapping[type[DispatchError], int] = {
    UnknownManifest: 404,
    NoManifest: 409,
    DocumentGone: 409,
}


def _label(visit: Visit) -> Kept:
    parcel_id = visit.parts["parcel_id"]
    order_of(visit.tx, parcel_id, visit.who)
    return Kept(kept_label(visit.tx, parcel_id), f"label-{parcel_id}")


def _fetch(visit: Visit, said: Because) -> None:
    parcel_id = visit.parts["parcel_id"]
    order_of(visit.tx, parcel_id, visit.who)
    fetch_label_anew(visit.tx, parcel_id, visit.person(said.reason))


def _manifests(visit: Visit, filters: ManifestFilters) -> OpsManifests:
    return show_manifests(visit.tx, filters, visit.who)


def _manifest(visit: Visit) -> Kept:
    manifest = known_manifest(visit.tx, visit.parts["manifest_id"])
    of = manifest.of
    if not visit.who.may_at([of.warehouse]):
        raise UnknownManifest("there is no such manifest")
    return Kept(document_of(manifest), f"manifest-{of.carrier}-{of.warehouse}-{of.ship_on}")


ROUTES = (
    View(
        name="listManifests",
        path=MANIFESTS_PATH,
        purpose="List the manifests of one's warehouses, the newest days first.",
        action=Action.SEE_PARCELS,
        show=_manifests,
        answer=OpsManifests,
        template="manifests.html",
        query=ManifestFilters,
        rows="manifests",
    ),
    Paper(
        name="printManifest",
        path=f"{MANIFESTS_PATH}/{{manifest_id}}",
        purpose="Print a manifest that is closed.",
        action=Action.PRINT_LABELS,
        find=_manifest,
        refusals=_MANIFEST,
    ),
    Paper(
        name="printLabel",
        path=f"{PATH}/label",
        purpose="Print the label that a parcel is to be sent with.",
        action=Action.PRINT_LABELS,
        find=_label,
        refusals=_LABEL,
    ),
    Act(
        name="fetchLabel",
        path=f"{PATH}/label/fetch",
        purpose="Have the document of its label fetched anew from who sold it.",
        action=Action.PRINT_LABELS,
        act=_fetch,
        body=Because,
        view=PARCEL,
        done="It is fetched. In a moment it can be printed.",
        form="fetch",
        refusals=_LABEL,
    ),
)
