"""The table skus: what is sold, by its name. Nothing else writes to it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text

from shared.platform.db import Transaction

_INSERT_SKUS = text("""
    INSERT INTO skus (sku, weight_g, length_mm, width_mm, height_mm, released_at)
    SELECT * FROM unnest(CAST(:skus AS text[]), CAST(:weights AS integer[]),
                         CAST(:lengths AS integer[]), CAST(:widths AS integer[]),
                         CAST(:heights AS integer[]), CAST(:releases AS timestamptz[]))
        ON CONFLICT (sku) DO UPDATE
       SET weight_g = excluded.weight_g, length_mm = excluded.length_mm,
           width_mm = excluded.width_mm, height_mm = excluded.height_mm,
           released_at = excluded.released_at
""")


def put_skus(
    tx: Transaction,
    skus: Sequence[tuple[str, int, int | None, int | None, int | None, datetime | None]],
) -> None:
    """Add or replace (sku, weight_g, length_mm, width_mm, height_mm, released_at)."""
    names = ("skus", "weights", "lengths", "widths", "heights", "releases")
    columns = zip(*skus, strict=True)
    tx.connection.execute(
        _INSERT_SKUS, {name: list(column) for name, column in zip(names, columns, strict=True)}
    )
