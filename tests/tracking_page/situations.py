"""Orders in every situation that a customer may find theirs in, as the database gives them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from shared.ops.followed_orders import FollowedOrder, FollowedParcel, News

NOW = datetime(2026, 12, 2, 15, 30, tzinfo=UTC)  # a Wednesday
TODAY = NOW.date()
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
ORDERED_AT = NOW - 2 * DAY - 5 * HOUR
PACKED_AT = NOW - 2 * DAY + 1 * HOUR
SHIPPED_AT = NOW - 1 * DAY - 20 * HOUR


def order(*parcels: FollowedParcel, **fields: Any) -> FollowedOrder:
    """One that was promised for Friday."""
    said: dict[str, Any] = {
        "number_end": "4711",
        "state": "placed",
        "language": "en",
        "country": "BR",
        "time_zone": "America/Sao_Paulo",
        "ordered_at": ORDERED_AT,
        "promised_at": datetime(2026, 12, 4, 23, 0, tzinfo=UTC),
        "expected_at": None,
        "closed_at": None,
        "is_wanted_back": False,
        "out_of_stock": 0,
        "waiting": 0,
        "cancelled": 0,
    }
    return FollowedOrder(**{**said, **fields}, parcels=parcels)


def parcel(**fields: Any) -> FollowedParcel:
    """One that is planned to arrive on Thursday."""
    said: dict[str, Any] = {
        "carrier": "correios",
        "code_end": "08BR",
        "units": 3,
        "state": "labelled",
        "status": "pending",
        "status_at": None,
        "ship_on": TODAY - 1 * DAY,
        "arrives_on": TODAY + 1 * DAY,
        "picked_at": None,
        "shipped_at": None,
        "delivered_at": None,
        "returned_at": None,
        "news": (),
    }
    return FollowedParcel(**{**said, **fields})


def told(*news: tuple[str, timedelta] | tuple[str, timedelta, str]) -> tuple[News, ...]:
    """News by how long ago it was."""
    return tuple(
        News(status, reason[0] if reason else None, NOW - ago) for status, ago, *reason in news
    )


def moving(
    *news: tuple[str, timedelta] | tuple[str, timedelta, str], **fields: Any
) -> FollowedParcel:
    """A parcel with its carrier; the last news is where it stands."""
    history = told(("pending", 2 * DAY), ("picked_up", 44 * HOUR), ("in_transit", 40 * HOUR), *news)
    said: dict[str, Any] = {
        "state": "shipped",
        "status": history[-1].status,
        "status_at": history[-1].occurred_at,
        "picked_at": PACKED_AT,
        "shipped_at": SHIPPED_AT,
        "news": history,
    }
    return parcel(**{**said, **fields})


def arrived(ago: timedelta, **fields: Any) -> FollowedParcel:
    """A parcel that has been delivered."""
    out = ("out_for_delivery", ago + 3 * HOUR)
    return moving(out, ("delivered", ago), state="delivered", delivered_at=NOW - ago, **fields)


GOING_BACK = moving(
    ("delivery_failed", 9 * HOUR, "consignee_refused"),
    ("return_to_sender", 5 * HOUR, "consignee_refused"),
    state="returned",
    returned_at=NOW - 5 * HOUR,
)

SITUATIONS: Mapping[str, FollowedOrder] = {
    "received": order(state="waiting", ordered_at=NOW - HOUR),
    "review": order(state="review", promised_at=NOW - DAY),
    "out-of-stock": order(
        state="backordered", out_of_stock=2, expected_at=NOW + 6 * DAY, promised_at=NOW + 9 * DAY
    ),
    "being-packed": order(parcel(code_end=None, state="planned", ship_on=TODAY)),
    "packed": order(parcel(picked_at=PACKED_AT, ship_on=TODAY)),
    "on-its-way": order(moving(("in_transit", 6 * HOUR)), state="shipped"),
    "out-for-delivery": order(
        moving(("in_transit", 20 * HOUR), ("out_for_delivery", 4 * HOUR)), state="shipped"
    ),
    "late": order(moving(arrives_on=TODAY + 4 * DAY, ship_on=TODAY - 2 * DAY), state="shipped"),
    "overdue": order(
        moving(
            arrives_on=TODAY - 5 * DAY,
            ship_on=TODAY - 8 * DAY,
            picked_at=NOW - 9 * DAY,
            shipped_at=NOW - 8 * DAY,
            news=told(("pending", 9 * DAY), ("in_transit", 8 * DAY), ("in_transit", 6 * DAY)),
        ),
        state="shipped",
        ordered_at=NOW - 10 * DAY,
        promised_at=NOW - 4 * DAY,
    ),
    "delayed": order(moving(("delivery_delayed", 6 * HOUR, "weather_delay")), state="shipped"),
    "on-hold": order(moving(("on_hold", 6 * HOUR, "customs_documentation")), state="shipped"),
    "failed": order(
        moving(
            ("out_for_delivery", 8 * HOUR),
            ("delivery_failed", 2 * HOUR, "consignee_not_available"),
        ),
        state="shipped",
    ),
    "pickup": order(
        moving(
            ("delivery_failed", 26 * HOUR, "consignee_not_available"),
            ("ready_for_pickup", 22 * HOUR),
        ),
        state="shipped",
    ),
    "delivered": order(arrived(3 * HOUR), state="delivered", closed_at=NOW - 3 * HOUR),
    "delivered-long-ago": order(
        parcel(
            state="delivered",
            status="delivered",
            status_at=NOW - 20 * DAY,
            picked_at=NOW - 22 * DAY,
            shipped_at=NOW - 22 * DAY,
            delivered_at=NOW - 20 * DAY,
            news=told(("in_transit", 22 * DAY), ("delivered", 20 * DAY)),
        ),
        state="delivered",
        ordered_at=NOW - 23 * DAY,
        closed_at=NOW - 20 * DAY,
    ),
    "two-parcels": order(
        arrived(20 * HOUR, units=1),
        moving(("delivery_delayed", 6 * HOUR, "carrier_delay"), carrier="dhl", code_end="9031"),
        state="shipped",
    ),
    "two-arrived": order(
        arrived(20 * HOUR, units=1), arrived(3 * HOUR, code_end="9031"), state="delivered"
    ),
    "two-on-their-way": order(
        moving(("in_transit", 5 * HOUR)),
        parcel(carrier="jadlog", units=1, picked_at=PACKED_AT, arrives_on=TODAY + 5 * DAY),
        state="shipped",
    ),
    "going-back": order(GOING_BACK, state="returned", closed_at=NOW - 5 * HOUR),
    "cancelled": order(state="cancelled", cancelled=3, closed_at=NOW - HOUR),
    "wanted-back": order(moving(), state="shipped", is_wanted_back=True),
    "rest-out-of-stock": order(
        moving(("in_transit", 5 * HOUR)),
        state="partly_placed",
        out_of_stock=2,
        expected_at=NOW + 8 * DAY,
    ),
    "rest-follows": order(arrived(20 * HOUR), state="partly_placed", waiting=1, cancelled=1),
    "no-days-known": order(moving(arrives_on=None, ship_on=None), state="shipped"),
}
NEXT_YEAR = replace(SITUATIONS["being-packed"], promised_at=datetime(2027, 1, 15, 12, tzinfo=UTC))


def day(text: str) -> date:
    """A day that a test names."""
    return date.fromisoformat(text)
