"""What parcels were expected to cost, were charged and really cost, added up. Writes nothing.

Software is beside it: what the functions' steps cost at list prices is metered by day
(shared/platform/software_costs.py), and each day's is shared out among the parcels planned on it.
Where whole days are added up, most of them have been before (shared/reports).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from shared.ops.reported_days import AS_JSON, AUDITED, DIFFERING, ONE, STALE
from shared.platform.db import Transaction
from shared.platform.sql import Statement, text


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
    """Amounts in cents of one currency, and software in billionths of a US dollar.

    Attributes:
        quoted_cents: what was expected when parcels were planned that were not cancelled.
        charged_cents: all that is booked, less what was taken back; the sum of the next three.
        freight_cents: the carrier's tariff, to the least that it takes.
        surcharges_cents: fuel, remote areas, homes, oversize, and what a fallback is dearer.
        handling_cents: our own handling and packaging.
        carrier_cents: freight and surcharges; None: nothing is booked.
        actual_cents: what labels really cost, less refunds; None: no label is known.
        difference_cents: actual less the carrier's, of the parcels for which both are known.
        shipping_cents: what customers pay for the shipping of orders that are not cancelled: once,
            with the order's first parcel that is not. None where costs are not added up by order,
            their channels did not say, or the first parcel is not of the report.
        software_nano_usd: what steps of functions cost at most; None: nothing was metered then.
    """

    quoted_cents: int
    charged_cents: int
    freight_cents: int
    surcharges_cents: int
    handling_cents: int
    carrier_cents: int | None
    actual_cents: int | None
    difference_cents: int | None
    shipping_cents: int | None
    software_nano_usd: int | None


@dataclass(frozen=True, slots=True)
class CostRow:
    """The costs of one order, parcel, warehouse, carrier and service, day in UTC, or SKU."""

    subject: str
    currency: str
    parcels: int
    costs: Costs


@dataclass(frozen=True, slots=True)
class Software:
    """What steps of functions cost at list prices, on whole days in UTC that the report is of.

    Attributes:
        nano_usd: of all steps, also of those that serve no order.
        orders: that were accepted on these days.
    """

    nano_usd: int
    orders: int

    @property
    def nano_usd_per_order(self) -> int | None:
        """At most, rounded up; None where no order was accepted."""
        return -(-self.nano_usd // self.orders) if self.orders else None


@dataclass(frozen=True, slots=True)
class CostReport:
    """`rows` are those that were asked for, `totals` the sums of all there are, by currency."""

    rows: Sequence[CostRow]
    totals: Mapping[str, Costs]


# The moments that are reported on: those that were asked for, or days that are counted anew.
_MOMENTS = """
    WITH spans AS (
        SELECT coalesce(CAST(:since AS timestamptz), '-infinity') AS begins,
               coalesce(CAST(:until AS timestamptz), 'infinity') AS ends)
"""
_DAYS = """, spans AS (
        SELECT CAST(day AS timestamp) AT TIME ZONE 'UTC' AS begins,
               CAST(day + 1 AS timestamp) AT TIME ZONE 'UTC' AS ends
          FROM anew)
