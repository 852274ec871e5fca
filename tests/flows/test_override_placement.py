"""People decide as they want, within what holds for everybody, and it is kept who and why."""

from collections.abc import Mapping
from types import MappingProxyType

import pytest

from shared.contracts.stock import MissingUnits, ParcelShortPicked
from shared.flows.override_placement import (
    CannotBePlaced,
    Override,
    hold_order,
    override_placement,
    release_order,
)
from shared.flows.rules import Rules
from shared.flows.short_pick import short_pick
from shared.flows.track_parcel import track_parcel
from shared.kit.errors import Malformed
from shared.kit.lifecycle import IllegalTransition
from shared.orders import store as orders
from shared.orders.types import TooLateToChange, UnknownOrder
from shared.people.types import Person
from shared.platform.db import Database
from tests.flows import doubles, updates
from tests.flows.test_replay_decisions import replay
from tests.support import given

ADA = Person("ada", "the customer has called")
LIVE = """
    SELECT warehouse, sku, quantity FROM parcels JOIN parcel_items USING (parcel_id)
     WHERE state <> 'cancelled' ORDER BY 1, 2
"""
STATE = "SELECT state, state_reason FROM orders"


@pytest.fixture
def placed(database: Database) -> Database:
    """Two mugs and a pen from Berlin; Lisbon and Munich have them too, farther away."""
    have = {"MUG": 5, "PEN": 5}
    given.catalogue(database, {"BER": have, "LIS": have, "MUC": {"MUG": 1, "PEN": 0}})
    given.order(database, "ord_1", {"MUG": 2, "PEN": 1})
    given.place(database, "ord_1")
    given.silence(database)
    return database


def override(
    database: Database,
    *warehouses: str,
    units: Mapping[str, Mapping[str, int]] = MappingProxyType({}),
    order_id: str = "ord_1",
) -> None:
    wanted = Override(order_id, ADA, frozenset(warehouses), units)
    database.run(lambda tx: override_placement(tx, wanted, Rules()), given.cause())


def test_it_is_sent_from_where_a_person_wants(placed: Database) -> None:
    override(placed, "LIS")

    assert given.rows(placed, LIVE) == [("LIS", "MUG", 2), ("LIS", "PEN", 1)]
    assert given.rows(
        placed,
        "SELECT outcome, decided_by, reason FROM placement_decisions ORDER BY decided_by",
    ) == [("placed", "ada", "the customer has called"), ("placed", "engine", "")]
    assert given.told(placed) == [
        "parcel.cancelled",
        "order.placed",
        "parcel.planned",
        "work.buy_label",
    ]
    assert given.violations(placed) == []
    assert replay(placed).differences == ()


def test_it_is_split_as_a_person_wants(placed: Database) -> None:
    override(placed, units={"BER": {"MUG": 1, "PEN": 1}, "MUC": {"MUG": 1}})

    assert given.rows(placed, LIVE) == [("BER", "MUG", 1), ("BER", "PEN", 1), ("MUC", "MUG", 1)]
    assert given.violations(placed) == []
    assert replay(placed).differences == ()


def test_once_more_it_is_decided_by_what_holds_now(placed: Database) -> None:
    given.works(placed, "BER", closed_for="a flood")

    override(placed)

    assert given.rows(placed, LIVE) == [("LIS", "MUG", 2), ("LIS", "PEN", 1)]


@pytest.mark.parametrize(
    ("warehouses", "units", "said"),
    [
        (("MUC",), {}, r"not from there: BER: ada wants it from elsewhere; .*MUC: short of MUG by"),
        ((), {"MUC": {"MUG": 2, "PEN": 1}}, "MUC: short of MUG by 1; short of PEN by 1"),
        ((), {"BER": {"MUG": 2}}, "units: 0 of PEN are given, and 1 are to be sent"),
        (("MARS",), {}, "warehouse: there is no MARS"),
    ],
)
def test_what_cannot_be_says_why_and_changes_nothing(
    placed: Database, warehouses: tuple[str, ...], units: dict[str, dict[str, int]], said: str
) -> None:
    before = given.rows(placed, LIVE)

    with pytest.raises(CannotBePlaced, match=said):
        override(placed, *warehouses, units=units)

    assert given.rows(placed, LIVE) == before
    assert given.told(placed) == []
    assert given.violations(placed) == []


