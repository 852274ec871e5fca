"""The table parcel_reroutes: which parcels go by another carrier. Nothing else writes to it.

A row is never changed: the last one of a parcel says by whom it goes.
"""

from datetime import datetime

from shared.platform.db import Transaction, Write
from shared.platform.sql import text
from shared.shipments.types import Reroute

_RECORD = """
    INSERT INTO parcel_reroutes (parcel_id, number, from_carrier, from_service, from_rate_card_id,
                                 to_carrier, to_service, to_rate_card_id, difference_cents,
                                 currency, reason, rerouted_at)
    SELECT :parcel_id, count(*) + 1, :from_carrier, :from_service, :from_rate_card_id, :to_carrier,
           :to_service, :to_rate_card_id, CAST(:difference_cents AS bigint), :currency, :reason,
           CAST(:now AS timestamptz)
      FROM parcel_reroutes WHERE parcel_id = :parcel_id
 RETURNING 1
"""
_MORE = text("""
    SELECT CAST(coalesce(sum(difference_cents), 0) AS bigint) AS more_cents
      FROM parcel_reroutes WHERE parcel_id = :parcel_id
""")
_LATEST = text("""
    SELECT max(rerouted_at) AS rerouted_at FROM parcel_reroutes WHERE parcel_id = :parcel_id
""")
_LEFT = text("""
    SELECT DISTINCT from_carrier FROM parcel_reroutes
     WHERE parcel_id = :parcel_id AND rerouted_at > :since
""")


def latest_at(tx: Transaction, parcel_id: str) -> datetime | None:
    """When the parcel was given to whoever it goes by now; None: it goes as planned."""
    row = tx.row(_LATEST, parcel_id=parcel_id)
    assert row is not None, "an aggregate has one row"
    found: datetime | None = row.rerouted_at
    return found


def more_cents(tx: Transaction, parcel_id: str) -> int:
    """What the parcel costs more than was quoted, for all its reroutes."""
    row = tx.row(_MORE, parcel_id=parcel_id)
    assert row is not None, "an aggregate has one row"
    return int(row.more_cents)


def left_since(tx: Transaction, parcel_id: str, since: datetime) -> frozenset[str]:
    """The carriers that the parcel was taken from after that moment."""
    rows = tx.rows(_LEFT, parcel_id=parcel_id, since=since)
    return frozenset(row.from_carrier for row in rows)


def record(tx: Transaction, to: Reroute) -> Write:
    """The next reroute of a parcel, which is locked."""
    return Write(
        _RECORD,
        {
            "parcel_id": to.route.parcel_id,
            "from_carrier": to.route.carrier,
            "from_service": to.route.service,
            "from_rate_card_id": to.route.rate_card_id,
            "to_carrier": to.carrier,
            "to_service": to.service,
            "to_rate_card_id": to.rate_card_id,
            "difference_cents": to.difference_cents,
            "currency": to.currency,
            "reason": to.reason,
            "now": tx.now,
        },
        rows=1,
    )