"""
# One account of each parcel and currency. A label may be sold in another currency than the rate
# card's; then there is nothing to compare. A day's software is shared out evenly, and the units
# that are left go one each to the first parcels, so that the sum is the day's.
_COSTS = """, chosen AS (
        SELECT parcel_id, order_id, warehouse, carrier, service, rate_card_id, state, planned_at,
               quoted_cents
          FROM spans CROSS JOIN LATERAL (
               SELECT * FROM parcels WHERE planned_at >= begins AND planned_at < ends OFFSET 0)
               AS planned
         WHERE CAST(:warehouses AS text[]) IS NULL
            OR warehouse = ANY(CAST(:warehouses AS text[]))
    ), metered AS (
        SELECT day, CAST(sum(nano_usd) AS bigint) AS nano_usd FROM software_costs GROUP BY day
    ), of_days AS (
        SELECT parcel_id, CAST(planned_at AT TIME ZONE 'UTC' AS date) AS day
          FROM spans CROSS JOIN LATERAL (
               SELECT parcel_id, planned_at FROM parcels
                WHERE planned_at >= date_trunc('day', begins, 'UTC')
                  AND planned_at < date_trunc('day', ends - interval '1 microsecond', 'UTC')
                                   + interval '1 day' OFFSET 0) AS planned
    ), software (parcel_id, nano_usd) AS (
        SELECT parcel_id, nano_usd / number + CASE WHEN place <= nano_usd % number
                                                   THEN 1 ELSE 0 END
          FROM (SELECT parcel_id, day, count(*) OVER (PARTITION BY day) AS number,
                       row_number() OVER (PARTITION BY day ORDER BY parcel_id) AS place
                  FROM of_days) AS placed
          JOIN metered USING (day)
    ), booked (parcel_id, currency, quoted, freight, surcharges, handling, actual, software) AS (
        SELECT parcel_id, rate_cards.currency,
               CASE WHEN state = 'cancelled' THEN 0 ELSE quoted_cents END,
               NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint, software.nano_usd
          FROM chosen JOIN rate_cards USING (rate_card_id) LEFT JOIN software USING (parcel_id)
         WHERE state <> 'cancelled' OR software.nano_usd IS NOT NULL
         UNION ALL
        -- However many parcels are chosen, each of theirs is looked up: OFFSET keeps the planner
        -- from reading all charges there ever were.
        SELECT parcel_id, charge.*, NULL, NULL
          FROM chosen CROSS JOIN LATERAL (
               SELECT currency, 0,
                      CASE WHEN kind IN ('freight', 'minimum_top_up') THEN amount_cents ELSE 0 END,
                      CASE WHEN kind IN ('freight', 'minimum_top_up', 'handling', 'packaging')
                           THEN 0 ELSE amount_cents END,
                      CASE WHEN kind IN ('handling', 'packaging') THEN amount_cents ELSE 0 END
                 FROM charges WHERE charges.parcel_id = chosen.parcel_id OFFSET 0) AS charge
         UNION ALL
        SELECT parcel_id, currency, 0, NULL, NULL, NULL, amount_cents, NULL
          FROM chosen CROSS JOIN LATERAL (
               SELECT currency, amount_cents FROM actual_charges AS paid
                WHERE paid.parcel_id = chosen.parcel_id OFFSET 0) AS paid
    ), costs AS (
        SELECT parcel_id, currency, CAST(sum(quoted) AS bigint) AS quoted,
               CAST(sum(freight) AS bigint) AS freight,
               CAST(sum(surcharges) AS bigint) AS surcharges,
               CAST(sum(handling) AS bigint) AS handling, CAST(sum(actual) AS bigint) AS actual,
               CAST(sum(software) AS bigint) AS software
          FROM booked GROUP BY parcel_id, currency
    )
"""
_SUMS = """
    sum(quoted) AS quoted_cents, coalesce(sum(freight + surcharges + handling), 0) AS charged_cents,
    coalesce(sum(freight), 0) AS freight_cents, coalesce(sum(surcharges), 0) AS surcharges_cents,
    coalesce(sum(handling), 0) AS handling_cents, sum(freight + surcharges) AS carrier_cents,
    sum(actual) AS actual_cents, sum(actual - freight - surcharges) AS difference_cents,
    sum(software) AS software_nano_usd
"""
_SHOWN = """
    (SELECT false AS is_total, report.* FROM report ORDER BY {order} LIMIT :limit)
     UNION ALL
    SELECT true, '', currency, 0, sum(quoted_cents), sum(charged_cents), sum(freight_cents),
           sum(surcharges_cents), sum(handling_cents), sum(carrier_cents), sum(actual_cents),
           sum(difference_cents), sum(software_nano_usd), sum(shipping_cents)
      FROM report GROUP BY currency
     ORDER BY is_total, {order}
