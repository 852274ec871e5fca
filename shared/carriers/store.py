"""The table labels. Nothing else writes to it."""

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import text

from shared.carriers.types import Intent, Label, VoidUnderWay
from shared.platform.db import Transaction, Write

LEASE = timedelta(seconds=90)  # longer than a function may run, so nobody still works under it

_REQUEST = text("""
    INSERT INTO labels (label_id, parcel_id, carrier, state, requested_at, leased_until)
    VALUES (:label_id, :parcel_id, :carrier, 'requested', :now, :until)
        ON CONFLICT (parcel_id) DO UPDATE SET leased_until = excluded.leased_until
     WHERE labels.state = 'requested'
       AND (labels.leased_until IS NULL OR labels.leased_until <= :now)
 RETURNING label_id
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
    SELECT label_id, carrier, leased_until FROM labels
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
    UPDATE labels SET state = 'void_requested', leased_until = NULL
     WHERE parcel_id = ANY(CAST(:parcel_ids AS text[])) AND state IN ('requested', 'bought')
 RETURNING 1
"""
_LOCK_TO_VOID = text("""
    SELECT label_id, leased_until FROM labels
     WHERE parcel_id = :parcel_id AND state = 'void_requested'
       FOR UPDATE
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


def request(tx: Transaction, label_id: str, parcel_id: str, carrier: str) -> str | None:
    """Record the intent to buy and lease it; None while another purchase holds the lease.

    Returns:
        The id under which to buy: the one of the first intent, whoever recorded it.
    """
    row = tx.row(
        _REQUEST,
        label_id=label_id,
        parcel_id=parcel_id,
        carrier=carrier,
        now=tx.now,
        until=tx.now + LEASE,
    )
    return None if row is None else row.label_id


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
    tx.connection.execute(_GIVE_BACK, {"label_id": label_id})


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
    return Intent(row.label_id, row.carrier, is_leased=is_leased)


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


def lease_void(tx: Transaction, parcel_id: str) -> str | None:
    """The id of the label that is to be voided, leased; None when there is nothing to void.

    Raises:
        VoidUnderWay: somebody else holds the lease.
    """
    row = tx.row(_LOCK_TO_VOID, parcel_id=parcel_id)
    if row is None:
        return None
    if row.leased_until is not None and row.leased_until > tx.now:
        raise VoidUnderWay("the label is being voided", parcel_id=parcel_id)
    tx.write(Write(_LEASE, {"label_id": row.label_id, "until": tx.now + LEASE}, rows=1))
    return str(row.label_id)


def voided(tx: Transaction, label_id: str) -> Write:
    """The vendor took the label back; whoever seemed dead and comes back records nothing twice."""
    return Write(_VOIDED, {"label_id": label_id, "now": tx.now})
