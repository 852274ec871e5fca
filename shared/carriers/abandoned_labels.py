"""The table abandoned_labels: what carriers may have sold for parcels that go by another one.

Nothing else writes to it. No answer came, so whether anything was sold is not known.
"""

from shared.carriers.store import LEASE
from shared.carriers.types import Intent, ToVoid, VoidUnderWay
from shared.platform.db import Transaction, Write
from shared.platform.sql import text

_ABANDON = """
    INSERT INTO abandoned_labels (label_id, parcel_id, carrier, vendor, state, abandoned_at,
                                  leased_until)
    VALUES (:label_id, :parcel_id, :carrier, :vendor, 'void_requested', :now, :until)
 RETURNING 1
"""
_SOLD_AFTER_ALL = """
    UPDATE abandoned_labels SET state = 'void_requested', voided_at = NULL
     WHERE label_id = :label_id
 RETURNING 1
"""
_LOCK_TO_VOID = text("""
    SELECT vendor, leased_until FROM abandoned_labels
     WHERE label_id = :label_id AND state = 'void_requested'
       FOR UPDATE
""")
_VENDOR = text("SELECT vendor FROM abandoned_labels WHERE label_id = :label_id")
_LEASE = """
    UPDATE abandoned_labels SET leased_until = :until WHERE label_id = :label_id
 RETURNING 1
"""
_GIVE_BACK = """
    UPDATE abandoned_labels SET leased_until = NULL
     WHERE label_id = :label_id AND state = 'void_requested'
 RETURNING 1
"""
_VOIDED = """
    UPDATE abandoned_labels SET state = 'voided', voided_at = :now, leased_until = NULL
     WHERE label_id = :label_id AND state = 'void_requested'
 RETURNING 1
"""


def abandon(tx: Transaction, parcel_id: str, intent: Intent) -> Write:
    """Whatever was sold under the intent is to be given back.

    It is leased from the start: a call that seemed lost may yet arrive at the carrier, and who
    asked for the label back before would not find it.
    """
    return Write(
        _ABANDON,
        {
            "label_id": intent.label_id,
            "parcel_id": parcel_id,
            "carrier": intent.carrier,
            "vendor": intent.vendor,
            "now": tx.now,
            "until": tx.now + LEASE,
        },
        rows=1,
    )


def sold_after_all(label_id: str) -> Write:
    """Its answer came late: it is to be given back, even if there seemed to be nothing."""
    return Write(_SOLD_AFTER_ALL, {"label_id": label_id}, rows=1)


def vendor_of(tx: Transaction, label_id: str) -> str | None:
    """Who may have sold the label; None: it was never left behind."""
    row = tx.row(_VENDOR, label_id=label_id)
    return None if row is None else str(row.vendor)


def lease_void(tx: Transaction, label_id: str) -> ToVoid | None:
    """The label, leased; None when there is nothing to void any more.

    Raises:
        VoidUnderWay: somebody else holds the lease, or its purchase may still get through.
    """
    row = tx.row(_LOCK_TO_VOID, label_id=label_id)
    if row is None:
        return None
    if row.leased_until is not None and row.leased_until > tx.now:
        raise VoidUnderWay("the label is being voided", label_id=label_id)
    tx.write(Write(_LEASE, {"label_id": label_id, "until": tx.now + LEASE}, rows=1))
    return ToVoid(label_id, row.vendor)


def give_back(label_id: str) -> Write:
    """Give back the lease after a call that failed, so that the next attempt need not wait."""
    return Write(_GIVE_BACK, {"label_id": label_id})


def voided(tx: Transaction, label_id: str) -> Write:
    """The carrier has nothing of it any more."""
    return Write(_VOIDED, {"label_id": label_id, "now": tx.now})