"""
_DEAREST = _SHOWN.format(order="charged_cents DESC, subject, currency")
_NEWEST = _SHOWN.format(order="subject DESC, currency")


def _of_each(subject: str, shipping: str = "NULL::bigint") -> Statement:
    return text(f"""
        {_MOMENTS}{_COSTS}, report AS (
            SELECT {subject} AS subject, currency, count(*) AS parcels, {_SUMS},
                   {shipping} AS shipping_cents
              FROM costs JOIN chosen USING (parcel_id)
             GROUP BY subject, currency)
        {_DEAREST}
    """)  # noqa: S608


_EACH: Mapping[By, Statement] = MappingProxyType(
    {
        By.ORDER: _of_each(
            "order_id",
            # Later parcels may be of another time or warehouse, and so of another report.
            """(SELECT amount_cents FROM order_charges AS paid JOIN orders USING (order_id)
                 WHERE paid.order_id = chosen.order_id AND paid.currency = costs.currency
                   AND orders.state <> 'cancelled'
                   AND (SELECT parcel_id FROM parcels
                         WHERE parcels.order_id = paid.order_id AND state <> 'cancelled'
                         ORDER BY planned_at, parcel_id LIMIT 1) = ANY(array_agg(chosen.parcel_id))
               )""",
        ),
        By.PARCEL: _of_each("parcel_id"),
    }
)
# What comes of a day, as it is kept.
_BY_PLACE = f"""{_COSTS}, live AS (
        SELECT CAST(planned_at AT TIME ZONE 'UTC' AS date) AS day, warehouse, carrier, service,
               currency, count(*) AS parcels, {_SUMS}
          FROM costs JOIN chosen USING (parcel_id)
         GROUP BY 1, warehouse, carrier, service, currency)
"""  # noqa: S608
# A parcel's amounts are shared out by the weight of the units in it: each SKU, in their order, gets
# what is due up to it, rounded down, less what those before it got. So none is a whole cent off,
# and the sum is the parcel's. What is charged is shared out as one amount, and what is the
# carrier's, so that a SKU is charged what it was quoted where its parcels are; of surcharges and
# handling it has what lies between. Cents times grams fit into 64 bits: a parcel of a ton may cost
# ninety billion.
_UP_TO = "({0} * {1} - mod(mod({0} * {1}, whole_g) + whole_g, whole_g)) / whole_g"


def _share(of: str) -> str:
    return f"{_UP_TO.format(of, 'upto_g')} - {_UP_TO.format(of, '(upto_g - weight_g)')}"


_FREIGHT, _CARRIER = "freight", "(freight + surcharges)"
_CHARGED = "(freight + surcharges + handling)"
_SHARES = f"""
    {_share("quoted")} AS quoted, {_share(_FREIGHT)} AS freight,
    ({_share(_CARRIER)}) - ({_share(_FREIGHT)}) AS surcharges,
    ({_share(_CHARGED)}) - ({_share(_CARRIER)}) AS handling,
    {_share("actual")} AS actual, {_share("software")} AS software
"""
_BY_SKU = f"""{_COSTS}, items AS (
        SELECT parcel_id, planned_at, warehouse, sku,
               CAST(sum(quantity) * skus.weight_g AS bigint) AS weight_g
          FROM chosen CROSS JOIN LATERAL (
               SELECT sku, quantity FROM parcel_items AS item
                WHERE item.parcel_id = chosen.parcel_id OFFSET 0) AS item
          JOIN skus USING (sku)
         GROUP BY parcel_id, planned_at, warehouse, sku, skus.weight_g
    ), weighed AS (
        SELECT *, CAST(sum(weight_g) OVER (PARTITION BY parcel_id) AS bigint) AS whole_g,
               CAST(sum(weight_g) OVER (PARTITION BY parcel_id ORDER BY sku) AS bigint) AS upto_g
          FROM items
    ), shared AS (
        SELECT planned_at, warehouse, sku, currency, {_SHARES}
          FROM weighed JOIN costs USING (parcel_id)
    ), live AS (
        SELECT CAST(planned_at AT TIME ZONE 'UTC' AS date) AS day, warehouse, sku, currency,
               count(*) AS parcels, {_SUMS}
          FROM shared GROUP BY 1, warehouse, sku, currency)
