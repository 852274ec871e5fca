"""`bench flash-sale`: many want the few units of one SKU at once, while others order as ever.

Everything runs as it does in production, one process a function (one for all in a quick run), on a
stack of its own; parcels stay with their warehouses. The orders of the sale and a tenth as many
others are published as fast as they are taken, until each is placed or knows that it has to wait.
Then some units more arrive, and exactly those who are next in line have to get them.
"""

import argparse
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from emulators.bench.folder import own_folder
from emulators.bench.report import Figure, Progress, Report
from emulators.bench.sale import HOT, Sale, next_in_line, sale
from emulators.bench.traffic import PATIENCE_S, PERIOD_S, Traffic, traffic
from emulators.laptop.cli import UserMistake, positive
from emulators.laptop.stack import Options, Stack
from emulators.line.books import CAUSE
from emulators.line.run import GaveUp
from emulators.line.shop import units_in
from shared.flows.lay_anew import Word
from shared.flows.spread_stock import SpreadStock, spread_stock
from shared.platform.sql import text

USUAL_ORDERS = 50_000
WITHIN_MIN = 60.0  # the usual number of orders; fewer have to be decided as fast
PARTITIONS = 16  # of the SKU in every warehouse
WINDOW = 100  # orders on their way to their decision while more are published
TOLD_EVERY_S = 10.0
CARRIER_STEP_S = 86_400.0  # the parcels stay where they are; tracking is not what is measured

# By SQL of its own, so that a mistake of the product cannot hide itself.
_STANDING = text("""
    SELECT count(*) AS known, count(*) FILTER (WHERE state = 'waiting') AS waiting,
           count(*) FILTER (WHERE state = 'placed') AS placed,
           count(*) FILTER (WHERE state = 'backordered') AS backordered
      FROM orders
""")
_DECIDED = text("""
    SELECT order_id, min(decided_at) AS decided_at FROM placement_decisions GROUP BY order_id
""")
_SOLD = text("""
    SELECT coalesce(sum(quantity), 0) AS units
      FROM parcel_items JOIN parcels USING (parcel_id)
     WHERE sku = :sku AND state <> 'cancelled'
""")
_IN_STATE = text("SELECT order_id FROM orders WHERE state = :state")


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    orders: int  # for the SKU of the sale
    units: int  # of it
    restocked: int  # units that arrive afterwards


FULL = Size(orders=USUAL_ORDERS, units=10_000, restocked=1_000)
QUICK = Size(orders=150, units=40, restocked=15)


@dataclass(frozen=True, slots=True)
class Sold:
    """What became of the sale."""

    minutes: float  # from the first publication to the last decision
    waits_ms: Mapping[str, list[float]]  # from publication to decision: of the sale, of the others
    units: int
    backordered: int
    missing: int  # orders that were published and are not there


