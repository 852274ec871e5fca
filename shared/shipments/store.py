"""The tables parcels and parcel_items. Nothing else writes to them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from shared.platform.db import Transaction, Write
from shared.platform.sql import text
from shared.shipments import parcel_reroutes
from shared.shipments.types import (
    Coded,
    Content,
    Parcel,
    ParcelState,
    PlannedParcel,
    Reroute,
    Route,
)

MOST_WITH_A_CODE = 20  # carriers times years

_PLAN = """
    INSERT INTO parcels (parcel_id, order_id, warehouse, carrier, rate_card_id, state, weight_g,
                         distance_m, quoted_cents, planned_at, service, zone, volume_mm3,
                         longest_mm, ship_on, arrives_on)
    SELECT parcel_id, order_id, warehouse, carrier, rate_card_id, 'planned', weight_g, distance_m,
           quoted_cents, CAST(:now AS timestamptz), service, zone, volume_mm3, longest_mm,
           ship_on, arrives_on
      FROM unnest(CAST(:parcel_ids AS text[]), CAST(:order_ids AS text[]),
                  CAST(:warehouses AS text[]), CAST(:carriers AS text[]),
                  CAST(:rate_card_ids AS text[]), CAST(:weights AS integer[]),
                  CAST(:distances AS integer[]), CAST(:quotes AS bigint[]),
                  CAST(:services AS text[]), CAST(:zones AS text[]), CAST(:volumes AS bigint[]),
                  CAST(:longest AS integer[]), CAST(:ship_days AS date[]),
                  CAST(:arrival_days AS date[]))
        AS parcel (parcel_id, order_id, warehouse, carrier, rate_card_id, weight_g, distance_m,
                   quoted_cents, service, zone, volume_mm3, longest_mm, ship_on, arrives_on)
 RETURNING 1
"""
_PACK = """
    INSERT INTO parcel_items (parcel_id, line_no, order_id, sku, quantity, partition)
    SELECT parcel_id, line_no, order_id, sku, quantity, partition
      FROM unnest(CAST(:parcel_ids AS text[]), CAST(:order_ids AS text[]),
                  CAST(:line_nos AS integer[]),
                  CAST(:skus AS text[]), CAST(:quantities AS integer[]),
                  CAST(:partitions AS smallint[]))
        AS item (parcel_id, order_id, line_no, sku, quantity, partition)
 RETURNING 1
"""
_COLUMNS = """
    parcel_id, order_id, warehouse, carrier, service, state, weight_g, volume_mm3, longest_mm,
    distance_m, planned_at, ship_on, picked_at, tracking_code, tracking_status, tracking_status_at,
    shipped_at, delivered_at, returned_at, last_update_at
"""
_FIND = text(f"SELECT {_COLUMNS} FROM parcels WHERE parcel_id = :parcel_id")  # noqa: S608
_OF_ORDER = text(
    f"SELECT {_COLUMNS} FROM parcels WHERE order_id = :order_id"  # noqa: S608
    " ORDER BY parcel_id FOR NO KEY UPDATE"
)
_WITH_CODE = text("""
    SELECT parcel_id, order_id, carrier FROM parcels WHERE tracking_code = :tracking_code
     ORDER BY planned_at DESC, parcel_id DESC
     LIMIT :limit
""")
_CODES_UNDER_WAY = text("""
    SELECT parcel_id, tracking_code FROM parcels
     WHERE parcel_id = ANY(CAST(:parcel_ids AS text[])) AND carrier = :carrier
       AND state IN ('labelled', 'shipped')
     ORDER BY parcel_id
""")
_CONTENTS = text("""
    SELECT parcel_id, line_no, sku, quantity, partition
      FROM parcel_items
     WHERE parcel_id = ANY(CAST(:parcel_ids AS text[]))
     ORDER BY parcel_id, line_no, sku, partition
""")
_CANCEL = """
    UPDATE parcels SET state = 'cancelled', cancelled_at = :now
     WHERE parcel_id = ANY(CAST(:parcel_ids AS text[]))
       AND state IN ('planned', 'labelling', 'labelled')
 RETURNING 1
"""
_PICK = """
    UPDATE parcels SET picked_at = :picked_at
     WHERE parcel_id = :parcel_id AND picked_at IS NULL
 RETURNING 1
"""
_REQUEST_LABEL = """
    UPDATE parcels SET state = 'labelling'
     WHERE parcel_id = :parcel_id AND state IN ('planned', 'labelling')
       AND (carrier, service) = (:carrier, :service)
 RETURNING 1
