"""When those who wait for stock can probably have it: from what is free and what is on its way."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from shared.contracts.inbound import InboundChanged
from shared.contracts.order_facts import OrderExpected
from shared.flows.steps import Run, in_rounds
from shared.holds import store as holds
from shared.inbound import store as inbound
from shared.inbound.expectation import expected
from shared.inbound.types import Lot, Waiter
from shared.orders import store as orders
from shared.orders import waitlist
from shared.orders.types import Waiting
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.stock import store as stock

TOLD_AT_ONCE = 2_000  # orders of one transaction
MOST_STEPS = 100  # of one run; who is left then waits for the next one


def expect_backorders(run: Run) -> int:
    """Housekeeping: tell every backordered order whose moment has changed. Returns how many."""
    return in_rounds(run, _expect, at_once=TOLD_AT_ONCE, most_steps=MOST_STEPS)


def expect_after(tx: Transaction, _event: InboundChanged) -> None:
    """Something on its way has changed: tell those whose moment changes with it.

    All that is on its way is looked at, because orders for several SKUs tie their queues together.
    """
    _expect(tx)


def _expect(tx: Transaction) -> int:
    """Tell at most `TOLD_AT_ONCE` orders their moment. Returns how many were told."""
    if not orders.expect_alone(tx):
        return 0  # whoever does it now, or the next round, sees the same
    lots = inbound.coming(tx)
    releases = stock.unreleased(tx)
    waiting = waitlist.waiting_for(tx, {lot.sku for lot in lots} | releases.keys())
    news = _news(tx, waiting, lots, releases)
    locked = orders.lock_backordered(tx, list(news)[:TOLD_AT_ONCE])
    if not locked:
        return 0
    told = {order_id: news[order_id] for order_id in locked}
    tx.write(
        orders.expect(told),
        outbox.put(
            tx,
            *(
                OrderExpected(order_id=order_id, expected_at=moment)
                for order_id, moment in told.items()
            ),
        ),
    )
    return len(told)


def _news(
    tx: Transaction,
    waiting: Sequence[Waiting],
    lots: Sequence[Lot],
    releases: Mapping[str, datetime],
) -> dict[str, datetime | None]:
    """Order -> its moment, where that is another one than it was told."""
    skus = {sku for order in waiting for sku in order.wants}
    there = [
        Lot(sku, warehouse, units, tx.now)
        for (sku, warehouse), units in stock.free(tx, skus).items()
    ]
    own = holds.kept_units(tx, [order.order_id for order in waiting])
    waiters = [_waiter(order, own) for order in waiting]
    moments = expected([w for w in waiters if w.wants], [*there, *lots], releases)
    news: dict[str, datetime | None] = {}
    for order in waiting:
        moment = moments.get(order.order_id, tx.now)
        if moment == tx.now:
            # What is free or held for it covers it, and it is about to be placed: a moment that
            # was told stands, unless it has passed.
            passed = order.expected_at is not None and order.expected_at <= tx.now
            moment = None if passed else order.expected_at
        if moment != order.expected_at:
            news[order.order_id] = moment
    return news


def _waiter(order: Waiting, own: Mapping[tuple[str, str], int]) -> Waiter:
    """The order without what is kept for it."""
    wants = {sku: units - own.get((order.order_id, sku), 0) for sku, units in order.wants.items()}
    return Waiter(
        name=order.order_id,
        wants={sku: units for sku, units in wants.items() if units > 0},
        warehouses=order.warehouses,
        excluded=order.excluded,
    )
