"""What is odd about each vendor's payloads and has to be read right all the same."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.kit.errors import Malformed
from shared.tracking.fold import Progress, fold
from shared.tracking.types import TrackingReason, TrackingReport, TrackingStatus, TrackingUpdate
from shared.tracking.vendors.table import VENDORS

S = TrackingStatus


def read(vendor: str, document: dict[str, Any]) -> TrackingReport:
    report = VENDORS[vendor].read(json.dumps(document).encode())
    assert report is not None
    return report


def told(updates: Sequence[TrackingUpdate]) -> list[tuple[str, str]]:
    return [(update.status, f"{update.occurred_at:%d %H:%M}") for update in updates]


def aftership(*checkpoints: dict[str, Any], **tracking: Any) -> dict[str, Any]:
    msg = {"tracking_number": "1", "slug": "dhl", "tag": "InTransit", "checkpoints": checkpoints}
    return {"event": "tracking_update", "ts": 1, "msg": {**msg, **tracking}}


@pytest.mark.parametrize(
    ("shown", "moment"),
    [
        ("2026-03-01T12:00:00+02:00", "2026-03-01T10:00"),
        ("2026-03-01T12:00:00", "2026-03-01T12:00"),  # the offset is left out: as if it were UTC
        ("2026-03-01", "2026-03-01T00:00"),
        ("2026-03-01T23:00:00", "2026-03-01T20:00"),  # not later than it was seen
        ("", "2026-03-01T20:00"),
        (None, "2026-03-01T20:00"),
    ],
)
def test_aftership_shows_times_as_carriers_do(shown: str | None, moment: str) -> None:
    seen = "2026-03-01T20:00:00Z"
    checkpoint = {"tag": "InTransit", "checkpoint_time": shown, "created_at": seen}

    (update,) = read("aftership", aftership(checkpoint)).updates

    assert update.occurred_at == datetime.fromisoformat(moment).replace(tzinfo=UTC)


def test_aftership_without_any_time_of_a_checkpoint_is_refused() -> None:
    with pytest.raises(Malformed) as caught:
        read("aftership", aftership({"tag": "InTransit"}))

    assert caught.value.field == "msg.checkpoints.0.checkpoint_time"


@pytest.mark.parametrize("checkpoints", [None, []])
def test_aftership_without_checkpoints_counts_as_of_its_last_change(checkpoints: Any) -> None:
    document = aftership(tag="Pending", subtag="Pending_001", updated_at="2026-03-01T09:00:00Z")
    document["msg"]["checkpoints"] = checkpoints

    assert told(read("aftership", document).updates) == [("pending", "01 09:00")]
    document["msg"]["updated_at"] = None
    with pytest.raises(Malformed, match="updated_at"):
        read("aftership", document)


def test_aftership_says_beside_the_tag_that_a_parcel_goes_back() -> None:
    way = {"tag": "InTransit", "checkpoint_time": "2026-03-01T09:00:00Z"}
    end = {"tag": "Delivered", "checkpoint_time": "2026-03-05T09:00:00Z"}

    report = read("aftership", aftership(way, end, tag="Delivered", return_to_sender=True))

    progress = fold(Progress(), report.updates)
    assert (progress.status, progress.delivered_at) == (S.RETURN_TO_SENDER, None)


def shippo(**track: Any) -> dict[str, Any]:
    data = {"tracking_number": "1", "carrier": "usps", "tracking_history": [], **track}
    return {"event": "track_updated", "test": False, "data": data}


def test_shippo_says_in_the_substatus_what_its_status_does_not() -> None:
    moment = "2026-03-01T09:00:00Z"
    history = [
        {"status": "TRANSIT", "substatus": None, "status_date": moment},
        {"status": "TRANSIT", "substatus": {"code": "out_for_delivery"}, "status_date": moment},
    ]

    report = read("shippo", shippo(tracking_history=history, tracking_status=history[1]))

    assert [update.status for update in report.updates] == [S.IN_TRANSIT, S.OUT_FOR_DELIVERY]


def test_shippo_may_know_a_parcel_and_nothing_of_it() -> None:
    assert read("shippo", shippo(tracking_history=None, tracking_status=None)).updates == ()


def test_shippo_may_send_its_newest_status_without_a_history() -> None:
    newest = {"status": "DELIVERED", "status_date": "2026-03-01T09:00:00.123Z"}

    assert told(read("shippo", shippo(tracking_status=newest)).updates) == [
        ("delivered", "01 09:00")
    ]


def seventeen(latest: dict[str, Any], *providers: list[dict[str, Any]], **info: Any) -> Any:
    tracking = {"providers": [{"provider": {"key": 1}, "events": events} for events in providers]}
    track_info = {"latest_status": latest, "tracking": tracking, **info}
    data = {"number": "1", "carrier": 2151, "track_info": track_info}
    return {"event": "TRACKING_UPDATED", "data": data}


def scan(day: int, **facts: Any) -> dict[str, Any]:
    return {"time_utc": f"2026-03-0{day}T09:00:00Z", "time_iso": None, **facts}


def test_17track_merges_the_scans_of_several_providers() -> None:
    shared = scan(2, sub_status="InTransit_Arrival", description="Arrived")
    first = [scan(1, stage="PickedUp"), shared]
    second = [shared, scan(3, sub_status="Delivered_Other")]
    latest = {"status": "Delivered", "sub_status": "Delivered_Other"}

    report = read("17track", seventeen(latest, first, second))

    assert told(report.updates) == [
        ("picked_up", "01 09:00"),
        ("in_transit", "02 09:00"),
        ("delivered", "03 09:00"),
    ]
    assert report.carrier == "2151"


def test_17track_scans_without_a_sort_are_history_and_the_latest_status_sums_them_up() -> None:
    scans = [scan(1, description="Left"), scan(2, description="Somewhere")]
    latest = {"status": "InTransit", "sub_status": "InTransit_Other"}

    updates = read("17track", seventeen(latest, scans)).updates

    assert told(updates) == [
        ("unknown", "01 09:00"),
        ("unknown", "02 09:00"),
        ("in_transit", "02 09:00"),
    ]
    assert {update.is_documented for update in updates} == {True}


def test_17track_without_a_scan_counts_as_of_its_latest_event() -> None:
    latest = {"status": "InfoReceived", "sub_status": "InfoReceived"}
    event = {"time_utc": "", "time_iso": "2026-03-01T09:00:00+08:00"}

    document = seventeen(latest, latest_event=event)

    assert told(read("17track", document).updates) == [("pending", "01 01:00")]
    document["data"]["track_info"]["latest_event"] = None
    with pytest.raises(Malformed, match="latest_event"):
        read("17track", document)


def test_17track_a_scan_without_a_time_is_refused_by_where_it_stands() -> None:
    scans = [scan(1), {"description": "when?"}]

    with pytest.raises(Malformed) as caught:
        read("17track", seventeen({"status": "InTransit"}, [], scans))

    assert caught.value.field == "data.track_info.tracking.providers.1.events.1.time_utc"


def shipengine(*events: dict[str, Any], **tracking: Any) -> dict[str, Any]:
    data = {"tracking_number": "1", "carrier_code": "ups", "status_code": "IT", "events": events}
    return {"resource_type": "API_TRACK", "data": {**data, **tracking}}


def test_shipengine_the_scanners_clock_is_not_read_whatever_it_ends_in() -> None:
    event = {
        "occurred_at": "2026-03-01T13:00:00Z",
        "carrier_occurred_at": "2026-03-01T09:00:00Z",
        "status_code": "IT",
    }

    assert told(read("shipengine", shipengine(event)).updates) == [("in_transit", "01 13:00")]


def test_shipengine_a_remark_without_a_code_is_not_a_scan() -> None:
    remark = {"occurred_at": "2026-03-02T13:00:00Z", "description": "Your parcel is coming"}
    left = {"occurred_at": "2026-03-01T13:00:00Z", "status_code": "AC"}

    report = read("shipengine", shipengine(left, remark, status_code="DE"))

    assert told(report.updates) == [("picked_up", "01 13:00"), ("delivered", "02 13:00")]


def test_shipengine_without_events_counts_as_of_the_day_on_which_it_left() -> None:
    document = shipengine(status_code="NY", ship_date="2026-03-01T00:00:00")

    assert told(read("shipengine", document).updates) == [("pending", "01 00:00")]
    document["data"]["ship_date"] = None
    with pytest.raises(Malformed, match="events"):
        read("shipengine", document)


@pytest.mark.parametrize("resource_type", ["API_TRACK", "TRACK_EVENT_V2"])
def test_shipengine_has_two_names_for_a_tracking(resource_type: str) -> None:
    document = {**shipengine(status_code="DE", ship_date="2026-03-01T00:00:00Z")}
    document["resource_type"] = resource_type

    assert [update.status for update in read("shipengine", document).updates] == [S.DELIVERED]


def test_shipengine_the_detail_says_that_an_exception_is_a_return() -> None:
    event = {
        "occurred_at": "2026-03-01T13:00:00Z",
        "status_code": "EX",
        "status_detail_code": "REFUSED_BY_CUSTOMER",
    }

    (update,) = read("shipengine", shipengine(event, status_code="EX")).updates

    assert (update.status, update.reason) == (
        S.RETURN_TO_SENDER,
        TrackingReason.CONSIGNEE_REFUSED,
    )
