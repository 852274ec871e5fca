"""The table actual_charges: what carriers really took for labels. Nothing else writes to it."""

from shared.platform.db import Transaction, Write

_ACTUAL = """
    INSERT INTO actual_charges (parcel_id, order_id, entry, amount_cents, currency, booked_at)
    VALUES (:parcel_id, :order_id, 'actual', :amount_cents, :currency, :now)
        ON CONFLICT DO NOTHING
 RETURNING 1
"""
_REFUND = """
    INSERT INTO actual_charges (parcel_id, order_id, entry, amount_cents, currency, booked_at)
    SELECT parcel_id, order_id, 'refund', -amount_cents, currency, CAST(:now AS timestamptz)
      FROM actual_charges WHERE parcel_id = :parcel_id AND entry = 'actual'
        ON CONFLICT DO NOTHING
 RETURNING 1
"""


def book(tx: Transaction, parcel_id: str, order_id: str, amount_cents: int, currency: str) -> Write:
    """What the label of a parcel cost; booking it twice is once."""
    return Write(
        _ACTUAL,
        {
            "parcel_id": parcel_id,
            "order_id": order_id,
            "amount_cents": amount_cents,
            "currency": currency,
            "now": tx.now,
        },
    )


def refund(tx: Transaction, parcel_id: str) -> Write:
    """The carrier took the label back: nothing, where nothing was booked for it."""
    return Write(_REFUND, {"parcel_id": parcel_id, "now": tx.now})