"""
_REFUSE_LABEL = """
    UPDATE parcels SET state = 'planned'
     WHERE parcel_id = :parcel_id AND state = 'labelling'
       AND (carrier, service) = (:carrier, :service)
 RETURNING 1
"""
_LOCK_ROUTE = text("""
    SELECT parcel_id, order_id, warehouse, carrier, service, zone, rate_card_id, weight_g,
           distance_m, volume_mm3, longest_mm, ship_on, quoted_cents
      FROM parcels WHERE parcel_id = :parcel_id AND state IN ('planned', 'labelling')
       FOR NO KEY UPDATE
""")
_AS_PLANNED = text("""
    SELECT parcel_id, order_id, warehouse, carrier, rate_card_id, weight_g, distance_m,
           quoted_cents, service, zone, volume_mm3, longest_mm, ship_on, arrives_on
      FROM parcels WHERE parcel_id = :parcel_id
""")
_REROUTE = """
    UPDATE parcels
       SET state = 'planned', carrier = :carrier, service = :service, zone = :zone,
           rate_card_id = :rate_card_id, arrives_on = :arrives_on
     WHERE parcel_id = :parcel_id AND state IN ('planned', 'labelling')
 RETURNING 1
"""
_LABEL = """
    UPDATE parcels SET state = 'labelled', tracking_code = :tracking_code
     WHERE parcel_id = :parcel_id AND state = 'labelling'
 RETURNING 1
"""
_TRACK = """
    UPDATE parcels
       SET state = :state, tracking_status = :status, tracking_status_at = :status_at,
           shipped_at = :shipped_at, delivered_at = :delivered_at, returned_at = :returned_at,
           last_update_at = :last_update_at
     WHERE parcel_id = :parcel_id AND state = :old_state
 RETURNING 1
