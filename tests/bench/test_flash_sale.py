"""`bench flash-sale` from end to end, small, and how it decides what is right."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from emulators.bench import flash_sale
from emulators.bench.flash_sale import FULL, QUICK, Checked, Sold
from emulators.bench.sale import HOT, next_in_line, sale
from emulators.laptop import cli
from tests.bench.running import quick_run
from tests.laptop.conftest import directory

__all__ = ["directory"]

SENT_AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
SOLD = Sold(
    minutes=30.0,
    waits_ms={"sale": [1.0, 2.0], "everyday": [3.0]},
    units=FULL.units,
    backordered=FULL.orders - FULL.units,
    missing=0,
)
NOTHING_WRONG = Checked(oversold=0, parked=0, violations=[])


@pytest.mark.slow
def test_a_quick_sale_sells_every_unit_once_and_serves_who_is_next(directory: Path) -> None:
    found = quick_run("flash-sale", directory, timeout_s=400)

    figures = {figure["what"]: figure for figure in found["figures"]}
    assert figures["units sold"]["value"] == QUICK.units
    assert figures["orders backordered"]["value"] == QUICK.orders - QUICK.units
    assert figures["units that came later, to the next in line"]["value"] == QUICK.restocked
    for what in ("units oversold", "messages lost or parked", "violations found by the audit"):
        assert figures[what]["value"] == 0
    taken = figures["time until every order was decided"]
    assert taken["floor"] == pytest.approx(60 * QUICK.orders / 50_000)  # as fast as 50,000 an hour
    assert taken["met"] == (taken["ratio"] <= 1)
    for kind in ("sale", "everyday"):
        p50, p95 = (figures[f"publication to decision p{n}, {kind} orders"] for n in (50, 95))
        assert 0 < p50["value"] <= p95["value"]


def test_a_sale_has_its_orders_and_a_tenth_as_many_others_among_them() -> None:
    made = sale(orders=100, units=30)

    assert len(made.hot) == 100
    assert len({order.order_id for order in made.orders}) == 110
    assert [order.order_id in made.hot for order in made.orders[:11]] == [True] * 10 + [False]
    assert all(
        (line["sku"] == HOT) == (order.order_id in made.hot)
        for order in made.orders
        for line in order.lines
    )
    assert sum(units[HOT] for units in made.shop.stock.values()) == 30
    levels = Counter(order.service_level for order in made.hot.values())
    assert levels.keys() == {"express", "standard", "economy"}


def test_who_is_next_goes_by_priority_then_promise_then_id() -> None:
    made = sale(orders=200, units=0)
    sent_at = dict.fromkeys(made.hot, SENT_AT)
    waiting = set(made.hot)

    def standing(order_id: str) -> tuple[str, timedelta, str]:
        order = made.hot[order_id]
        return order.service_level, order.promised_after, order_id

    express = [standing(name) for name in made.hot if standing(name)[0] == "express"]
    standard = [standing(name) for name in made.hot if standing(name)[0] == "standard"]
    units = len(express) + 5

    served = next_in_line(made, sent_at, waiting, units)

    assert served == {name for _, _, name in (*express, *sorted(standard)[:5])}


def test_a_later_publication_is_a_later_promise() -> None:
    made = sale(orders=60, units=0)
    alike = [name for name, order in made.hot.items() if order.service_level == "standard"]
    longest = max(made.hot[name].promised_after for name in alike)
    sent_at = dict.fromkeys(alike, SENT_AT)
    last = min(alike, key=lambda name: made.hot[name].promised_after)
    sent_at[last] += longest

    served = next_in_line(made, sent_at, alike, len(alike) - 1)

    assert served == {*alike} - {last}


@pytest.mark.parametrize(
    ("sold", "checked", "said"),
    [
        (SOLD, NOTHING_WRONG, []),
        (replace(SOLD, units=9_999), NOTHING_WRONG, ["9999 units were sold, there are 10000"]),
        (replace(SOLD, backordered=3), NOTHING_WRONG, ["3 orders wait, 40000 should"]),
        (replace(SOLD, missing=2), NOTHING_WRONG, ["2 orders are lost"]),
        (SOLD, replace(NOTHING_WRONG, oversold=1), ["1 units are oversold"]),
        (SOLD, replace(NOTHING_WRONG, parked=4), ["4 messages are parked"]),
        (SOLD, replace(NOTHING_WRONG, violations=["MUG: 3"]), ["MUG: 3"]),
    ],
)
def test_whatever_is_not_as_it_must_be_is_a_fault(
    sold: Sold, checked: Checked, said: list[str]
) -> None:
    assert flash_sale._faults(FULL, sold, checked, {"a"}, {"a"}) == said


def test_it_is_a_fault_when_others_than_the_next_in_line_are_served() -> None:
    (fault,) = flash_sale._faults(FULL, SOLD, NOTHING_WRONG, {"a", "b"}, {"b", "c", "d"})

    assert fault.startswith("1 orders that were next in line did not get a unit")
    assert fault.endswith("2 others did")


def test_a_sale_after_which_nobody_waits_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["bench", "flash-sale", "--orders", "100", "--units", "100"])

    assert code != 0
    assert "give it more orders" in capsys.readouterr().err
