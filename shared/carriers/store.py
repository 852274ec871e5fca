"""The table labels. Nothing else writes to it."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from shared.carriers.types import (
    Intent,
    KnownLabel,
    Label,
    LabelState,
    ManifestedLabel,
    ToVoid,
    VoidUnderWay,
)
from shared.platform.db import Transaction, Write
from shared.platform.sql import text

LEASE = timedelta(seconds=90)  # longer than a function may run, so nobody still works under it

_REQUEST = text("""
    INSERT INTO labels (label_id, parcel_id, carrier, vendor, state, requested_at, leased_until)
    VALUES (:label_id, :parcel_id, :carrier, :vendor, 'requested', :now, :until)
        ON CONFLICT (parcel_id) DO UPDATE SET leased_until = excluded.leased_until
     WHERE labels.state = 'requested'
       AND (labels.leased_until IS NULL OR labels.leased_until <= :now)
 RETURNING label_id, carrier, vendor
""")
_BOUGHT = """
    UPDATE labels
       SET state = 'bought', bought_at = :now, leased_until = NULL,
           vendor_shipment_id = :vendor_shipment_id, tracking_code = :tracking_code,
           document_url = :document_url, amount_cents = :amount_cents, currency = :currency
     WHERE label_id = :label_id AND state = 'requested'
 RETURNING 1
"""
_GIVE_BACK = text("""
    UPDATE labels SET leased_until = NULL
     WHERE label_id = :label_id AND state IN ('requested', 'void_requested')
""")
_FAILED = text("""
    UPDATE labels SET leased_until = NULL, failures = failures + 1
     WHERE label_id = :label_id AND state = 'requested'
 RETURNING failures
""")
_LOCK_INTENT = text("""
    SELECT label_id, carrier, vendor, leased_until FROM labels
     WHERE parcel_id = :parcel_id AND state = 'requested'
       FOR UPDATE
""")
_LEAVE = """
    DELETE FROM labels WHERE label_id = :label_id AND state = 'requested'
 RETURNING 1
"""
_BEING_BOUGHT = text("""
    SELECT parcel_id FROM labels
     WHERE parcel_id = ANY(CAST(:parcel_ids AS text[])) AND state = 'requested'
       AND leased_until > :now
""")
_REQUEST_VOID = """
    UPDATE labels SET state = 'void_requested', leased_until = NULL, manifest_id = NULL
     WHERE parcel_id = ANY(CAST(:parcel_ids AS text[])) AND state IN ('requested', 'bought')
 RETURNING 1
"""
_LOCK_TO_VOID = text("""
    SELECT label_id, vendor, leased_until FROM labels
     WHERE parcel_id = :parcel_id AND state = 'void_requested'
       FOR UPDATE
""")
_FIND = text("""
    SELECT label_id, parcel_id, carrier, vendor, state, document_key
      FROM labels WHERE parcel_id = :parcel_id
""")
_VENDORS = text("""
    SELECT parcel_id, vendor FROM labels WHERE parcel_id = ANY(CAST(:parcel_ids AS text[]))
""")
_KEEP_DOCUMENT = """
    UPDATE labels SET document_key = :document_key
     WHERE label_id = :label_id AND bought_at IS NOT NULL
 RETURNING 1
"""
_FORGET_DOCUMENT = """
    UPDATE labels SET document_key = NULL WHERE label_id = :label_id AND state = 'bought'
 RETURNING 1
"""
_PUT_ON_MANIFEST = """
    UPDATE labels SET manifest_id = :manifest_id
     WHERE label_id = ANY(CAST(:label_ids AS text[])) AND state = 'bought'
       AND manifest_id IS NULL
 RETURNING 1
"""
_TAKE_OFF_MANIFEST = """
    UPDATE labels SET manifest_id = NULL WHERE manifest_id = :manifest_id
 RETURNING 1
"""
_ON_MANIFEST = text("""
    SELECT label_id, parcel_id, vendor, vendor_shipment_id FROM labels
     WHERE manifest_id = :manifest_id AND state = 'bought'
     ORDER BY label_id
""")
_LEASE = """
    UPDATE labels SET leased_until = :until WHERE label_id = :label_id
 RETURNING 1
"""
_VOIDED = """
    UPDATE labels SET state = 'voided', voided_at = :now, leased_until = NULL
     WHERE label_id = :label_id AND state = 'void_requested'
 RETURNING 1
"""
_SOLD_AFTER_ALL = """
    UPDATE labels SET state = 'void_requested', voided_at = NULL
     WHERE label_id = :label_id AND state IN ('void_requested', 'voided')
 RETURNING 1
