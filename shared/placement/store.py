"""The table placement_decisions. Nothing else writes to it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.platform.db import Transaction, Write

_RECORD = """
    INSERT INTO placement_decisions (order_id, decided_at, outcome, cost_cents, receipt)
    SELECT order_id, CAST(:now AS timestamptz), outcome, cost_cents, CAST(receipt AS jsonb)
      FROM unnest(CAST(:order_ids AS text[]), CAST(:outcomes AS text[]), CAST(:costs AS bigint[]),
                  CAST(:receipts AS text[])) AS decision (order_id, outcome, cost_cents, receipt)
 RETURNING 1
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """How an order was decided, and why: `receipt` is what `placement.receipt` made."""

    order_id: str
    outcome: str
    cost_cents: int | None
    receipt: Mapping[str, Any]


def record(tx: Transaction, decisions: Sequence[Kept]) -> Write:
    """Keep why orders were decided as they were."""
    return Write(
        _RECORD,
        {
            "order_ids": [kept.order_id for kept in decisions],
            "outcomes": [kept.outcome for kept in decisions],
            "costs": [kept.cost_cents for kept in decisions],
            "receipts": [json.dumps(kept.receipt) for kept in decisions],
            "now": tx.now,
        },
        rows=len(decisions),
    )