"""


def plan(tx: Transaction, parcels: Sequence[PlannedParcel]) -> tuple[Write, Write]:
    """New parcels and what is in them."""
    contents = [(parcel, item) for parcel in parcels for item in parcel.contents]
    return (
        Write(
            _PLAN,
            {
                "parcel_ids": [parcel.parcel_id for parcel in parcels],
                "order_ids": [parcel.order_id for parcel in parcels],
                "warehouses": [parcel.warehouse for parcel in parcels],
                "carriers": [parcel.carrier for parcel in parcels],
                "rate_card_ids": [parcel.rate_card_id for parcel in parcels],
                "weights": [parcel.weight_g for parcel in parcels],
                "distances": [parcel.distance_m for parcel in parcels],
                "quotes": [parcel.quoted_cents for parcel in parcels],
                "services": [parcel.service for parcel in parcels],
                "zones": [parcel.zone for parcel in parcels],
                "volumes": [parcel.volume_mm3 for parcel in parcels],
                "longest": [parcel.longest_mm for parcel in parcels],
                "ship_days": [parcel.ship_on for parcel in parcels],
                "arrival_days": [parcel.arrives_on for parcel in parcels],
                "now": tx.now,
            },
            rows=len(parcels),
        ),
        Write(
            _PACK,
            {
                "parcel_ids": [parcel.parcel_id for parcel, _ in contents],
                "order_ids": [parcel.order_id for parcel, _ in contents],
                "line_nos": [item.line_no for _, item in contents],
                "skus": [item.sku for _, item in contents],
                "quantities": [item.quantity for _, item in contents],
                "partitions": [item.partition for _, item in contents],
            },
            rows=len(contents),
        ),
    )


def find(tx: Transaction, parcel_id: str) -> Parcel | None:
    """The parcel as it is now, without a lock: to look, not to decide."""
    row = tx.row(_FIND, parcel_id=parcel_id)
    return None if row is None else _parcel(row)


def lock_of_order(tx: Transaction, order_id: str) -> tuple[Parcel, ...]:
    """All parcels of an order, locked in the order of their ids; the order is locked before."""
    return tuple(_parcel(row) for row in tx.rows(_OF_ORDER, order_id=order_id))


def with_code(tx: Transaction, tracking_code: str) -> tuple[Coded, ...]:
    """The parcels that have had this tracking code, the newest first: carriers use codes again."""
    rows = tx.rows(_WITH_CODE, tracking_code=tracking_code, limit=MOST_WITH_A_CODE)
    return tuple(Coded(row.parcel_id, row.order_id, row.carrier) for row in rows)


def codes_under_way(tx: Transaction, carrier: str, parcel_ids: Collection[str]) -> dict[str, str]:
    """The tracking codes of those of the parcels that the carrier has under way, by parcel id."""
    rows = tx.rows(_CODES_UNDER_WAY, parcel_ids=sorted(parcel_ids), carrier=carrier)
    return {row.parcel_id: row.tracking_code for row in rows}


def contents(tx: Transaction, parcel_ids: Collection[str]) -> dict[str, tuple[Content, ...]]:
    """What is in each of the parcels, by line."""
    found: dict[str, tuple[Content, ...]] = dict.fromkeys(parcel_ids, ())
    for row in tx.rows(_CONTENTS, parcel_ids=sorted(parcel_ids)):
        found[row.parcel_id] += (Content(row.line_no, row.sku, row.quantity, row.partition),)
    return found


def cancel(tx: Transaction, parcel_ids: Collection[str]) -> Write:
    """Parcels that have not left will not be sent."""
    return Write(_CANCEL, {"parcel_ids": sorted(parcel_ids), "now": tx.now}, rows=len(parcel_ids))


def pick(parcel_id: str, picked_at: datetime) -> Write:
    """From here on the parcel cannot be taken back."""
    return Write(_PICK, {"parcel_id": parcel_id, "picked_at": picked_at}, rows=1)


def request_label(parcel_id: str, carrier: str, service: str) -> Write:
    """A label is being bought for the parcel; refused where it goes by another service now."""
    by = {"parcel_id": parcel_id, "carrier": carrier, "service": service}
    return Write(_REQUEST_LABEL, by, rows=1)


def refuse_label(parcel_id: str, carrier: str, service: str) -> Write:
    """Nothing was bought: the parcel is as it was before, unless it goes by another service now."""
    by = {"parcel_id": parcel_id, "carrier": carrier, "service": service}
    return Write(_REFUSE_LABEL, by)


def lock_route(tx: Transaction, parcel_id: str) -> Route | None:
    """By whom the parcel is to go, locked; None where it is cancelled or has its label."""
    row = tx.row(_LOCK_ROUTE, parcel_id=parcel_id)
    if row is None:
        return None
    told = dict(row._mapping)  # noqa: SLF001
    cost_cents = told.pop("quoted_cents") + parcel_reroutes.more_cents(tx, parcel_id)
    return Route(**told, cost_cents=cost_cents)


def as_planned(tx: Transaction, parcel_id: str) -> PlannedParcel:
    """What was decided for a parcel that there is, as it goes after its reroutes."""
    row = tx.row(_AS_PLANNED, parcel_id=parcel_id)
    assert row is not None, "parcels are never deleted"
    told = dict(row._mapping)  # noqa: SLF001
    told["quoted_cents"] += parcel_reroutes.more_cents(tx, parcel_id)
    return PlannedParcel(**told, contents=contents(tx, [parcel_id])[parcel_id])


def reroute(to: Reroute) -> Write:
    """The parcel goes by another carrier, which has sold nothing for it yet."""
    return Write(
        _REROUTE,
        {
            "parcel_id": to.route.parcel_id,
            "carrier": to.carrier,
            "service": to.service,
            "zone": to.zone,
            "rate_card_id": to.rate_card_id,
            "arrives_on": to.arrives_on,
        },
        rows=1,
    )


def label(parcel_id: str, tracking_code: str) -> Write:
    """The parcel has its label."""
    return Write(_LABEL, {"parcel_id": parcel_id, "tracking_code": tracking_code}, rows=1)


def track(
    parcel: Parcel,
    *,
    state: ParcelState,
    status: str,
    status_at: datetime | None,
    shipped_at: datetime | None,
    delivered_at: datetime | None,
    returned_at: datetime | None,
    last_update_at: datetime | None,
) -> Write:
    """What the parcel's tracking has come to."""
    return Write(
        _TRACK,
        {
            "parcel_id": parcel.parcel_id,
            "old_state": parcel.state,
            "state": state,
            "status": status,
            "status_at": status_at,
            "shipped_at": shipped_at,
            "delivered_at": delivered_at,
            "returned_at": returned_at,
            "last_update_at": last_update_at,
        },
        rows=1,
    )


def _parcel(row: Any) -> Parcel:
    return Parcel(
        parcel_id=row.parcel_id,
        order_id=row.order_id,
        warehouse=row.warehouse,
        carrier=row.carrier,
        service=row.service,
        state=ParcelState(row.state),
        weight_g=row.weight_g,
        volume_mm3=row.volume_mm3,
        longest_mm=row.longest_mm,
        distance_m=row.distance_m,
        planned_at=row.planned_at,
        ship_on=row.ship_on,
        picked_at=row.picked_at,
        tracking_code=row.tracking_code,
        tracking_status=row.tracking_status,
        tracking_status_at=row.tracking_status_at,
        shipped_at=row.shipped_at,
        delivered_at=row.delivered_at,
        returned_at=row.returned_at,
        last_update_at=row.last_update_at,
    )
