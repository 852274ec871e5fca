"""What parcels were expected to cost, were charged and really cost, added up. Writes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import TextClause, text

from shared.platform.db import Transaction


class By(StrEnum):
    """What costs are added up by."""

    ORDER = "order"
    PARCEL = "parcel"
    WAREHOUSE = "warehouse"
    CARRIER = "carrier"
    DAY = "day"
    SKU = "sku"


@dataclass(frozen=True, slots=True)
class Costs:
    """Amounts in cents of one currency.

    Attributes:
        quoted_cents: what was expected when parcels were planned that were not cancelled.
        charged_cents: all that is booked, less what was taken back.
        carrier_cents: of it what is the carrier's; the rest is our handling and packaging.
        actual_cents: what labels really cost, less refunds; None: no label is known.
        difference_cents: actual less the carrier's, of the parcels for which both are known.
        shipping_cents: what customers pay for the shipping of orders that are not cancelled; None
            where costs are not added up by order, or their channels did not say.
    """

    quoted_cents: int
    charged_cents: int
    carrier_cents: int | None
    actual_cents: int | None
    difference_cents: int | None
    shipping_cents: int | None


@dataclass(frozen=True, slots=True)
class CostRow:
    """The costs of one order, parcel, warehouse, carrier and service, day in UTC, or SKU."""

    subject: str
    currency: str
    parcels: int
    costs: Costs


@dataclass(frozen=True, slots=True)
class CostReport:
    """`rows` are those that were asked for, `totals` the sums of all there are, by currency."""

    rows: Sequence[CostRow]
    totals: Mapping[str, Costs]


# One account of each parcel and currency. A label may be sold in another currency than the rate
# card's; then there is nothing to compare.
_COSTS = """
    WITH chosen AS (
        SELECT parcel_id, order_id, warehouse, carrier, service, rate_card_id, state, planned_at,
               quoted_cents
          FROM parcels
         WHERE planned_at >= coalesce(CAST(:since AS timestamptz), '-infinity')
           AND planned_at < coalesce(CAST(:until AS timestamptz), 'infinity')
    ), booked (parcel_id, currency, quoted, charged, carriage, actual) AS (
        SELECT parcel_id, rate_cards.currency, quoted_cents, 0, NULL::bigint, NULL::bigint
          FROM chosen JOIN rate_cards USING (rate_card_id)
         WHERE state <> 'cancelled'
         UNION ALL
        SELECT parcel_id, charges.currency, 0, amount_cents,
               CASE WHEN kind IN ('handling', 'packaging') THEN 0 ELSE amount_cents END, NULL
          FROM chosen JOIN charges USING (parcel_id)
         UNION ALL
        SELECT parcel_id, paid.currency, 0, 0, NULL, amount_cents
          FROM chosen JOIN actual_charges AS paid USING (parcel_id)
    ), costs AS (
        SELECT parcel_id, currency, CAST(sum(quoted) AS bigint) AS quoted,
               CAST(sum(charged) AS bigint) AS charged, CAST(sum(carriage) AS bigint) AS carriage,
               CAST(sum(actual) AS bigint) AS actual
          FROM booked GROUP BY parcel_id, currency
    )
"""
_SHOWN = """
    (SELECT false AS is_total, report.* FROM report ORDER BY {order} LIMIT :limit)
     UNION ALL
    SELECT true, '', currency, 0, sum(quoted_cents), sum(charged_cents), sum(carrier_cents),
           sum(actual_cents), sum(difference_cents), sum(shipping_cents)
      FROM report GROUP BY currency
     ORDER BY is_total, {order}
