"""How Postgres finds rows of the outbox: by their lanes, though it takes the outbox for empty."""

import pytest

from shared.platform import outbox
from shared.platform.db import Database, Transaction
from shared.platform.sql import Statement, text
from tests.support import given

FILL = text("""
    INSERT INTO outbox (lane, kind, destination, ordering_key, event_id, attributes, body, rooms,
                        created_at)
    SELECT 'topic/order-events/' || number, 'topic', 'order-events', number, number, '{}',
           repeat('x', 500), '{}', now()
      FROM generate_series(1, 2000) AS number
""")
VALUES = {
    "lanes": "'{topic/order-events/1,topic/order-events/2}'",
    "ids": "'{1,2}'",
    "now": "now()",
    "claimed_until": "now()",
    "limit": "500",
}


def plan(tx: Transaction, statement: Statement) -> str:
    """The plan that is kept for the statement, whatever it is asked for."""
    values = ", ".join(VALUES[name] for name in statement.names)
    tx.rows(text(f"PREPARE asked AS {statement.numbered}"))
    rows = tx.rows(text(f"EXPLAIN EXECUTE asked ({values})"))
    tx.rows(text("DEALLOCATE asked"))
    return "\n".join(line for (line,) in rows)


@pytest.mark.parametrize("asked", ["_CLAIM_OWN", "_CLAIM_LANES", "_SENT"])
def test_rows_are_found_by_their_lanes_after_a_flood_was_sent(
    database: Database, asked: str
) -> None:
    # Goal: when statistics are taken all is sent, and the plans of that moment have to do for the
    # next flood. Neither is the whole table read for a few lanes, nor each row compared with each.
    database.statement(FILL)
    given.silence(database)
    database.statement(text("VACUUM (ANALYZE) outbox"))

    found = database.run(lambda tx: plan(tx, getattr(outbox, asked)), given.cause())

    assert "Seq Scan on outbox" not in found
    assert "Join Filter" not in found
    assert found.count("outbox_pkey") == found.count("Index Cond: ")