"""


def request(
    tx: Transaction, label_id: str, parcel_id: str, *, carrier: str, vendor: str
) -> Intent | None:
    """Record the intent to buy and lease it; None while another purchase holds the lease.

    Returns:
        The first intent, whoever recorded it: its id is the one under which to buy, and its vendor
        the one that may have sold something under it.
    """
    row = tx.row(
        _REQUEST,
        label_id=label_id,
        parcel_id=parcel_id,
        carrier=carrier,
        vendor=vendor,
        now=tx.now,
        until=tx.now + LEASE,
    )
    return None if row is None else Intent(row.label_id, row.carrier, row.vendor, is_leased=True)


def bought(tx: Transaction, label_id: str, label: Label) -> Write:
    """Record what the vendor sold."""
    return Write(
        _BOUGHT,
        {
            "label_id": label_id,
            "vendor_shipment_id": label.vendor_shipment_id,
            "tracking_code": label.tracking_code,
            "document_url": label.label_url,
            "amount_cents": label.amount_cents,
            "currency": label.currency,
            "now": tx.now,
        },
        rows=1,
    )


def give_back(tx: Transaction, label_id: str) -> None:
    """Give back the lease after a call that failed, so that the next attempt need not wait."""
    tx.rows(_GIVE_BACK, label_id=label_id)


def failed(tx: Transaction, label_id: str) -> int:
    """Give back the lease after a call without an answer; returns how many of the label's were."""
    row = tx.row(_FAILED, label_id=label_id)
    return 0 if row is None else int(row.failures)


def lock_intent(tx: Transaction, parcel_id: str) -> Intent | None:
    """The parcel's label that is asked for and may have been bought; None: nobody has asked."""
    row = tx.row(_LOCK_INTENT, parcel_id=parcel_id)
    if row is None:
        return None
    is_leased = row.leased_until is not None and row.leased_until > tx.now
    return Intent(row.label_id, row.carrier, row.vendor, is_leased=is_leased)


def leave(intent: Intent) -> Write:
    """The parcel's label will be bought elsewhere, under another id."""
    return Write(_LEAVE, {"label_id": intent.label_id}, rows=1)


def being_bought(tx: Transaction, parcel_ids: Collection[str]) -> frozenset[str]:
    """Those parcels, locked before, whose label somebody is buying at this moment."""
    rows = tx.rows(_BEING_BOUGHT, parcel_ids=sorted(parcel_ids), now=tx.now)
    return frozenset(row.parcel_id for row in rows)


def request_void(parcel_ids: Collection[str]) -> Write:
    """Record the intent to give back the labels of these parcels, bought or perhaps bought."""
    return Write(_REQUEST_VOID, {"parcel_ids": sorted(parcel_ids)}, rows=len(parcel_ids))


def lease_void(tx: Transaction, parcel_id: str) -> ToVoid | None:
    """The label that is to be voided, leased; None when there is nothing to void.

    Raises:
        VoidUnderWay: somebody else holds the lease.
    """
    row = tx.row(_LOCK_TO_VOID, parcel_id=parcel_id)
    if row is None:
        return None
    if row.leased_until is not None and row.leased_until > tx.now:
        raise VoidUnderWay("the label is being voided", parcel_id=parcel_id)
    tx.write(Write(_LEASE, {"label_id": row.label_id, "until": tx.now + LEASE}, rows=1))
    return ToVoid(row.label_id, row.vendor)


def voided(tx: Transaction, label_id: str) -> Write:
    """The vendor took the label back; whoever seemed dead and comes back records nothing twice."""
    return Write(_VOIDED, {"label_id": label_id, "now": tx.now})


def sold_after_all(label_id: str) -> Write:
    """Its answer came late: it is to be given back, even if there seemed to be nothing."""
    return Write(_SOLD_AFTER_ALL, {"label_id": label_id}, rows=1)


def find(tx: Transaction, parcel_id: str) -> KnownLabel | None:
    """The parcel's label as it is now, without a lock; None where nobody has asked for one."""
    row = tx.row(_FIND, parcel_id=parcel_id)
    if row is None:
        return None
    return KnownLabel(
        label_id=row.label_id,
        parcel_id=row.parcel_id,
        carrier=row.carrier,
        vendor=row.vendor,
        state=LabelState(row.state),
        document_key=row.document_key,
    )


def vendors_of(tx: Transaction, parcel_ids: Collection[str]) -> dict[str, str]:
    """By parcel id, who sold its label or was asked to."""
    rows = tx.rows(_VENDORS, parcel_ids=sorted(parcel_ids))
    return {row.parcel_id: row.vendor for row in rows}


def keep_document(label_id: str, document_key: str) -> Write:
    """Where the label's document lies; an earlier one was replaced."""
    return Write(_KEEP_DOCUMENT, {"label_id": label_id, "document_key": document_key}, rows=1)


def forget_document(label_id: str) -> Write:
    """The label's document is to be fetched anew; it takes the place of what lies there."""
    return Write(_FORGET_DOCUMENT, {"label_id": label_id}, rows=1)


def put_on_manifest(manifest_id: str, label_ids: Sequence[str]) -> Write:
    """Bought labels that are on no manifest are on this one now."""
    return Write(
        _PUT_ON_MANIFEST,
        {"manifest_id": manifest_id, "label_ids": sorted(label_ids)},
        rows=len(label_ids),
    )


def take_off_manifest(manifest_id: str) -> Write:
    """The manifest was refused: its labels are on none."""
    return Write(_TAKE_OFF_MANIFEST, {"manifest_id": manifest_id})


def on_manifest(tx: Transaction, manifest_id: str) -> tuple[ManifestedLabel, ...]:
    """The labels that are on a manifest now, by their ids."""
    rows = tx.rows(_ON_MANIFEST, manifest_id=manifest_id)
    return tuple(ManifestedLabel(**row._mapping) for row in rows)  # noqa: SLF001
