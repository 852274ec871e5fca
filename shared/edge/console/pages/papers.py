"""What is printed: labels of parcels, and the manifests that go with a day's parcels."""

from collections.abc import Mapping

from shared.contracts.http_ops_acts import Because
from shared.contracts.http_ops_parcels import ManifestFilters, ManifestWanted, OpsManifests
from shared.edge.console.pages.parcels import PARCEL, PATH
from shared.edge.console.papers import DocumentGone
from shared.edge.console.routes import Act, Kept, Paper, View, Visit, room
from shared.flows.ask_for_manifests import (
    NoManifestsMade,
    NothingToManifest,
    ask_for_manifest,
)
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


def _manifests(visit: Visit, filters: ManifestFilters | None) -> OpsManifests:
    return show_manifests(visit.tx, filters or ManifestFilters(), visit.who)


def _manifest(visit: Visit) -> Kept:
    manifest = known_manifest(visit.tx, visit.parts["manifest_id"])
    of = manifest.of
    if not visit.who.may_at([of.warehouse]):
        raise UnknownManifest("there is no such manifest")
    return Kept(document_of(manifest), f"manifest-{of.carrier}-{of.warehouse}-{of.ship_on}")


def _ask(visit: Visit, said: ManifestWanted) -> None:
    visit.who.require_at([said.warehouse])
    person = visit.person(said.reason)
    ask_for_manifest(visit.tx, said.carrier, said.warehouse, said.ship_on, person)


MANIFESTS = View(
    name="listManifests",
    path=MANIFESTS_PATH,
    purpose="List the manifests of one's warehouses, the newest days first, a page at a time.",
    action=Action.SEE_PARCELS,
    show=_manifests,
    answer=OpsManifests,
    template="manifests.html",
    query=ManifestFilters,
    rows="manifests",
    rooms=room("manifests"),
)
ROUTES = (
    MANIFESTS,
    Act(
        name="askForManifest",
        path=f"{MANIFESTS_PATH}/ask",
        purpose="Ask a carrier for a manifest now, also where it has refused one.",
        action=Action.CLOSE_DAYS,
        act=_ask,
        body=ManifestWanted,
        view=MANIFESTS,
        done="It is asked for. In a moment its carrier has closed or refused it.",
        form="ask",
        refusals={NothingToManifest: 409, NoManifestsMade: 409},
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
