"""Facts become placement work: fairly, and no more of it than stock could serve."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from shared.contracts.catalogue import Catalogue, CatalogueAgeing, CatalogueChannel
from shared.contracts.order_facts import OrderAccepted, OrderChanged
from shared.contracts.orders import OrderAmended, OrderedLine, ServiceLevel
from shared.contracts.stock_facts import StockIncreased
from shared.flows import request_placement as flow
from shared.flows import waitlist
from shared.flows.accept_order import accept_order
from shared.flows.change_order import change_order
from shared.flows.load_catalogue import load_catalogue
from shared.flows.request_placement import (
    promote_waiting,
    request_placement,
    wake_backorders,
    wake_for_stock,
)
from shared.orders import store as orders
from shared.platform.db import Database, Transaction
from shared.stock.partitions import FIRST_ALLOTTED
from tests.flows import partitioned
from tests.support import given
from tests.support.clock import TestClock


def waits(
    database: Database,
    order_id: str,
    wants: Sequence[tuple[str, int]],
    *,
    service_level: ServiceLevel = ServiceLevel.STANDARD,
    promised_at: datetime | None = None,
) -> None:
    """A backordered order."""
    event = given.submitted(order_id, wants, service_level=service_level)
    if promised_at is not None:
        event = event.model_copy(update={"promised_at": promised_at})
    given.apply(database, accept_order, event)
    given.place(database, order_id)


def work(database: Database) -> list[tuple[str, str]]:
    """(queue, order) of the placement work that was given out, in its order."""
    return [
        (queue, order_id)
        for queue, order_id in given.rows(
            database,
            "SELECT destination, body::json->>'order_id' FROM outbox WHERE kind = 'queue'"
            " AND attributes->>'ce-type' = 'dispatch.work.place_order.v1' ORDER BY outbox_id",
        )
    ]


def more(database: Database, **units: int) -> None:
    """There are more, of which nothing is kept for anybody; the news of it wakes who waits."""
    given.appear(database, "BER", units)
    given.silence(database)
    event = StockIncreased(warehouse="BER", available=units)
    given.apply(database, wake_for_stock, event)


@pytest.mark.parametrize("kind", [OrderAccepted, OrderChanged])
def test_a_new_or_changed_order_becomes_work_on_the_queue_of_its_priority(
    database: Database, kind: type[OrderAccepted | OrderChanged]
) -> None:
    given.apply(database, request_placement, kind(order_id="ord_1", priority="bulk", revision=1))

    assert work(database) == [("placement-bulk", "ord_1")]


def test_no_more_orders_are_woken_than_the_units_may_serve(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 0}})
    for n in range(4):
        waits(database, f"ord_{n}", [("MUG", 2)])

    more(database, MUG=5)

    assert work(database) == [("placement-standard", "ord_0"), ("placement-standard", "ord_1")]


def test_who_wants_more_than_there_is_does_not_stand_in_the_way(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 0}})
    waits(database, "large", [("MUG", 10)])
    waits(database, "small", [("MUG", 2)])

    more(database, MUG=3)

    assert work(database) == [("placement-standard", "small")]


def test_who_may_not_have_it_from_there_does_not_stand_in_the_way(database: Database) -> None:
    # Goal: it would be woken for the same units for ever, and who could have them never.
    given.catalogue(database, {"BER": {"MUG": 0}, "MUC": {"MUG": 0}})
    scope = CatalogueChannel(channel="south", share_percent={"MUC": 100})
    document = Catalogue(skus=(), warehouses=(), rate_cards=(), channels=(scope,))
    given.apply(database, load_catalogue, document)
    for name, channel in (("a_missed", "web"), ("b_south", "south"), ("c_next", "web")):
        event = given.submitted(name, {"MUG": 1}).model_copy(update={"channel": channel})
        given.apply(database, accept_order, event)
        given.place(database, name)
    database.run(
        lambda tx: tx.write(orders.exclude(tx, "a_missed", ["MUG"], "BER", "short pick")),
        given.cause(),
    )

    more(database, MUG=1)

    assert work(database) == [("placement-standard", "c_next")]


def test_units_of_several_warehouses_wake_an_order_together(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 0}, "MUC": {"MUG": 7}})
    waits(database, "large", [("MUG", 10)])

    more(database, MUG=3)

    assert work(database) == [("placement-standard", "large")]


def test_units_that_are_left_wake_those_behind_the_ones_for_whom_units_are_kept(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Goal: a receipt that is larger than what is kept at once reaches everybody it can serve,
    # however long those at the front take to be placed.
    monkeypatch.setattr(waitlist, "MOST_AT_ONCE", 2)
    given.catalogue(database, {"BER": {"MUG": 0}})
    for n in range(5):
        waits(database, f"ord_{n}", [("MUG", 1)])
    given.receive(database, "BER", {"MUG": 4})
    assert work(database) == [("placement-standard", "ord_0"), ("placement-standard", "ord_1")]
    assert given.told(database)[-1] == "stock.increased"
    given.silence(database)

    given.apply(database, wake_for_stock, StockIncreased(warehouse="BER", available={"MUG": 2}))

    assert work(database) == [("placement-standard", "ord_2"), ("placement-standard", "ord_3")]


def test_an_order_for_which_a_part_is_kept_needs_only_the_rest(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 0}, "MUC": {"MUG": 0}})
    waits(database, "large", [("MUG", 3)])
    waits(database, "tiny", [("MUG", 1)])
    given.appear(database, "MUC", {"MUG": 2})
    given.receive(database, "BER", {"MUG": 1})  # kept for the large one
    given.silence(database)

    given.apply(database, wake_for_stock, StockIncreased(warehouse="MUC", available={"MUG": 2}))
    assert work(database) == [("placement-standard", "large")]
    given.silence(database)

    given.appear(database, "MUC", {"MUG": 1})
    given.apply(database, wake_for_stock, StockIncreased(warehouse="MUC", available={"MUG": 3}))
    assert work(database) == [("placement-standard", "large"), ("placement-standard", "tiny")]


def test_express_comes_first_and_then_the_nearest_promise(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 0}})
    days = {name: clock.now + timedelta(days=n) for n, name in enumerate("abcdefg")}
    waits(database, "bulk", [("MUG", 1)], service_level=ServiceLevel.ECONOMY, promised_at=days["c"])
    waits(database, "late", [("MUG", 1)], promised_at=days["f"])
    waits(database, "soon", [("MUG", 1)], promised_at=days["d"])
    waits(
        database,
        "express",
        [("MUG", 1)],
        service_level=ServiceLevel.EXPRESS,
        promised_at=days["g"],
    )
    woken = []
    for _ in range(4):
        more(database, MUG=1)
        woken.append([order_id for _, order_id in work(database)])

    assert woken == [
        ["express"],
        ["express", "soon"],
        ["express", "soon", "late"],
        ["express", "soon", "late", "bulk"],
    ]


def test_only_those_are_woken_who_wait_for_this_sku_and_lack_no_other(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 0, "PEN": 0}})
    waits(database, "mug", [("MUG", 1)])
    waits(database, "pen", [("PEN", 1)])
    waits(database, "both", [("MUG", 1), ("PEN", 1)])

    more(database, PEN=10)

    assert {order_id for _, order_id in work(database)} == {"pen"}


def test_an_order_that_waits_for_two_skus_of_one_receipt_is_woken_once(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 0, "PEN": 0}})
    waits(database, "both", [("MUG", 1), ("PEN", 1)])
    waits(database, "next", [("MUG", 1)])

    more(database, MUG=1, PEN=5)

    assert work(database) == [("placement-standard", "both")]


def test_an_order_that_waits_for_two_skus_is_woken_once_by_housekeeping(
    database: Database,
) -> None:
    given.catalogue(database, {"BER": {"MUG": 0, "PEN": 0}})
    waits(database, "both", [("MUG", 1), ("PEN", 1)])
    given.appear(database, "BER", {"MUG": 5, "PEN": 5})

    woken = database.run(wake_backorders, given.cause())

    assert woken == 1
    assert work(database) == [("placement-standard", "both")]


def test_nobody_is_woken_for_stock_when_nobody_waits(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 0}})

    more(database, MUG=10)

    assert given.told(database) == []


def test_housekeeping_heals_a_missed_announcement_of_stock(database: Database) -> None:
    # Goal: the announcement of new stock may be lost by an operator's mistake; the order is not.
    given.catalogue(database, {"BER": {"MUG": 0}})
    waits(database, "ord_1", [("MUG", 2)])
    given.appear(database, "BER", {"MUG": 2})

    database.run(wake_backorders, given.cause())
    given.place(database, "ord_1")

    assert work(database)[:1] == [("placement-standard", "ord_1")]
    assert given.rows(database, "SELECT state FROM orders") == [("placed",)]
    assert given.violations(database) == []


def test_housekeeping_asks_again_for_those_whose_units_are_kept(database: Database) -> None:
    # Goal: the work that was given out with the hold may be lost by an operator's mistake, too.
    given.catalogue(database, {"BER": {"MUG": 0}})
    waits(database, "ord_1", [("MUG", 2)])
    given.receive(database, "BER", {"MUG": 2})
    given.silence(database)

    assert database.run(wake_backorders, given.cause()) == 1

    assert work(database) == [("placement-standard", "ord_1")]


def test_stock_below_the_safety_level_wakes_nobody(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 2}}, safety=2)
    waits(database, "ord_1", [("MUG", 1)])
    given.silence(database)

    assert database.run(wake_backorders, given.cause()) == 0
    assert work(database) == []


HOURS_2 = 7_200


def promoted(database: Database) -> int:
    return database.run(lambda tx: promote_waiting(tx, HOURS_2), given.cause())


@pytest.mark.parametrize(
    ("service_level", "minutes", "asks"),
    [
        (ServiceLevel.EXPRESS, 6, ["express", "express"]),
        (ServiceLevel.STANDARD, 30, ["express", "express"]),
        (ServiceLevel.ECONOMY, 30, ["standard", "express"]),
    ],
)
def test_an_order_that_has_waited_for_its_share_asks_the_next_queue(
    database: Database,
    clock: TestClock,
    service_level: ServiceLevel,
    minutes: int,
    asks: list[str],
) -> None:
    # Goal: a standard order is never more than half an hour behind express ones, a bulk order never
    # more than an hour, and work that a queue has lost is asked for again.
    given.catalogue(database, {"BER": {"MUG": 5}})
    event = given.submitted("ord_1", {"MUG": 1}, service_level=service_level)
    given.apply(database, accept_order, event)
    given.silence(database)
    clock.advance(minutes=minutes, seconds=-1)
    assert promoted(database) == 0

    clock.advance(seconds=1)
    assert promoted(database) == 1
    assert promoted(database) == 0
    clock.advance(minutes=30)
    assert promoted(database) == 1

    assert work(database) == [(f"placement-{queue}", "ord_1") for queue in asks]


def test_a_flood_in_one_queue_does_not_keep_another_from_moving_up(
    database: Database, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Goal: older bulk orders than one round may promote, and the standard order moves up all the
    # same, before them.
    monkeypatch.setattr(flow, "WOKEN_AT_ONCE", 2)
    given.catalogue(database, {"BER": {"MUG": 9}})
    for number in range(4):
        event = given.submitted(f"bulk_{number}", {"MUG": 1}, service_level=ServiceLevel.ECONOMY)
        given.apply(database, accept_order, event)
    clock.advance(seconds=1)
    given.order(database, "standard", {"MUG": 1})
    given.silence(database)
    clock.advance(hours=1)

    assert promoted(database) == 3

    assert work(database)[0] == ("placement-express", "standard")
    assert [queue for queue, _ in work(database)[1:]] == ["placement-standard"] * 2


def test_the_rule_is_data_that_is_loaded_with_the_catalogue(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 1})
    sooner = CatalogueAgeing(priority="standard", share=0.125, asks="bulk")
    usual = CatalogueAgeing(priority="standard", share=0.25, asks="express")
    clock.advance(minutes=15)

    def promoted_by(rule: CatalogueAgeing) -> int:
        document = Catalogue(skus=(), warehouses=(), rate_cards=(), ageing=(rule,))
        given.apply(database, load_catalogue, document)
        return promoted(database)

    assert promoted_by(usual) == 0
    assert promoted_by(sooner) == 1
    assert work(database)[-1] == ("placement-bulk", "ord_1")
    promoted_by(usual)


def test_a_changed_order_begins_its_wait_anew(database: Database, clock: TestClock) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 1})
    clock.advance(minutes=29)
    line = OrderedLine(line_no=1, sku="MUG", quantity=2, unit_price_cents=100)
    changed = OrderAmended(order_id="ord_1", revision=2, lines=(line,))
    given.apply(database, change_order, changed)
    clock.advance(minutes=1)

    assert promoted(database) == 0


def test_only_orders_that_wait_to_be_placed_grow_older(
    database: Database, clock: TestClock
) -> None:
    # Goal: stock and people are waited for as a state; asking queues again would change nothing.
    given.catalogue(database, {"BER": {"ANVIL": 5}}, weight_g=50_000)
    for name, quantity in (("review", 1), ("backordered", 9)):
        given.order(database, name, {"ANVIL": quantity})
        given.place(database, name)
    clock.advance(hours=3)

    assert promoted(database) == 0


def test_an_order_that_is_being_placed_is_not_waited_for(
    database: Database, clock: TestClock
) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 1})
    clock.advance(hours=3)

    def while_it_is_locked(tx: Transaction) -> int:
        orders.lock(tx, "ord_1")
        return promoted(database)

    assert database.run(while_it_is_locked, given.cause()) == 0


def test_units_of_a_sale_wake_orders_of_that_sale_alone(database: Database) -> None:
    # Goal: in a sale that is sold out, what it has more of is for who waits for it in the sale.
    given.catalogue(database, {"BER": {"MUG": 2}})
    partitioned.allot(database, 2)
    for name, sale in (("a", "friday"), ("b", None), ("c", "friday"), ("d", "monday")):
        partitioned.ordered(database, name, 2, sale=sale)
    given.appear(database, "BER", {"MUG": 2}, partition=FIRST_ALLOTTED)
    given.silence(database)

    given.apply(database, wake_for_stock, StockIncreased(warehouse="BER", available={"MUG": 0}))

    assert given.rows(
        database, "SELECT body::json->>'order_id' FROM outbox WHERE kind = 'queue'"
    ) == [("c",)]
