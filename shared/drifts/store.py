"""The table stock_drifts. Nothing else writes to it."""

from collections.abc import Sequence

from shared.drifts.types import Drift, Figure, Finding, KeptDrift, Outcome
from shared.platform.db import Transaction, Write
from shared.platform.sql import text

_RECORD = """
    INSERT INTO stock_drifts (run_id, found_at, sku, warehouse, partition, figure, found, explained,
                              explained_by, outcome, actor)
    SELECT :run_id, CAST(:now AS timestamptz), sku, warehouse, partition, figure, found, explained,
           explained_by, outcome, :actor
      FROM unnest(CAST(:skus AS text[]), CAST(:warehouses AS text[]),
                  CAST(:partitions AS smallint[]), CAST(:figures AS text[]),
                  CAST(:founds AS bigint[]), CAST(:explaineds AS bigint[]),
                  CAST(:explanations AS text[]), CAST(:outcomes AS text[]))
        AS drift (sku, warehouse, partition, figure, found, explained, explained_by, outcome)
 RETURNING 1
"""
_NEWEST = text("""
    SELECT drift_id, run_id, found_at, sku, warehouse, partition, figure, found, explained,
           explained_by, outcome, actor
      FROM stock_drifts
     WHERE CAST(:run_id AS text) IS NULL OR run_id = CAST(:run_id AS text)
     ORDER BY drift_id DESC
     LIMIT :limit
""")


def record(tx: Transaction, drifts: Sequence[Drift], run_id: str, actor: str) -> Write:
    """Keep what one reconciliation found."""
    return Write(
        _RECORD,
        {
            "run_id": run_id,
            "now": tx.now,
            "actor": actor,
            "skus": [drift.sku for drift in drifts],
            "warehouses": [drift.warehouse for drift in drifts],
            "partitions": [drift.partition for drift in drifts],
            "figures": [drift.finding.figure for drift in drifts],
            "founds": [drift.finding.found for drift in drifts],
            "explaineds": [drift.finding.explained for drift in drifts],
            "explanations": [drift.finding.explained_by for drift in drifts],
            "outcomes": [drift.outcome for drift in drifts],
        },
        rows=len(drifts),
    )


def newest(tx: Transaction, limit: int, run_id: str | None = None) -> Sequence[KeptDrift]:
    """What was found last, or by one reconciliation, the newest first."""
    return [
        KeptDrift(
            drift_id=row.drift_id,
            run_id=row.run_id,
            found_at=row.found_at,
            actor=row.actor,
            drift=Drift(
                row.sku,
                row.warehouse,
                row.partition,
                Finding(Figure(row.figure), row.found, row.explained, row.explained_by),
                Outcome(row.outcome),
            ),
        )
        for row in tx.rows(_NEWEST, limit=limit, run_id=run_id)
    ]
