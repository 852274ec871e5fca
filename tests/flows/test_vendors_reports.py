"""What different vendors report of a parcel, folded by the same flow into the same words."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import permutations
from typing import Any

import pytest

from shared.contracts.parcels import CarrierUpdateReceived
from shared.flows.receive_carrier_update import receive_carrier_update
from shared.flows.track_parcel import NobodyReads, track_parcel
from shared.kit.errors import DoneBefore
from shared.kit.ids import derived_id
from shared.platform.db import Database
from tests.flows import doubles
from tests.support import given
from tests.support.clock import TestClock
from tests.support.database import empty
from tests.tracking.lab.cases.case import Scan
from tests.tracking.lab.cases.table import ALL_VENDORS, CASES

T0 = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
VENDORS = sorted(ALL_VENDORS)
track_of_all = partial(track_parcel, vendors=ALL_VENDORS)
END = """
    SELECT orders.state, parcels.state, tracking_status, shipped_at, delivered_at, last_update_at,
           (SELECT sum(on_hand) FROM stock_levels), (SELECT sum(reserved) FROM stock_levels)
      FROM orders JOIN parcels USING (order_id)
"""


def labelled(database: Database) -> str:
    given.catalogue(database, {"BER": {"MUG": 5}})
    given.order(database, "ord_1", {"MUG": 2})
    given.place(database, "ord_1")
    (code,) = doubles.labelled(database, "ord_1")
    given.silence(database)
    return code


def report(
    database: Database,
    vendor: str,
    code: str,
    history: Sequence[Scan],
    track: Callable[..., None] = track_of_all,
) -> None:
    body = CASES[vendor].body(code, history)
    with suppress(DoneBefore):
        database.run(lambda tx: receive_carrier_update(tx, vendor, code, body), given.cause())
    update_id = derived_id("cup", vendor, body.decode())
    event = CarrierUpdateReceived(update_id=update_id, vendor=vendor, tracking_code=code)
    given.apply(database, track, event)


def news(database: Database) -> list[dict[str, Any]]:
    rows = given.rows(
        database,
        "SELECT body FROM outbox WHERE destination = 'delivery-events' ORDER BY outbox_id",
    )
    return [json.loads(body) for (body,) in rows]


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_parcel_comes_home_by_what_any_vendor_reports(
    database: Database, clock: TestClock, vendor: str
) -> None:
    code = labelled(database)
    clock.now = T0 + 10 * HOUR
    case = CASES[vendor]
    history = [Scan(*case.moving, T0), Scan(*case.delivered, T0 + 9 * HOUR)]

    for length in (1, 2, 1, 2):  # the whole history every time, and an old one late
        report(database, vendor, code, history[:length])

    assert given.rows(database, END) == [
        ("delivered", "delivered", "delivered", T0, T0 + 9 * HOUR, T0 + 9 * HOUR, 3, 0)
    ]
    assert given.rows(database, "SELECT count(*) FROM tracking_events") == [(2,)]
    assert [told["status"] for told in news(database)] == ["in_transit", "delivered"]
    assert given.violations(database) == []


def test_vendors_that_watch_the_same_parcel_come_to_one_end_in_any_order(
    database: Database, clock: TestClock
) -> None:
    clock.now = T0 + 10 * HOUR
    ends = set()
    watching = ("easypost", "17track", "shipengine")
    for order in permutations(watching):
        empty(database)
        code = labelled(database)
        for number, vendor in enumerate(order):
            case = CASES[vendor]
            place = watching.index(vendor)
            history = [Scan(*case.moving, T0 + place * HOUR)]
            if place == 1:
                history.append(Scan(*case.delivered, T0 + 9 * HOUR))
            report(database, vendor, code, history)
            if not number:
                report(database, vendor, code, history)
        ends.update(given.rows(database, END))
        assert given.rows(database, "SELECT count(*) FROM tracking_events") == [(4,)]
        assert given.violations(database) == []

    assert ends == {("delivered", "delivered", "delivered", T0, T0 + 9 * HOUR, T0 + 9 * HOUR, 3, 0)}


def test_the_reason_is_told_and_kept_where_the_carrier_gives_one(database: Database) -> None:
    code = labelled(database)
    history = [
        Scan("InTransit", "InTransit_003", T0),
        Scan("AttemptFail", "AttemptFail_002", T0 + HOUR),
    ]

    report(database, "aftership", code, history)
    report(database, "aftership", code, [*history, Scan("InTransit", "", T0 + 2 * HOUR)])

    assert [(told["status"], told["reason"]) for told in news(database)] == [
        ("delivery_failed", "consignee_not_available"),
        ("in_transit", None),
    ]
    assert given.rows(
        database,
        "SELECT raw_status, detail, status, reason FROM tracking_events ORDER BY occurred_at",
    ) == [
        ("InTransit", "InTransit_003", "in_transit", None),
        ("AttemptFail", "AttemptFail_002", "delivery_failed", "consignee_not_available"),
        ("InTransit", "", "in_transit", None),
    ]


def test_a_code_that_no_table_has_is_kept_counted_and_moves_nothing(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    code = labelled(database)
    capsys.readouterr()

    history = [Scan("TRANSIT", "package_arrived", T0), Scan("BEAMED", "up", T0 + HOUR)]
    report(database, "shippo", code, history)

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (counted,) = [line for line in lines if line["message"] == "tracking.undocumented_code"]
    assert (counted["vendor"], counted["raw_status"], counted["detail"]) == (
        "shippo",
        "BEAMED",
        "up",
    )
    assert given.rows(
        database, "SELECT status, raw_status, detail FROM tracking_events ORDER BY occurred_at"
    ) == [("in_transit", "TRANSIT", "package_arrived"), ("unknown", "BEAMED", "up")]
    assert given.rows(database, "SELECT tracking_status FROM parcels") == [("in_transit",)]


def test_an_update_of_a_vendor_that_a_setting_no_longer_describes_is_a_fault(
    database: Database,
) -> None:
    # Goal: with the setting back it is read; it is not lost, and nothing is guessed.
    code = labelled(database)
    history = [Scan(*CASES["loggi"].moving, T0)]

    with pytest.raises(NobodyReads):
        report(database, "loggi", code, history, track_parcel)
    report(database, "loggi", code, history)

    assert given.rows(database, "SELECT tracking_status FROM parcels") == [("in_transit",)]
