"""Manifests, for whoever hands parcels over and prints the list of them."""

from dataclasses import asdict

from shared.contracts.http_ops_parcels import ManifestFilters, ManifestRow, OpsManifests
from shared.ops.manifests import manifests
from shared.people.permissions import Action, Who
from shared.platform.db import Transaction

LISTED = 100


def show_manifests(tx: Transaction, asked: ManifestFilters, who: Who) -> OpsManifests:
    """Those of the warehouses of whoever asks."""
    found = manifests(
        tx,
        limit=LISTED + 1,
        carrier=asked.carrier or None,
        warehouse=asked.warehouse or None,
        ship_on=asked.ship_on,
        theirs=who.warehouses,
    )
    return OpsManifests(
        manifests=tuple(ManifestRow.model_validate(asdict(one)) for one in found[:LISTED]),
        are_more=len(found) > LISTED,
        may_print=who.may(Action.PRINT_LABELS),
    )