def test_a_person_sells_no_more_than_the_channel_may(placed: Database) -> None:
    # Goal: the same constraints for people and for the engine.
    placed.run(lambda tx: orders.set_scope(tx, "web", {"BER": 100}), given.cause())

    with pytest.raises(CannotBePlaced):
        override(placed, "LIS")


def test_what_is_picked_goes_its_way(placed: Database) -> None:
    (parcel,) = doubles.parcels_of(placed, "ord_1")
    doubles.picked(placed, parcel)

    with pytest.raises(TooLateToChange):
        override(placed, "LIS")
    with pytest.raises(TooLateToChange):
        hold(placed)


def test_what_has_left_is_not_decided_about(placed: Database) -> None:
    (code,) = doubles.labelled(placed, "ord_1")
    news = updates.body(code, [("in_transit", placed.now())])
    given.apply(placed, track_parcel, updates.received(placed, news))

    with pytest.raises(IllegalTransition):
        override(placed, "LIS")


def test_what_was_kept_for_it_is_taken_by_it(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 0}})
    given.order(database, "ord_1", {"MUG": 1})
    given.place(database, "ord_1")
    given.receive(database, "BER", {"MUG": 1})

    override(database)

    assert given.rows(database, "SELECT reserved, held FROM stock_levels") == [(1, 0)]
    assert given.violations(database) == []


def test_a_warehouse_that_could_not_pick_it_is_asked_again_by_name(database: Database) -> None:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    (parcel,) = doubles.parcels_of(database, "ord_1")
    missing = ParcelShortPicked(
        warehouse="BER",
        parcel_id=parcel,
        short_picked_at=database.now(),
        lines=(MissingUnits(sku="MUG", missing=1),),
    )
    given.apply(database, short_pick, missing)
    given.place(database, "ord_1")

    with pytest.raises(CannotBePlaced, match="BER could not pick MUG for it before; name BER"):
        override(database)
    override(database, "BER")

    assert given.rows(database, LIVE) == [("BER", "MUG", 2)]
    assert given.violations(database) == []


def hold(database: Database) -> None:
    database.run(lambda tx: hold_order(tx, "ord_1", ADA), given.cause())


def release(database: Database) -> None:
    database.run(lambda tx: release_order(tx, "ord_1", ADA), given.cause())


def test_a_held_order_gives_everything_back_and_is_not_placed(placed: Database) -> None:
    hold(placed)
    hold(placed)
    given.place(placed, "ord_1")

    assert given.rows(placed, STATE) == [("review", "held by ada: the customer has called")]
    assert given.rows(placed, "SELECT sum(reserved) FROM stock_levels") == [(0,)]
    assert given.told(placed).count("order.needs_review") == 1
    assert given.violations(placed) == []


def test_an_order_in_review_that_is_held_as_well_says_who_wants_that(placed: Database) -> None:
    hold(placed)
    fraud = Person("ben", "it may be fraud")
    placed.run(lambda tx: hold_order(tx, "ord_1", fraud), given.cause())

    assert given.rows(placed, STATE) == [("review", "held by ben: it may be fraud")]
    acts = given.rows(placed, "SELECT actor, reason FROM audit_log ORDER BY audit_id")
    assert acts == [("ada", "the customer has called"), ("ben", "it may be fraud")]
    assert given.violations(placed) == []


def test_a_released_order_is_placed_again(placed: Database) -> None:
    hold(placed)
    given.silence(placed)

    release(placed)

    assert given.told(placed) == ["order.changed"]
    given.place(placed, "ord_1")
    assert given.rows(placed, STATE)[0][0] == "placed"
    with pytest.raises(CannotBePlaced, match="is placed, not in review"):
        release(placed)


def test_nobody_decides_without_a_name_and_a_reason(placed: Database) -> None:
    with pytest.raises(Malformed, match="by: 1 to 200 characters"):
        Person("", "because")
    with pytest.raises(Malformed, match="reason: 1 to 200 characters"):
        Person("ada", " ")


def test_an_order_that_is_not_there_is_told(placed: Database) -> None:
    with pytest.raises(UnknownOrder, match="there is no order ord_9"):
        override(placed, order_id="ord_9")
