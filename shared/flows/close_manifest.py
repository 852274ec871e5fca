"""Close a carrier's day at a warehouse: lease the manifest, call the carrier, record the result."""

from collections.abc import Mapping
from typing import NamedTuple

from shared.carriers import carrier_accounts, carrier_breakers, manifests
from shared.carriers import store as labels
from shared.carriers.types import (
    Carrier,
    KnownManifest,
    Manifest,
    ManifestedLabel,
    ManifestRequest,
    RefusedByCarrier,
)
from shared.contracts.parcels import ManifestClosed
from shared.contracts.work import CloseManifest
from shared.flows.label_request import address_of
from shared.flows.steps import Run
from shared.kit.errors import DispatchError, NotYet
from shared.platform import live_changes, log, outbox
from shared.platform.db import Transaction, Write
from shared.platform.documents import Documents, key_of
from shared.stock import warehouses

KIND = "manifests"


class ManifestChanged(NotYet):
    """A label was given back while the carrier was asked: ask without it."""

    code = "manifest_changed"


class _Leased(NamedTuple):
    manifest: KnownManifest
    labels: tuple[ManifestedLabel, ...]
    request: ManifestRequest

    @property
    def vendor(self) -> str:
        """Who sold them all: labels of two vendors are never asked to be on one manifest."""
        return self.labels[0].vendor


def close_manifest(
    run: Run, work: CloseManifest, vendors: Mapping[str, Carrier], documents: Documents
) -> None:
    """Close the manifest once. Nothing happens when it is closed or refused, or nothing is on it.

    Raises:
        RefusedByCarrier: asking again gives the same answer. Its labels are on no manifest then,
            and a person asks for the next one.
        CarrierUnavailable, CarrierPaused, ManifestUnderWay, ManifestChanged, DocumentsUnavailable:
            ask again later.
        CarrierAccountRefused, BrokenAnswer: somebody has to look.
    """
    leased = run(lambda tx: _lease(tx, work))
    if leased is None:
        return
    try:
        manifest = vendors[leased.vendor].manifest(leased.request)
        key = key_of(KIND, work.manifest_id, manifest.document.media_type)
        documents.put(key, manifest.document.content, manifest.document.media_type)
    except DispatchError as error:
        why = error
        if run(lambda tx: _fail(tx, leased, why)):
            raise ManifestChanged(
                "a label on it was given back", manifest_id=work.manifest_id
            ) from error
        raise
    run(lambda tx: _record(tx, leased, manifest, key))


def _lease(tx: Transaction, work: CloseManifest) -> _Leased | None:
    carrier_breakers.refuse_paused(tx, work.carrier)
    manifest = manifests.lease(tx, work.manifest_id)
    if manifest is None:
        return None
    on_it = labels.on_manifest(tx, work.manifest_id)
    if not on_it:
        tx.write(manifests.dropped(tx, work.manifest_id), _heard(tx, work.manifest_id))
        return None
    sender = warehouses.find(tx, manifest.of.warehouse)
    assert sender is not None, "manifests refer to warehouses"
    request = ManifestRequest(
        manifest_id=manifest.manifest_id,
        carrier=carrier_accounts.find(tx, manifest.of.carrier).name_at(on_it[0].vendor),
        from_address=address_of(sender.address),
        ship_on=manifest.of.ship_on,
        vendor_shipment_ids=tuple(label.vendor_shipment_id for label in on_it),
    )
    return _Leased(manifest, on_it, request)


def _fail(tx: Transaction, leased: _Leased, error: DispatchError) -> bool:
    """Note what went wrong. Returns whether it may have been for a label that is given back."""
    manifest_id = leased.manifest.manifest_id
    if not manifests.lock_open(tx, manifest_id):
        return False
    is_refused = isinstance(error, RefusedByCarrier)
    has_changed = is_refused and labels.on_manifest(tx, manifest_id) != leased.labels
    if is_refused and not has_changed:
        tx.write(
            manifests.refused(tx, manifest_id, str(error)),
            labels.take_off_manifest(manifest_id),
            _heard(tx, manifest_id),
        )
    else:
        tx.write(manifests.give_back(manifest_id))
    return has_changed


def _record(tx: Transaction, leased: _Leased, made: Manifest, key: str) -> None:
    manifest = leased.manifest
    if not manifests.lock_open(tx, manifest.manifest_id):
        return  # an earlier attempt that seemed dead has recorded the same manifest
    still = labels.on_manifest(tx, manifest.manifest_id)
    if len(still) < len(leased.labels):
        # The carrier has them on its list and collects nothing for them: that is no mistake.
        log.line(
            "manifest.labels_given_back",
            "WARNING",
            manifest_id=manifest.manifest_id,
            labels=len(leased.labels) - len(still),
        )
    tx.write(
        manifests.closed(tx, manifest.manifest_id, made.vendor_manifest_id, key),
        outbox.put(
            tx,
            ManifestClosed(
                manifest_id=manifest.manifest_id,
                carrier=manifest.of.carrier,
                warehouse=manifest.of.warehouse,
                ship_on=manifest.of.ship_on,
                number=manifest.number,
                parcel_ids=tuple(label.parcel_id for label in still),
            ),
        ),
    )


def _heard(tx: Transaction, manifest_id: str) -> Write:
    """It has ended without being closed, which is announced to nobody."""
    return live_changes.note(tx, f"manifest:{manifest_id}")
