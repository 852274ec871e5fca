"""The table placement_decisions. Nothing else writes to it."""

import json
from collections.abc import Mapping
from typing import Any

from shared.platform.db import Transaction, Write

_RECORD = """
    INSERT INTO placement_decisions (order_id, decided_at, outcome, cost_cents, receipt)
    VALUES (:order_id, :now, :outcome, :cost_cents, CAST(:receipt AS jsonb))
 RETURNING 1
"""


def record(
    tx: Transaction,
    order_id: str,
    outcome: str,
    cost_cents: int | None,
    receipt: Mapping[str, Any],
) -> Write:
    """Keep why an order was decided as it was."""
    return Write(
        _RECORD,
        {
            "order_id": order_id,
            "outcome": outcome,
            "cost_cents": cost_cents,
            "receipt": json.dumps(receipt),
            "now": tx.now,
        },
        rows=1,
    )
