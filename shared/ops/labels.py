"""What is known of a parcel's labels: the one it has, and those it left behind. Writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from shared.platform.db import Transaction
from shared.platform.sql import text

# A label that was left behind has no price here: nobody heard what it cost.
_LABELS = text("""
    SELECT label_id, label.carrier, label.state, label.tracking_code, label.requested_at, bought_at,
           voided_at, vendor_shipment_id, label.document_key, manifest_id,
           manifests.ship_on AS manifest_on,
           (SELECT sum(amount_cents) FROM actual_charges AS paid
             WHERE paid.parcel_id = label.parcel_id AND entry = 'actual')::bigint AS paid_cents,
           (SELECT -sum(amount_cents) FROM actual_charges AS back
             WHERE back.parcel_id = label.parcel_id AND entry = 'refund')::bigint
               AS refunded_cents,
           (SELECT max(booked_at) FROM actual_charges AS back
             WHERE back.parcel_id = label.parcel_id AND entry = 'refund') AS refunded_at,
           currency, false AS is_left_behind
      FROM labels AS label LEFT JOIN manifests USING (manifest_id)
     WHERE parcel_id = :parcel_id
     UNION ALL
    SELECT label_id, carrier, state, NULL, abandoned_at, NULL, voided_at, NULL, NULL, NULL, NULL,
           NULL, NULL, NULL, NULL, true
      FROM abandoned_labels WHERE parcel_id = :parcel_id
     ORDER BY is_left_behind, requested_at, label_id
""")


@dataclass(frozen=True, slots=True)
class LabelSeen:
    """A label with what it cost and what came back.

    Attributes:
        state: requested, bought, void_requested or voided.
        requested_at: when it was asked for, or left behind.
        document_key: where its document lies; None: not kept yet.
        manifest_id, manifest_on: the manifest that it is on, and its day; None: on none.
        paid_cents, refunded_cents, refunded_at: what the carrier took and gave back, and when that
            was booked; None where it did not.
        is_left_behind: it was asked for at another carrier, which may have sold it; nobody heard.
    """

    label_id: str
    carrier: str
    state: str
    tracking_code: str | None
    requested_at: datetime
    bought_at: datetime | None
    voided_at: datetime | None
    vendor_shipment_id: str | None
    document_key: str | None
    manifest_id: str | None
    manifest_on: date | None
    paid_cents: int | None
    refunded_cents: int | None
    refunded_at: datetime | None
    currency: str | None
    is_left_behind: bool


def labels_of(tx: Transaction, parcel_id: str) -> Sequence[LabelSeen]:
    """The parcel's label, then those it left behind; none where nobody has asked for one."""
    rows = tx.rows(_LABELS, parcel_id=parcel_id)
    return [LabelSeen(**row._mapping) for row in rows]  # noqa: SLF001
