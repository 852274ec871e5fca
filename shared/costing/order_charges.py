"""The table order_charges: what customers pay for shipping. Nothing else writes to it."""

from shared.platform.db import Transaction, Write

_SHIPPING = """
    INSERT INTO order_charges (order_id, amount_cents, currency, charged_at)
    VALUES (:order_id, :amount_cents, :currency, :now)
 RETURNING 1
"""


def shipping(tx: Transaction, order_id: str, amount_cents: int, currency: str) -> Write:
    """What the customer pays for the order's shipping; the table takes it once an order."""
    return Write(
        _SHIPPING,
        {
            "order_id": order_id,
            "amount_cents": amount_cents,
            "currency": currency,
            "now": tx.now,
        },
        rows=1,
    )