"""  # noqa: S608
_KEPT = """, every AS (
        SELECT * FROM live
         UNION ALL
        SELECT * FROM {table} AS kept
         WHERE day BETWEEN CAST(:first AS date) AND CAST(:last AS date)
           AND NOT EXISTS (SELECT FROM anew WHERE anew.day = kept.day)
           AND (CAST(:warehouses AS text[]) IS NULL
                OR warehouse = ANY(CAST(:warehouses AS text[]))))
"""
_REPORT = """, report AS (
        SELECT {subject} AS subject, currency, sum(parcels) AS parcels,
               sum(quoted_cents) AS quoted_cents, sum(charged_cents) AS charged_cents,
               sum(freight_cents) AS freight_cents, sum(surcharges_cents) AS surcharges_cents,
               sum(handling_cents) AS handling_cents, sum(carrier_cents) AS carrier_cents,
               sum(actual_cents) AS actual_cents, sum(difference_cents) AS difference_cents,
               sum(software_nano_usd) AS software_nano_usd, NULL::bigint AS shipping_cents
          FROM {rows} GROUP BY subject, currency)
    {shown}
"""
# What they are added up by -> the rows of a day, and where these are kept; the subject; the order.
_TOGETHER: Mapping[By, tuple[str, str, str, str]] = MappingProxyType(
    {
        By.WAREHOUSE: (_BY_PLACE, "cost_days", "warehouse", _DEAREST),
        By.CARRIER: (_BY_PLACE, "cost_days", "concat_ws(' ', carrier, service)", _DEAREST),
        By.DAY: (_BY_PLACE, "cost_days", "to_char(day, 'YYYY-MM-DD')", _NEWEST),
        By.SKU: (_BY_SKU, "sku_cost_days", "sku", _DEAREST),
    }
)
_OF_MOMENTS: Mapping[By, Statement] = MappingProxyType(
    {
        **_EACH,
        **{
            by: text(_MOMENTS + live + _REPORT.format(subject=subject, rows="live", shown=shown))
            for by, (live, _, subject, shown) in _TOGETHER.items()
        },
    }
)
_STALE = STALE.format(kind="costs") + _DAYS
_OF_DAYS: Mapping[By, Statement] = MappingProxyType(
    {
        by: text(
            _STALE
            + live
            + _KEPT.format(table=table)
            + _REPORT.format(subject=subject, rows="every", shown=shown)
        )
        for by, (live, table, subject, shown) in _TOGETHER.items()
    }
)
_DAY: Mapping[str, Statement] = MappingProxyType(
    {
        "cost_days": text(ONE + _DAYS + _BY_PLACE + AS_JSON),
        "sku_cost_days": text(ONE + _DAYS + _BY_SKU + AS_JSON),
    }
)
# Kept days that are not what happened on them. What SKUs weighed when their day was kept nobody
# knows any more: of those it is only known that they cost what the parcels cost.
DIFFERING_DAYS = (
    AUDITED.format(kind="costs") + _DAYS + _BY_PLACE + DIFFERING.format(table="cost_days")
)
DIFFERING_SKUS = """
    SELECT concat_ws(' ', 'sku_cost_days', coalesce(skus.day, of_parcels.day),
                     coalesce(skus.warehouse, of_parcels.warehouse)) AS subject,
           concat_ws(' ', skus.quoted, skus.charged, skus.actual, skus.software) AS found,
           concat_ws(' ', of_parcels.quoted, of_parcels.charged, of_parcels.actual,
                     of_parcels.software) AS expected
      FROM (SELECT day, warehouse, currency, sum(quoted_cents) AS quoted,
                   sum(charged_cents) AS charged, sum(actual_cents) AS actual,
                   sum(software_nano_usd) AS software
              FROM sku_cost_days GROUP BY day, warehouse, currency) AS skus
      FULL JOIN (SELECT day, warehouse, currency, sum(quoted_cents) AS quoted,
                        sum(charged_cents) AS charged, sum(actual_cents) AS actual,
                        sum(software_nano_usd) AS software
                   FROM cost_days GROUP BY day, warehouse, currency) AS of_parcels
           USING (day, warehouse, currency)
     WHERE (skus.quoted, skus.charged, skus.actual, skus.software)
           IS DISTINCT FROM (of_parcels.quoted, of_parcels.charged, of_parcels.actual,
                             of_parcels.software)