"""
_DEAREST = _SHOWN.format(order="charged_cents DESC, subject, currency")
_NEWEST = _SHOWN.format(order="subject DESC, currency")


def _report(subject: str, shipping: str = "NULL::bigint", shown: str = _DEAREST) -> TextClause:
    return text(f"""
        {_COSTS}, report AS (
            SELECT {subject} AS subject, currency, count(*) AS parcels,
                   sum(quoted) AS quoted_cents, sum(charged) AS charged_cents,
                   sum(carriage) AS carrier_cents, sum(actual) AS actual_cents,
                   sum(actual - carriage) AS difference_cents, {shipping} AS shipping_cents
              FROM costs JOIN chosen USING (parcel_id)
             GROUP BY subject, currency)
        {shown}
    """)  # noqa: S608


# A parcel's cents are shared out by the weight of the units in it. Each SKU gets its share rounded
# down, and the cents that are left go one each to those who lost most by that, so that the sum is
# the parcel's. Source: Hamilton's method, the largest remainder; ties go by SKU. Cents times
# grams fit into 64 bits: a parcel of a ton may cost ninety billion.
_BY_SKU = text(f"""
    {_COSTS}, items AS (
        SELECT parcel_id, sku, CAST(sum(quantity) * skus.weight_g AS bigint) AS weight_g
          FROM chosen JOIN parcel_items USING (parcel_id) JOIN skus USING (sku)
         GROUP BY parcel_id, sku, skus.weight_g
    ), weighed AS (
        SELECT *, CAST(sum(weight_g) OVER (PARTITION BY parcel_id) AS bigint) AS whole_g
          FROM items
    ), amounts AS (
        SELECT parcel_id, currency, kind, cents
          FROM costs, LATERAL (VALUES ('quoted', quoted), ('charged', charged),
                                      ('carriage', carriage), ('actual', actual))
               AS amount (kind, cents)
         WHERE cents IS NOT NULL
    ), exact AS (
        SELECT parcel_id, sku, currency, kind, cents, whole_g, cents * weight_g AS product,
               mod(mod(cents * weight_g, whole_g) + whole_g, whole_g) AS lost
          FROM weighed JOIN amounts USING (parcel_id)
    ), rounded AS (
        SELECT parcel_id, sku, currency, kind, (product - lost) / whole_g AS certain,
               row_number() OVER (of_amount ORDER BY lost DESC, sku) AS place,
               cents - sum((product - lost) / whole_g) OVER of_amount AS spare
          FROM exact
        WINDOW of_amount AS (PARTITION BY parcel_id, currency, kind)
    ), shared AS (
        SELECT parcel_id, sku, currency,
               sum(share) FILTER (WHERE kind = 'quoted') AS quoted,
               sum(share) FILTER (WHERE kind = 'charged') AS charged,
               sum(share) FILTER (WHERE kind = 'carriage') AS carriage,
               sum(share) FILTER (WHERE kind = 'actual') AS actual
          FROM rounded, LATERAL (VALUES (certain + CASE WHEN place <= spare THEN 1 ELSE 0 END))
               AS given (share)
         GROUP BY parcel_id, sku, currency
    ), report AS (
        SELECT sku AS subject, currency, count(*) AS parcels, sum(quoted) AS quoted_cents,
               sum(charged) AS charged_cents, sum(carriage) AS carrier_cents,
               sum(actual) AS actual_cents, sum(actual - carriage) AS difference_cents,
               NULL::bigint AS shipping_cents
          FROM shared GROUP BY sku, currency)
    {_DEAREST}
""")  # noqa: S608
_REPORTS: Mapping[By, TextClause] = MappingProxyType(
    {
        By.ORDER: _report(
            "order_id",
            """(SELECT amount_cents FROM order_charges AS paid JOIN orders USING (order_id)
                 WHERE paid.order_id = chosen.order_id AND paid.currency = costs.currency
                   AND orders.state <> 'cancelled')""",
        ),
        By.PARCEL: _report("parcel_id"),
        By.WAREHOUSE: _report("warehouse"),
        By.CARRIER: _report("concat_ws(' ', carrier, service)"),
        By.DAY: _report(
            "to_char(planned_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
            shown=_NEWEST,
        ),
        By.SKU: _BY_SKU,
    }
)


def cost_report(
    tx: Transaction,
    by: By,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int,
) -> CostReport:
    """Costs of the parcels that were planned from `since` on and before `until`.

    The dearest rows come first, of days the newest; at most `limit`, while the totals are of all.
    """
    rows = tx.rows(_REPORTS[by], since=since, until=until, limit=limit)
    return CostReport(
        [
            CostRow(row.subject, row.currency, row.parcels, _costs(row))
            for row in rows
            if not row.is_total
        ],
        {row.currency: _costs(row) for row in rows if row.is_total},
    )


def _costs(row: Any) -> Costs:
    return Costs(
        # Sums of the database are decimals, of whole cents.
        int(row.quoted_cents),
        int(row.charged_cents),
        _whole(row.carrier_cents),
        _whole(row.actual_cents),
        _whole(row.difference_cents),
        _whole(row.shipping_cents),
    )


def _whole(cents: Decimal | None) -> int | None:
    return None if cents is None else int(cents)
