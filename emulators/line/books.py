"""What the database says of a run.

The accounts are drawn up by SQL of their own, so that a mistake of the product cannot hide itself.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from shared.contracts.base import Cause
from shared.kit.clock import utc_now
from shared.ops.auditor import Violation, audit
from shared.platform import db
from shared.platform.config import read
from shared.platform.sql import text

CAUSE = Cause("laptop", "laptop")
SHOWN = 10  # dead letters

_STATES = text("SELECT state, count(*) AS orders FROM orders GROUP BY state")
_PARCELS = text("SELECT state, count(*) AS parcels FROM parcels GROUP BY state")
_WAITING = text("""
    SELECT (SELECT count(*) FROM outbox) AS outbox,
           (SELECT count(*) FROM parcels
             WHERE state <> 'cancelled'
               AND NOT EXISTS (SELECT FROM charges WHERE charges.parcel_id = parcels.parcel_id)
           ) AS uncharged
""")
_COST = text("SELECT currency, sum(amount_cents) AS cents FROM charges GROUP BY currency")
_PLACED = text("SELECT order_id, placed_at FROM orders WHERE placed_at IS NOT NULL")
_KNOWN = text("SELECT order_id FROM orders")
_LETTERS = text("""
    SELECT parked_at, source, message_id, code, reason, attempts,
           encode(substring(payload FOR 200), 'escape') AS original
      FROM dead_letters WHERE state = 'open' ORDER BY dead_letter_id DESC LIMIT :limit
""")
_LETTER_IDS = text("SELECT message_id FROM dead_letters WHERE source LIKE '%order_intake%'")
_LETTER_CODES = text("""
    SELECT code, count(*) AS letters FROM dead_letters WHERE state = 'open' GROUP BY code
""")
# Units that were promised or sent, against units that ever came in: per SKU and warehouse.
_PROMISED = text("""
    SELECT warehouse, sku, sum(quantity) AS units
      FROM parcel_items JOIN parcels USING (parcel_id)
     WHERE state <> 'cancelled'
     GROUP BY warehouse, sku
""")
_ON_HAND = text("""
    SELECT warehouse, sku, sum(on_hand) AS on_hand FROM stock_levels GROUP BY warehouse, sku
""")


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter. `original` is the beginning of what was sent, as text."""

    parked_at: datetime
    source: str
    message_id: str
    code: str
    reason: str
    attempts: int
    original: str

    def as_json(self) -> dict[str, str | int]:
        """The same with the moment as text."""
        return {**asdict(self), "parked_at": self.parked_at.isoformat(timespec="seconds")}


class Books:
    """The database of a running stack, read from outside."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.database = db.connect(read(environment), utc_now)

    def close(self) -> None:
        """Close the connections."""
        self.database.close()

    def orders_by_state(self) -> dict[str, int]:
        """How many orders stand where."""
        return {row.state: row.orders for row in self.database.statement(_STATES)}

    def parcels_by_state(self) -> dict[str, int]:
        """How many parcels stand where."""
        return {row.state: row.parcels for row in self.database.statement(_PARCELS)}

    def unsent_and_uncharged(self) -> tuple[int, int]:
        """Rows left in the outbox, and parcels without a charge."""
        (row,) = self.database.statement(_WAITING)
        return row.outbox, row.uncharged

    def costs(self) -> dict[str, int]:
        """The sum of all charges in minor units, by currency."""
        return {row.currency: int(row.cents) for row in self.database.statement(_COST)}

    def placed_at(self) -> dict[str, datetime]:
        """When each placed order was placed."""
        return {row.order_id: row.placed_at for row in self.database.statement(_PLACED)}

    def known_orders(self) -> set[str]:
        """The ids of all accepted orders."""
        return {row.order_id for row in self.database.statement(_KNOWN)}

    def refused_messages(self) -> set[str]:
        """The event ids of all messages about orders that were parked."""
        return {row.message_id for row in self.database.statement(_LETTER_IDS)}

    def letters(self, limit: int) -> list[Letter]:
        """The newest dead letters."""
        return [Letter(*tuple(row)) for row in self.database.statement(_LETTERS, limit=limit)]

    def letters_by_code(self) -> dict[str, int]:
        """How many dead letters have which code."""
        return {row.code: row.letters for row in self.database.statement(_LETTER_CODES)}

    def oversold_units(self, received: Collection[tuple[str, str, int]]) -> int:
        """Units promised or sent beyond what came in; `received` is (warehouse, SKU, units)."""
        left: dict[tuple[str, str], int] = {}
        for warehouse, sku, units in received:
            left[warehouse, sku] = left.get((warehouse, sku), 0) + units
        for row in self.database.statement(_PROMISED):
            key = (row.warehouse, row.sku)
            left[key] = left.get(key, 0) - int(row.units)
        return sum(-units for units in left.values() if units < 0)

    def on_hand(self) -> dict[tuple[str, str], int]:
        """(warehouse, SKU) -> units on hand."""
        rows = self.database.statement(_ON_HAND)
        return {(row.warehouse, row.sku): row.on_hand for row in rows}

    def violations(self) -> tuple[Violation, ...]:
        """What the auditor finds."""
        return self.database.run(audit, CAUSE)

    def figures(self) -> dict[str, Any]:
        """What `status` shows."""
        outbox, uncharged = self.unsent_and_uncharged()
        return {
            "orders": self.orders_by_state(),
            "parcels": self.parcels_by_state(),
            "parcels_not_charged": uncharged,
            "outbox": outbox,
            "cost_cents": self.costs(),
            "dead_letters": self.letters_by_code(),
            "newest_dead_letters": [letter.as_json() for letter in self.letters(SHOWN)],
        }
