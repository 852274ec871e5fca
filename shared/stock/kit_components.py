"""The table kit_components: what a kit is sent as. Nothing else writes to it."""

from collections.abc import Mapping

from shared.platform.db import Transaction
from shared.platform.sql import text

# What a kit is made of is replaced as a whole; orders keep what it was made of when they came.
_DELETE_KITS = text("DELETE FROM kit_components WHERE kit = ANY(CAST(:kits AS text[]))")
_INSERT_KITS = text("""
    INSERT INTO kit_components (kit, component, quantity)
    SELECT * FROM unnest(CAST(:kits AS text[]), CAST(:components AS text[]),
                         CAST(:quantities AS integer[]))
""")


def put_kits(tx: Transaction, kits: Mapping[str, Mapping[str, int]]) -> None:
    """Kit -> component -> units of it in one kit, from now on. Without components it is no kit."""
    tx.rows(_DELETE_KITS, kits=sorted(kits))
    rows = [(kit, part, n) for kit, parts in kits.items() for part, n in parts.items()]
    if rows:
        columns = zip(("kits", "components", "quantities"), zip(*rows, strict=True), strict=True)
        tx.rows(_INSERT_KITS, **{name: list(column) for name, column in columns})
