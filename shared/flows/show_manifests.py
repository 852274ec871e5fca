"""Manifests, for whoever hands parcels over and prints the list of them."""

from dataclasses import asdict

from shared.carriers import carrier_accounts
from shared.contracts.http_ops_parcels import (
    CarrierWithoutManifests,
    ManifestFilters,
    ManifestRow,
    OpsManifests,
)
from shared.ops.manifests import manifests
from shared.people.permissions import Action, Who
from shared.platform.db import Transaction

PAGE = 50


def show_manifests(tx: Transaction, asked: ManifestFilters, who: Who) -> OpsManifests:
    """The next page of those of the warehouses of whoever asks.

    Raises:
        Malformed: the cursor is not one of ours.
    """
    found = manifests(
        tx,
        limit=PAGE + 1,
        carrier=asked.carrier.strip() or None,
        warehouse=asked.warehouse.strip() or None,
        ship_on=asked.ship_on,
        theirs=who.warehouses,
        after=asked.cursor or None,
    )
    shown = found[:PAGE]
    return OpsManifests(
        manifests=tuple(ManifestRow.model_validate(asdict(one)) for one in shown),
        next=shown[-1].manifest_id if len(found) > PAGE else None,
        may_print=who.may(Action.PRINT_LABELS),
        acts=("ask",) if who.may(Action.CLOSE_DAYS) else (),
        without=tuple(
            CarrierWithoutManifests(carrier=account.carrier, vendor=account.vendor)
            for account in carrier_accounts.all_of(tx).values()
            if not account.has_manifests
        ),
    )