"""
# Days before the first that was metered would make an order look cheaper than it is.
_SOFTWARE = text("""
    WITH metered AS (
        SELECT CAST(coalesce(sum(nano_usd), 0) AS bigint) AS nano_usd, min(day) AS first_day,
               max(day) AS last_day
          FROM software_costs
         WHERE day >= coalesce(CAST(CAST(:since AS timestamptz) AT TIME ZONE 'UTC' AS date),
                               '-infinity')
           AND day < coalesce(CAST(:until AS timestamptz) AT TIME ZONE 'UTC', 'infinity')
    )
    SELECT nano_usd,
           (SELECT count(*) FROM orders
             WHERE accepted_at >= first_day AT TIME ZONE 'UTC'
               AND accepted_at < (last_day + 1) AT TIME ZONE 'UTC') AS orders
      FROM metered
""")


_NAMES = tuple(field.name for field in fields(Costs))


def cost_report(
    tx: Transaction,
    by: By,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None,
    warehouses: Collection[str] | None = None,
) -> CostReport:
    """Costs of the parcels that were planned from `since` on and before `until`.

    Of these warehouses alone, where any are named. The dearest rows come first, of days the newest;
    at most `limit` (None: all of them), while the totals are of all.
    """
    return _report(
        tx.rows(
            _OF_MOMENTS[by], since=since, until=until, limit=limit, warehouses=_named(warehouses)
        )
    )


def cost_report_of_days(
    tx: Transaction,
    by: By,
    first: date,
    last: date,
    *,
    limit: int,
    warehouses: Collection[str] | None = None,
) -> CostReport:
    """The same of whole days in UTC, both of them included.

    By whatever many parcels have in common: of each order and parcel nothing is kept.
    """
    return _report(
        tx.rows(_OF_DAYS[by], first=first, last=last, limit=limit, warehouses=_named(warehouses))
    )


def costs_of_day(tx: Transaction, day: date) -> dict[str, str]:
    """Table -> its rows of a day, as JSON: what is to be kept of it."""
    return {
        table: tx.rows(statement, day=day, warehouses=None)[0].rows
        for table, statement in _DAY.items()
    }


def software_cost(
    tx: Transaction, since: datetime | None = None, until: datetime | None = None
) -> Software:
    """What steps of functions cost on the days from `since` on and before `until`."""
    (software,) = tx.rows(_SOFTWARE, since=since, until=until)
    return Software(int(software.nano_usd), int(software.orders))


def _named(warehouses: Collection[str] | None) -> list[str] | None:
    return None if warehouses is None else sorted(warehouses)


def _report(rows: Sequence[Any]) -> CostReport:
    return CostReport(
        [
            CostRow(row.subject, row.currency, int(row.parcels), _costs(row))
            for row in rows
            if not row.is_total
        ],
        {row.currency: _costs(row) for row in rows if row.is_total},
    )


def _costs(row: Any) -> Costs:
    # Sums of the database are decimals, of whole units.
    found: dict[str, Any] = {name: _whole(getattr(row, name)) for name in _NAMES}
    return Costs(**found)


def _whole(amount: Decimal | None) -> int | None:
    return None if amount is None else int(amount)
