"""The table placement_decisions, by months. Nothing else writes to it."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from shared.placement.receipt import Receipt
from shared.platform.db import Transaction, Write
from shared.platform.sql import text

_RECORD = """
    INSERT INTO placement_decisions (order_id, decided_at, outcome, cost_cents, policy_id,
                                     inputs_hash, duration_us, decided_by, reason, receipt)
    SELECT order_id, CAST(:now AS timestamptz), outcome, cost_cents, policy_id, inputs_hash,
           duration_us, decided_by, reason, CAST(receipt AS jsonb)
      FROM unnest(CAST(:order_ids AS text[]), CAST(:outcomes AS text[]), CAST(:costs AS bigint[]),
                  CAST(:policies AS text[]), CAST(:hashes AS text[]),
                  CAST(:durations AS integer[]), CAST(:deciders AS text[]),
                  CAST(:reasons AS text[]), CAST(:receipts AS text[]))
        AS decision (order_id, outcome, cost_cents, policy_id, inputs_hash, duration_us,
                     decided_by, reason, receipt)
 RETURNING 1
"""
_KEEP = text("SELECT keep_placement_decisions(:now, :since) AS changed")

ENGINE_DECIDED = "engine"


class Kept(NamedTuple):
    """How an order was decided, and why; by the engine alone, or as somebody wanted it."""

    order_id: str
    outcome: str
    cost_cents: int | None
    policy_id: str
    receipt: Receipt
    duration_us: int
    decided_by: str = ENGINE_DECIDED
    reason: str = ""


def record(tx: Transaction, decisions: Sequence[Kept]) -> Write:
    """Keep why orders were decided as they were."""
    texts = [kept.receipt.as_text() for kept in decisions]
    return Write(
        _RECORD,
        {
            "order_ids": [kept.order_id for kept in decisions],
            "outcomes": [kept.outcome for kept in decisions],
            "costs": [kept.cost_cents for kept in decisions],
            "policies": [kept.policy_id for kept in decisions],
            "hashes": [inputs_hash for inputs_hash, _ in texts],
            "durations": [kept.duration_us for kept in decisions],
            "deciders": [kept.decided_by for kept in decisions],
            "reasons": [kept.reason for kept in decisions],
            "receipts": [receipt for _, receipt in texts],
            "now": tx.now,
        },
        rows=len(decisions),
    )


def keep(tx: Transaction, since: datetime) -> int:
    """Make the tables of the months to come, and drop those that end before `since`.

    Returns how many tables were made and dropped.
    """
    row = tx.row(_KEEP, now=tx.now, since=since)
    assert row is not None
    return int(row.changed)
