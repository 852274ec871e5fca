"""What it cost, who decided, which promises were kept and what was refused, in a range of days."""

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta

from shared.contracts.http_ops_reports import (
    CostLine,
    CostRow,
    CostsAsked,
    CostTotal,
    OpsCosts,
    OpsPlacements,
    OpsPromises,
    OpsRefusals,
    RefusalRow,
    ReportDays,
)
from shared.kit.errors import Malformed
from shared.ops.cost_reports import By, Costs, cost_report, cost_report_of_days
from shared.ops.refusals import refusals
from shared.ops.service_reports import placement_days, promise_days
from shared.people.types import Warehouses
from shared.platform.db import Transaction

USUAL_DAYS = 7
MOST_DAYS = 92  # a quarter; more is for a warehouse of data
# Of orders and parcels no sums are kept, and of SKUs many.
MOST_DAYS_BY = {By.ORDER: 7, By.PARCEL: 7, By.SKU: 31}


@dataclass(frozen=True, slots=True)
class _Range:
    """Days in UTC, both of them included, and the moments that they begin and end at."""

    first: date
    last: date

    @property
    def since(self) -> datetime:
        return datetime.combine(self.first, time(), UTC)

    @property
    def until(self) -> datetime:
        return datetime.combine(self.last, time(), UTC) + timedelta(days=1)


def show_costs(tx: Transaction, asked: CostsAsked, warehouses: Warehouses) -> OpsCosts:
    """Costs of the parcels of these warehouses that were planned in these days.

    Raises:
        Malformed: the days are no range, or too many.
    """
    by, days = By(asked.by), _range(tx, asked)
    most_days = MOST_DAYS_BY.get(by, MOST_DAYS)
    if days.last - days.first >= timedelta(days=most_days):
        first = days.last - timedelta(days=most_days - 1)
        raise Malformed(
            f"since: by {by}, ask for {most_days} days at most, like {first} to {days.last};"
            f" for up to {MOST_DAYS} days, ask by day, warehouse or carrier",
            field="since",
        )
    if by in {By.ORDER, By.PARCEL}:
        found = cost_report(
            tx,
            by,
            since=days.since,
            until=days.until,
            limit=asked.most,
            warehouses=warehouses,
        )
    else:
        found = cost_report_of_days(
            tx, by, days.first, days.last, limit=asked.most, warehouses=warehouses
        )
    return OpsCosts(
        by=asked.by,
        since=days.first,
        until=days.last,
        rows=tuple(
            CostRow(
                subject=row.subject,
                currency=row.currency,
                parcels=row.parcels,
                costs=_line(row.costs),
            )
            for row in found.rows
        ),
        totals=tuple(
            CostTotal(currency=currency, costs=_line(costs))
            for currency, costs in sorted(found.totals.items())
        ),
    )


def show_placements(tx: Transaction, asked: ReportDays) -> OpsPlacements:
    """Who decided, and what came of it.

    Raises:
        Malformed: the days are no range, or too many.
    """
    days = _range(tx, asked)
    return OpsPlacements(
        since=days.first,
        until=days.last,
        days=tuple(placement_days(tx, days.first, days.last)),
    )


def show_promises(tx: Transaction, asked: ReportDays) -> OpsPromises:
    """Which promises were kept.

    Raises:
        Malformed: the days are no range, or too many.
    """
    days = _range(tx, asked)
    return OpsPromises(
        since=days.first, until=days.last, days=tuple(promise_days(tx, days.first, days.last))
    )


def show_refusals(tx: Transaction, asked: ReportDays, warehouses: Warehouses) -> OpsRefusals:
    """What these warehouses could not send.

    Raises:
        Malformed: the days are no range, or too many.
    """
    days = _range(tx, asked)
    rows = [
        RefusalRow(warehouse=name, orders=orders, refused=refused)
        for name, (orders, refused) in refusals(tx, days.first, days.last).items()
        if warehouses is None or name in warehouses
    ]
    rows.sort(key=lambda row: (-row.refused * 1_000_000 // max(1, row.orders), row.warehouse))
    return OpsRefusals(since=days.first, until=days.last, rows=tuple(rows))


def _range(tx: Transaction, asked: ReportDays) -> _Range:
    last = asked.until or max(tx.now.date(), asked.since or tx.now.date())
    if last >= date.max - timedelta(days=1) or last < date.min + timedelta(days=MOST_DAYS):
        raise Malformed("until: no order has ever been so far away", field="until")
    first = asked.since or last - timedelta(days=USUAL_DAYS - 1)
    if first > last:
        raise Malformed(f"since: {first} is after {last}, the last day", field="since")
    if last - first >= timedelta(days=MOST_DAYS):
        raise Malformed(f"since: ask for {MOST_DAYS} days at most", field="since")
    return _Range(first, last)


def _line(costs: Costs) -> CostLine:
    return CostLine(**asdict(costs))
