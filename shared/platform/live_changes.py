"""The table live_changes: which rooms had something change in them a moment ago.

A room is what somebody may have before them: an order, a queue, a warehouse. What is announced
names its rooms, and who leases it to send it writes them here, once for all of its lanes: surely,
because a lane that nobody leases is leased by the sweep. What is announced to nobody is noted by
whoever does it.

A *position* is a snapshot of Postgres. What is visible now and was not in a snapshot is exactly
what was committed since, in whatever order numbers were handed out, whoever reads it: so a reader
misses nothing and hears nothing twice, without a lock, on any instance.
Source: https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple, Self

from shared.contracts.base import Event, Work
from shared.kit.errors import Malformed
from shared.platform.db import Transaction, Write
from shared.platform.sql import text

KEPT = timedelta(minutes=15)  # whoever was away for longer looks again at everything
_MARGIN = timedelta(minutes=1)  # clocks of two instances may differ
_SNAPSHOT = re.compile(r"(\d{1,19}):(\d{1,19}):((?:\d{1,19}(?:,\d{1,19})*)?)")
_LONGEST = 4_000  # characters of a snapshot: some 200 transactions under way at once

# Which field of a message names which kind of room.
_FIELDS = (
    ("order_id", "order"),
    ("parcel_id", "parcel"),
    ("manifest_id", "manifest"),
    ("warehouse", "warehouse"),
    ("origin", "warehouse"),
    ("inbound_id", "inbound"),
    ("carrier", "carrier"),
    ("from_carrier", "carrier"),
    ("priority", "queue"),
)
# Which fields of what happens in a warehouse have a figure for each SKU.
_OF_SKUS = ("available", "coming")

# For the outbox, which writes it with the lease; `claimed` is what it has leased.
HEARD = """
    INSERT INTO live_changes (at, rooms)
    SELECT CAST(:now AS timestamptz), array_agg(DISTINCT room)
      FROM claimed, unnest(claimed.rooms) AS room
    HAVING count(*) > 0
"""
_NOTE = """
    INSERT INTO live_changes (at, rooms) VALUES (:now, CAST(:rooms AS text[])) RETURNING 1
"""
_FORGET = text("""
    DELETE FROM live_changes
     WHERE ctid IN (SELECT ctid FROM live_changes
                     WHERE at < CAST(:old AS timestamptz)
                     ORDER BY xid
                     LIMIT :limit)
 RETURNING 1
""")


class Position(NamedTuple):
    """How far somebody has heard: a snapshot, and when it was taken."""

    at_s: int  # Unix time
    server_s: int  # Unix time at which the server was started
    snapshot: str

    def __str__(self) -> str:
        return f"{self.at_s}.{self.server_s}.{self.snapshot}"

    @classmethod
    def read(cls, said: str) -> Self:
        """A position that was given out.

        Raises:
            Malformed: it was not.
        """
        moments = re.fullmatch(r"(\d{1,11})\.(\d{1,11})\.(.+)", said)
        snapshot = moments[3] if moments is not None else ""
        found = _SNAPSHOT.fullmatch(snapshot) if len(snapshot) <= _LONGEST else None
        if moments is None or found is None:
            raise Malformed("since: is no position that was given out", field="since")
        first, end = int(found[1]), int(found[2])
        under_way = [int(number) for number in found[3].split(",") if number]
        if not 0 < first <= end < 2**63 or not all(first <= number < end for number in under_way):
            raise Malformed("since: is no position that was given out", field="since")
        if under_way != sorted(under_way):
            raise Malformed("since: is no position that was given out", field="since")
        return cls(int(moments[1]), int(moments[2]), snapshot)

    @property
    def end(self) -> int:
        """The first transaction that had not begun."""
        return int(self.snapshot.split(":")[1])

    def leads_to(self, other: "Position", now: datetime) -> bool:
        """Whether all that was heard between the two is still there.

        What a server had not yet brought to its disk when it fell is gone, and its numbers are
        given anew: a position of before is none of the same line.
        """
        is_kept = now - KEPT + _MARGIN <= datetime.fromtimestamp(self.at_s, now.tzinfo)
        return is_kept and self.server_s == other.server_s and self.end <= other.end


def rooms_of(message: Event | Work) -> Iterable[str]:
    """The rooms that a message names itself; the reader knows more of them."""
    named, of_skus = _named_by(type(message))
    rooms = [f"{kind}:{said}" for field, kind in named if (said := getattr(message, field))]
    for field in of_skus:
        rooms += [f"sku:{sku}" for sku in getattr(message, field)]
    return rooms


@cache
def _named_by(contract: type[Event | Work]) -> tuple[list[tuple[str, str]], list[str]]:
    """The fields of a contract that name rooms, and those that name SKUs of a warehouse."""
    fields = contract.model_fields
    named = [(name, kind) for name, kind in _FIELDS if name in fields or hasattr(contract, name)]
    return named, [field for field in _OF_SKUS if field in fields and "warehouse" in fields]


def note(tx: Transaction, *rooms: str) -> Write:
    """Something has changed in these rooms that is announced to nobody else."""
    return Write(_NOTE, {"now": tx.now, "rooms": list(rooms)}, rows=1)


def forget(tx: Transaction, limit: int) -> int:
    """Delete up to `limit` changes that are old enough. Returns how many."""
    return len(tx.rows(_FORGET, old=tx.now - KEPT, limit=limit))