@dataclass(frozen=True, slots=True)
class Checked:
    """What is wrong when all is over; everything is 0 when nothing is."""

    oversold: int
    parked: int
    violations: list[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `bench flash-sale`."""
    parser.add_argument(
        "--orders", type=positive, metavar="N", help=f"for the SKU of the sale ({FULL.orders})"
    )
    parser.add_argument("--units", type=positive, metavar="N", help=f"of it ({FULL.units})")
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test; its figures mean little"
    )


def measure(arguments: argparse.Namespace, progress: Progress) -> Report:
    """Run the benchmark.

    Raises:
        UserMistake: the stack did not start here, did not come to an end, or nobody would wait.
    """
    usual = QUICK if arguments.quick else FULL
    size = Size(
        orders=arguments.orders or usual.orders,
        units=arguments.units or usual.units,
        restocked=usual.restocked,
    )
    if size.orders < size.units + size.restocked:
        raise UserMistake(
            f"{size.orders} orders for {size.units} units leave too few to wait for"
            f" {size.restocked} more; give it more orders."
        )
    options = Options(process_per_function=not arguments.quick, carrier_step_s=CARRIER_STEP_S)
    wanted = sale(size.orders, size.units)
    progress("starting a stack")
    try:
        with (
            own_folder() as folder,
            Stack(folder, options) as stack,
            traffic(stack, wanted.shop) as sender,
        ):
            return _measured(sender, wanted, size, progress)
    except GaveUp as given_up:
        raise UserMistake(str(given_up)) from given_up


def _measured(sender: Traffic, wanted: Sale, size: Size, progress: Progress) -> Report:
    _spread(sender, wanted)
    sent_at = _publish(sender, wanted, progress)
    sold = _decided(sender, wanted, sent_at, progress)
    progress("the sale is over; waiting until nothing is under way")
    sender.line.wait_for_quiet("all that the sale left is done", lambda: None)
    entitled = next_in_line(wanted, sent_at, _in_state(sender, "backordered"), size.restocked)
    served = _restock(sender, wanted, size, progress)
    progress("auditing")
    checked = _checked(sender, wanted, size)
    return Report(
        benchmark="flash-sale",
        figures=[
            *_figures(size, sold, len(wanted.orders)),
            *_verdict(size, checked, sold, fairly=len(entitled & served)),
        ],
        facts={
            "orders": size.orders,
            "everyday_orders": len(wanted.orders) - size.orders,
            "units": size.units,
            "partitions": f"{len(wanted.warehouses)} warehouses with {PARTITIONS} each",
            "window": WINDOW,
        },
        faults=_faults(size, sold, checked, entitled, served),
    )


def _spread(sender: Traffic, wanted: Sale) -> None:
    for warehouse in wanted.warehouses:
        word = Word(actor="bench", reason="the sale begins", reference=f"sale-{warehouse}")
        spread = SpreadStock(HOT, warehouse, PARTITIONS, word)
        sender.line.books.database.run(partial(spread_stock, wanted=spread), CAUSE)


def _publish(sender: Traffic, wanted: Sale, progress: Progress) -> dict[str, datetime]:
    """Publish all orders, as many as have room; returns when each was published."""
    sent_at: dict[str, datetime] = {}
    watch = _Watch(sender, progress)
    while len(sent_at) < len(wanted.orders):
        ahead, _ = sender.line.waiting()
        batch = wanted.orders[len(sent_at) : len(sent_at) + max(0, WINDOW - ahead)]
        if batch:
            sent_at |= sender.submit(batch)
        watch.look(f"{len(sent_at)} of {len(wanted.orders)} orders published")
        time.sleep(PERIOD_S)
    return sent_at


def _decided(
    sender: Traffic, wanted: Sale, sent_at: Mapping[str, datetime], progress: Progress
) -> Sold:
    """Wait until every order is placed or backordered, and sum up."""
    watch = _Watch(sender, progress)
    while sender.line.waiting()[0] or watch.undecided():
        watch.look("all orders published")
        time.sleep(PERIOD_S)
    database = sender.line.books.database
    decided_at = {row.order_id: row.decided_at for row in database.statement(_DECIDED)}
    waits_ms: dict[str, list[float]] = {"sale": [], "everyday": []}
    for order_id, at in decided_at.items():
        kind = "sale" if order_id in wanted.hot else "everyday"
        waits_ms[kind].append(1e3 * (at - sent_at[order_id]).total_seconds())
    (units,) = database.statement(_SOLD, sku=HOT)
    return Sold(
        minutes=(max(decided_at.values()) - min(sent_at.values())).total_seconds() / 60,
        waits_ms={kind: sorted(waits) for kind, waits in waits_ms.items()},
        units=units.units,
        backordered=len(_in_state(sender, "backordered")),
        missing=len(sent_at.keys() - sender.line.books.known_orders()),
    )


def _restock(sender: Traffic, wanted: Sale, size: Size, progress: Progress) -> set[str]:
    """Let units arrive; returns the orders that they made placed."""
    progress(f"{size.restocked} units arrive")
    before = _in_state(sender, "placed")
    sender.line.receive({wanted.warehouses[0]: {HOT: size.restocked}}, "restock")
    sender.line.wait_for_quiet("the units that arrived are given away", lambda: None)
    return _in_state(sender, "placed") - before


def _checked(sender: Traffic, wanted: Sale, size: Size) -> Checked:
    books = sender.line.books
    received = [*units_in(wanted.shop.stock), (wanted.warehouses[0], HOT, size.restocked)]
    return Checked(
        oversold=books.oversold_units(received),
        parked=sum(books.letters_by_code().values()),
        violations=[
            f"{broken.rule}: {broken.subject}: {broken.found}, should be {broken.expected}"
            for broken in books.violations()
        ],
    )


class _Watch:
    """Says now and then how far the sale is, and gives up when nothing changes any more."""

    def __init__(self, sender: Traffic, progress: Progress) -> None:
        self._sender = sender
        self._progress = progress
        self._last: object = None
        self._changed_s = self._told_s = time.monotonic()

    def undecided(self) -> int:
        """How many of the orders that are known wait for their decision."""
        (row,) = self._sender.line.books.database.statement(_STANDING)
        return int(row.waiting)

    def look(self, how_far: str) -> None:
        """See whether there is something to tell.

        Raises:
            GaveUp: nothing has changed for a long while.
        """
        now_s = time.monotonic()
        if now_s < self._told_s + TOLD_EVERY_S:
            return
        self._told_s = now_s
        (row,) = self._sender.line.books.database.statement(_STANDING)
        if tuple(row) != self._last:
            self._last, self._changed_s = tuple(row), now_s
        if now_s > self._changed_s + PATIENCE_S:
            raise GaveUp(f"nothing has changed for {PATIENCE_S:g} s; {row.waiting} orders wait")
        self._progress(
            f"{how_far}; {row.placed} placed, {row.backordered} backordered, {row.waiting} waiting"
        )


def _in_state(sender: Traffic, state: str) -> set[str]:
    rows = sender.line.books.database.statement(_IN_STATE, state=state)
    return {row.order_id for row in rows}


def _figures(size: Size, sold: Sold, orders: int) -> list[Figure]:
    return [
        Figure(
            "time until every order was decided",
            "min",
            [sold.minutes],
            [WITHIN_MIN * size.orders / USUAL_ORDERS],
            goal=1.0,
            at_most=True,
        ),
        Figure("orders decided", "orders/s", [orders / sold.minutes / 60]),
        *(
            Figure(
                f"publication to decision p{percentile}, {kind} orders",
                "ms",
                [waits_ms[(len(waits_ms) - 1) * percentile // 100]],
            )
            for kind, waits_ms in sold.waits_ms.items()
            for percentile in (50, 95)
        ),
    ]


def _verdict(size: Size, checked: Checked, sold: Sold, *, fairly: int) -> list[Figure]:
    return [
        Figure("units sold", "units", [sold.units], [size.units], goal=1.0),
        Figure("orders backordered", "orders", [sold.backordered]),
        Figure(
            "units that came later, to the next in line",
            "units",
            [fairly],
            [size.restocked],
            goal=1.0,
        ),
        Figure("units oversold", "units", [checked.oversold]),
        Figure("messages lost or parked", "messages", [sold.missing + checked.parked]),
        Figure("violations found by the audit", "violations", [len(checked.violations)]),
    ]


def _faults(
    size: Size, sold: Sold, checked: Checked, entitled: set[str], served: set[str]
) -> list[str]:
    wrong = {
        f"{sold.units} units were sold, there are {size.units}": sold.units != size.units,
        f"{sold.backordered} orders wait, {size.orders - size.units} should": (
            sold.backordered != size.orders - size.units
        ),
        f"{checked.oversold} units are oversold": checked.oversold,
        f"{sold.missing} orders are lost": sold.missing,
        f"{checked.parked} messages are parked": checked.parked,
        f"{len(entitled - served)} orders that were next in line did not get a unit of those that"
        f" arrived, {len(served - entitled)} others did": entitled != served,
    }
    return [sentence for sentence, is_so in wrong.items() if is_so] + checked.violations
