"""EasyPost's payloads: the vendor's examples, every status of its table, and what we refuse."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.kit.errors import Malformed
from shared.tracking.fold import Progress, fold
from shared.tracking.types import Location, TrackingReport, TrackingStatus
from shared.tracking.vendors.easypost.payloads import read_event
from shared.tracking.vendors.easypost.statuses import STATUSES

S = TrackingStatus
FIXTURES = Path(__file__).parent / "fixtures"
NOW = "2026-05-01T12:00:00Z"


def event(**tracker: object) -> bytes:
    result = {"tracking_code": "EZ1", "status": "in_transit", "updated_at": NOW, **tracker}
    return json.dumps({"description": "tracker.updated", "result": result}).encode()


def detail(**changes: object) -> dict[str, Any]:
    return {"status": "in_transit", "datetime": NOW, **changes}


def read(body: bytes) -> TrackingReport:
    report = read_event(body)
    assert report is not None
    return report


def test_the_published_event_is_read_whole() -> None:
    report = read((FIXTURES / "easypost_event.json").read_bytes())

    assert (report.tracking_code, report.carrier) == ("1", "FedEx")
    assert [update.status for update in report.updates] == [S.PENDING] + [S.IN_TRANSIT] * 6
    picked_up = report.updates[1]
    assert picked_up.raw_status == "in_transit"
    assert picked_up.detail == "arrived_at_facility"
    assert picked_up.message == "Picked up"
    assert picked_up.occurred_at == datetime(2024, 7, 31, 19, 27, tzinfo=UTC)
    assert picked_up.location == Location("ORLANDO", "FL", "32809", "US")


def test_the_published_trackers_are_read() -> None:
    announced = read_event(event(**json.loads((FIXTURES / "easypost_tracker.json").read_text())))
    delivered = read_event(
        event(**json.loads((FIXTURES / "easypost_tracker_short.json").read_text()))
    )

    assert announced is not None
    assert delivered is not None
    assert fold(Progress(), announced.updates).status is S.PENDING
    assert fold(Progress(), delivered.updates).status is S.DELIVERED
    assert [update.status for update in delivered.updates] == [
        S.PENDING,
        S.IN_TRANSIT,
        S.DELIVERED,
    ]


@pytest.mark.parametrize(
    ("raw_status", "status"),
    [
        ("pre_transit", S.PENDING),
        ("in_transit", S.IN_TRANSIT),
        ("out_for_delivery", S.OUT_FOR_DELIVERY),
        ("available_for_pickup", S.READY_FOR_PICKUP),
        ("failure", S.DELIVERY_FAILED),
        ("return_to_sender", S.RETURN_TO_SENDER),
        ("delivered", S.DELIVERED),
        ("cancelled", S.CANCELLED),
        ("unknown", S.UNKNOWN),
        ("error", S.UNKNOWN),
    ],
)
def test_every_documented_status_has_its_word(raw_status: str, status: TrackingStatus) -> None:
    assert STATUSES.meaning(raw_status, "").status is status
    assert raw_status in STATUSES.by_status


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("received_at_origin_facility", S.PICKED_UP),
        ("delayed", S.DELIVERY_DELAYED),
        ("weather_delay", S.DELIVERY_DELAYED),
        ("held", S.ON_HOLD),
        ("arrived_at_facility", S.IN_TRANSIT),
        ("something_new", S.IN_TRANSIT),
    ],
)
def test_in_transit_has_finer_words(reason: str, status: TrackingStatus) -> None:
    assert STATUSES.meaning("in_transit", reason).status is status
    assert STATUSES.meaning("delivered", reason).status is S.DELIVERED


def test_a_status_that_nobody_documented_is_unknown_and_kept() -> None:
    (update,) = read(event(status="teleported", tracking_details=[])).updates

    assert update.status is S.UNKNOWN
    assert update.raw_status == "teleported"


def test_a_status_that_only_the_tracker_has_counts_as_of_its_newest_entry() -> None:
    details = [detail(), detail(status="pre_transit", datetime="2026-04-30T08:00:00Z")]
    later = "2026-05-03T00:00:00Z"

    report = read(event(status="delivered", tracking_details=details, updated_at=later))

    assert report.updates[-1].status is S.DELIVERED
    assert report.updates[-1].occurred_at == datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("details", [[], None])
def test_a_tracker_without_history_counts_as_of_its_last_change(details: object) -> None:
    (update,) = read(event(status="pre_transit", tracking_details=details)).updates

    assert (update.status, update.occurred_at.isoformat()) == (
        S.PENDING,
        "2026-05-01T12:00:00+00:00",
    )


def test_the_same_news_has_the_same_id_in_every_event() -> None:
    # Goal: EasyPost repeats the whole history each time, and fills in locations later.
    place = {"city": "Santos", "country": "BR"}
    first = read(event(tracking_details=[detail(message="Seen")])).updates
    again = read(
        event(
            tracking_details=[
                detail(
                    message="Seen", tracking_location=place, datetime="2026-05-01T09:00:00-03:00"
                ),
                detail(message="Seen"),
                detail(message="Seen again"),
            ]
        )
    ).updates

    assert len(again) == 2
    assert first[0].content_id == again[0].content_id
    assert again[1].content_id != again[0].content_id


def test_what_we_do_not_need_may_be_missing_null_or_odd() -> None:
    odd = detail(message=None, status_detail=7, tracking_location={"city": None, "zip": 5}, new=1)

    (update,) = read(event(carrier=None, tracking_details=[odd])).updates

    assert (update.message, update.detail, update.location) == ("", "", Location())


def test_an_event_about_something_else_is_none_of_ours() -> None:
    assert read_event(b'{"description": "batch.created", "result": {"id": "batch_1"}}') is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", ""),
        (b"\xff\xfe", ""),
        (b"[]", ""),
        (event()[:-5], ""),
        (b"{}", "description"),
        (b'{"description": "tracker.updated"}', "result"),
        (event(tracking_code=None), "result.tracking_code"),
        (event(tracking_code=""), "result.tracking_code"),
        (event(tracking_code="1" * 65), "result.tracking_code"),
        (event(status=3), "result.status"),
        (event(updated_at=None), "result.updated_at"),
        (event(tracking_details={}), "result.tracking_details"),
        (
            event(tracking_details=[detail(), detail(datetime=None)]),
            "result.tracking_details.1.datetime",
        ),
        (
            event(tracking_details=[detail(datetime="2026-05-01T12:00:00")]),
            "result.tracking_details.0.datetime",
        ),
        (
            event(tracking_details=[detail(datetime=1_777_636_800)]),
            "result.tracking_details.0.datetime",
        ),
        (event(tracking_details=[detail(status="")]), "result.tracking_details.0.status"),
    ],
)
def test_what_we_need_is_refused_by_its_dotted_name(body: bytes, field: str) -> None:
    with pytest.raises(Malformed) as caught:
        read_event(body)

    assert caught.value.field == field


def test_a_refusal_does_not_repeat_what_was_sent() -> None:
    with pytest.raises(Malformed) as caught:
        read_event(event(tracking_code={"street": "Rua Secreta"}))

    assert "Secreta" not in str(caught.value)


def test_a_text_never_holds_what_postgres_cannot_store() -> None:
    (update,) = read(event(tracking_details=[detail(message="left\0 at door")])).updates

    assert update.message == "left at door"
