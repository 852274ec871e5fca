"""The table labels. Nothing else writes to it."""

from datetime import timedelta

from sqlalchemy import text

from shared.carriers.types import Label
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
    UPDATE labels SET leased_until = NULL WHERE label_id = :label_id AND state = 'requested'
""")


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
    """Give back the lease after a purchase that failed, so that the next attempt need not wait."""
    tx.connection.execute(_GIVE_BACK, {"label_id": label_id})
