"""What the tables know of an order's way: it is there however long ago that was.

The query is of its own, so that a mistake of the product cannot hide itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from emulators.laptop.cli import UserMistake
from shared.platform.db import Database
from shared.platform.sql import text

_ORDER = text("""
    SELECT order_id, state, correlation_id, accepted_at, promised_at
      FROM orders WHERE order_id = :order_id
""")
_MILESTONES = text("""
    WITH own AS (SELECT * FROM parcels WHERE order_id = :order_id),
    found (at, what, detail) AS (
        SELECT accepted_at, 'accepted', priority FROM orders WHERE order_id = :order_id
         UNION ALL
        SELECT decided_at, 'decided', outcome || CASE decided_by WHEN 'engine' THEN ''
                                                 ELSE ' by a person' END
          FROM placement_decisions WHERE order_id = :order_id
         UNION ALL
        SELECT planned_at, 'parcel planned',
               concat(parcel_id, ' from ', warehouse, ' by ', carrier) FROM own
         UNION ALL
        SELECT requested_at, 'label asked for', parcel_id FROM labels JOIN own USING (parcel_id)
         UNION ALL
        SELECT bought_at, 'label bought', parcel_id FROM labels JOIN own USING (parcel_id)
         WHERE bought_at IS NOT NULL
         UNION ALL
        SELECT rerouted_at, 'rerouted', concat(parcel_id, ' to ', to_carrier)
          FROM parcel_reroutes JOIN own USING (parcel_id)
         UNION ALL
        SELECT charged_at, 'charged', concat(parcel_id, ', ', sum(amount_cents), ' ', currency,
                                             ' cents')
          FROM charges WHERE order_id = :order_id GROUP BY parcel_id, charged_at, currency
         UNION ALL
        SELECT recorded_at, 'reported ' || status, parcel_id
          FROM tracking_events JOIN own USING (parcel_id)
         UNION ALL
        SELECT parked_at, 'parked', concat(source, ': ', code)
          FROM dead_letters WHERE order_id = :order_id
         UNION ALL
        SELECT closed_at, 'closed', state FROM orders
         WHERE order_id = :order_id AND closed_at IS NOT NULL)
    SELECT at, what, detail FROM found ORDER BY at, what, detail
""")


@dataclass(frozen=True, slots=True)
class Milestone:
    """Something that stands in the tables."""

    at: datetime
    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class Known:
    """An order, and its milestones by time. `correlation_id` is the trail of its messages."""

    order_id: str
    state: str
    correlation_id: str
    accepted_at: datetime
    promised_at: datetime
    milestones: Sequence[Milestone]

    def as_json(self) -> dict[str, Any]:
        """The same, moments as text."""
        return {
            "order_id": self.order_id,
            "state": self.state,
            "correlation_id": self.correlation_id,
            "accepted_at": self.accepted_at.isoformat(),
            "promised_at": self.promised_at.isoformat(),
            "milestones": [
                {"at": one.at.isoformat(), "what": one.what, "detail": one.detail}
                for one in self.milestones
            ],
        }


def known(database: Database, order_id: str) -> Known:
    """The order.

    Raises:
        UserMistake: there is none of this name.
    """
    found = database.statement(_ORDER, order_id=order_id)
    if not found:
        raise UserMistake(f"There is no order {order_id}.")
    milestones = [
        Milestone(row.at, row.what, row.detail)
        for row in database.statement(_MILESTONES, order_id=order_id)
    ]
    (row,) = found
    return Known(
        order_id=row.order_id,
        state=row.state,
        correlation_id=row.correlation_id,
        accepted_at=row.accepted_at,
        promised_at=row.promised_at,
        milestones=milestones,
    )
