"""What is to go on manifests, and those that there are. Writes nothing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from shared.kit.errors import Malformed
from shared.platform.db import Transaction
from shared.platform.narrowed import narrowed
from shared.platform.sql import text

# A vendor that makes none of a carrier is not asked, by nobody. Whose last manifest was refused is
# left to a person: asking again gives the same answer.
_LABELS_DUE = text("""
    SELECT label.carrier, label.vendor, parcel.warehouse, parcel.ship_on, label.label_id
      FROM unnest(CAST(:warehouses AS text[]), CAST(:first_days AS date[]),
                  CAST(:last_days AS date[])) AS due (warehouse, first_day, last_day)
      JOIN parcels AS parcel ON parcel.warehouse = due.warehouse
           AND parcel.ship_on BETWEEN due.first_day AND due.last_day
           AND parcel.state <> 'cancelled'
      JOIN labels AS label USING (parcel_id)
     WHERE label.state = 'bought' AND label.manifest_id IS NULL
       AND label.carrier = coalesce(CAST(:carrier AS text), label.carrier)
       AND NOT EXISTS (
            SELECT FROM carrier_accounts AS account
             WHERE account.carrier = label.carrier
               AND label.vendor = ANY(account.without_manifests))
       AND (CAST(:is_by_hand AS boolean) OR NOT EXISTS (
            SELECT FROM manifests AS refused
             WHERE refused.carrier = label.carrier AND refused.warehouse = parcel.warehouse
               AND refused.ship_on = parcel.ship_on AND refused.state = 'refused'
               AND NOT EXISTS (
                   SELECT FROM manifests AS later
                    WHERE later.carrier = refused.carrier AND later.warehouse = refused.warehouse
                      AND later.ship_on = refused.ship_on AND later.number > refused.number)))
     ORDER BY label.carrier, parcel.warehouse, parcel.ship_on, label.vendor, label.label_id
     LIMIT :limit
""")
_MANIFESTS = """
    SELECT manifest_id, carrier, warehouse, ship_on, number, state, ended_at, refused_for,
           vendor_manifest_id, document_key,
           (SELECT count(*) FROM labels WHERE labels.manifest_id = manifests.manifest_id)::integer
               AS labels
      FROM manifests
     WHERE {conditions}
     ORDER BY ship_on DESC, warehouse, carrier, number DESC
     LIMIT :limit
"""
_CONDITIONS = {
    "carrier": "carrier = :carrier",
    "warehouse": "warehouse = :warehouse",
    "ship_on": "ship_on = CAST(:ship_on AS date)",
    "theirs": "warehouse = ANY(CAST(:theirs AS text[]))",
}
_LAST = text("""
    SELECT ship_on AS last_day, warehouse AS last_warehouse, carrier AS last_carrier,
           number AS last_number
      FROM manifests WHERE manifest_id = :manifest_id
""")
# Days go back and the rest of the order forward, so that no comparison of rows says it all.
_BEHIND = """
    ship_on <= CAST(:last_day AS date)
       AND (ship_on < CAST(:last_day AS date)
            OR (warehouse, carrier, -number)
               > (CAST(:last_warehouse AS text), CAST(:last_carrier AS text),
                  -CAST(:last_number AS integer)))
"""


@dataclass(frozen=True, slots=True)
class Due:
    """Labels of one carrier, warehouse and day that one vendor sold and that are on no manifest."""

    carrier: str
    warehouse: str
    ship_on: date
    label_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ManifestListed:
    """A manifest, and how many labels are on it.

    Attributes:
        number: of its carrier, warehouse and day, from 1.
        ended_at: when it was closed or refused; None while it is asked for.
        refused_for: what the carrier said; None where it did not refuse.
        document_key: where its document lies; None until it is closed.
    """

    manifest_id: str
    carrier: str
    warehouse: str
    ship_on: date
    number: int
    state: str
    ended_at: datetime | None
    refused_for: str | None
    vendor_manifest_id: str | None
    document_key: str | None
    labels: int


def labels_due(
    tx: Transaction,
    days: Mapping[str, tuple[date, date]],
    *,
    limit: int,
    carrier: str | None = None,
    is_by_hand: bool = False,
) -> Sequence[Due]:
    """Labels for which there is no manifest yet but may be one, all that can be on one together.

    Args:
        tx: to look with.
        days: warehouse -> the first and the last day of leaving that matter.
        limit: of labels; of the last group some may be left.
        carrier: only this one; None: all.
        is_by_hand: also where the last manifest was refused.
    """
    found: dict[tuple[str, str, date, str], list[str]] = {}
    for row in tx.rows(
        _LABELS_DUE,
        warehouses=list(days),
        first_days=[first for first, _ in days.values()],
        last_days=[last for _, last in days.values()],
        carrier=carrier,
        is_by_hand=is_by_hand,
        limit=limit,
    ):
        of = (row.carrier, row.warehouse, row.ship_on, row.vendor)
        found.setdefault(of, []).append(row.label_id)
    return [
        Due(carrier, warehouse, ship_on, tuple(label_ids))
        for (carrier, warehouse, ship_on, _), label_ids in found.items()
    ]


def manifests(
    tx: Transaction,
    *,
    limit: int,
    carrier: str | None = None,
    warehouse: str | None = None,
    ship_on: date | None = None,
    theirs: Collection[str] | None = None,
    after: str | None = None,
) -> Sequence[ManifestListed]:
    """The newest days' manifests first; None: of any.

    `theirs` are the warehouses that count, and only what stands behind the manifest `after` does.

    Raises:
        Malformed: there is no manifest `after`; `field` is the cursor.
    """
    asked: dict[str, object] = {
        "carrier": carrier,
        "warehouse": warehouse,
        "ship_on": ship_on,
        "theirs": None if theirs is None else sorted(theirs),
    }
    given = {name: value for name, value in asked.items() if value is not None}
    conditions = [_CONDITIONS[name] for name in given]
    if after is not None:
        last = tx.row(_LAST, manifest_id=after)
        if last is None:
            raise Malformed("cursor: is none that was given out", field="cursor")
        conditions.append(_BEHIND)
        given |= last._mapping  # noqa: SLF001
    rows = tx.rows(narrowed(_MANIFESTS, conditions), limit=limit, **given)
    return [ManifestListed(**row._mapping) for row in rows]  # noqa: SLF001
