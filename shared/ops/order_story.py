"""What a customer wants to know of an order: where it is, when it comes, what they have to do.

Pure, and in no language: what is told are words of ours, days and counts, which a page puts into
sentences. Days are those of the zone nearest to where the order goes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import IntEnum, StrEnum
from itertools import groupby
from zoneinfo import ZoneInfo

from shared.kit.clock import day_in
from shared.kit.languages import Language, language_for
from shared.ops.followed_orders import FollowedOrder, FollowedParcel, News


class Situation(StrEnum):
    """How things stand with an order or a parcel. What a customer has to act upon comes first."""

    DELIVERY_FAILED = "delivery_failed"
    READY_FOR_PICKUP = "ready_for_pickup"
    OUT_FOR_DELIVERY = "out_for_delivery"
    ON_ITS_WAY = "on_its_way"
    DELAYED = "delayed"
    ON_HOLD = "on_hold"
    PACKED = "packed"
    BEING_PACKED = "being_packed"
    GOING_BACK = "going_back"
    DELIVERED = "delivered"
    RECEIVED = "received"  # from here on of orders only
    OUT_OF_STOCK = "out_of_stock"
    PARTLY_DELIVERED = "partly_delivered"  # and the rest has no parcel yet
    CANCELLED = "cancelled"


class Arrival(StrEnum):
    """How much can be said about when a parcel comes."""

    ON = "on"  # the day
    BY = "by"  # the day that was promised
    LATER = "later"  # than promised, and nobody knows when
    OVER = "over"  # it has come, goes back, or will not be sent


class Step(IntEnum):
    """How far a parcel has come."""

    ORDERED = 1
    PACKED = 2
    ON_ITS_WAY = 3
    OUT_FOR_DELIVERY = 4
    DELIVERED = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a history: `what` is a tracking status of ours, `ordered`, `packed`, `cancelled`.

    `last_at` is when the same was reported last, where it was reported again.
    """

    what: str
    at: datetime
    reason: str | None = None
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ParcelStory:
    """One parcel. `day` belongs to `arrival`; of one that has come it is when it did."""

    situation: Situation
    arrival: Arrival
    day: date | None
    step: Step | None  # None: it goes back
    is_late: bool
    reason: str | None  # why it does not go its usual way
    carrier: str
    code_end: str | None
    units: int
    history: tuple[Entry, ...]  # newest first


@dataclass(frozen=True, slots=True)
class Story:
    """An order. `lead` is the parcel that its headline is about; None where it has none."""

    language: Language
    number_end: str
    situation: Situation
    arrival: Arrival
    day: date | None
    lead: ParcelStory | None
    parcels: tuple[ParcelStory, ...]
    is_late: bool
    delivered: int  # parcels
    history: tuple[Entry, ...]  # of an order without parcels, newest first
    ordered_on: date
    promised_on: date
    is_wanted_back: bool
    out_of_stock: int
    waiting: int
    cancelled: int  # of an order that is not cancelled as a whole
    restocked_on: date | None  # when what is out of stock can probably be sent
    today: date
    zone: tzinfo


_SITUATIONS = {
    "picked_up": Situation.ON_ITS_WAY,
    "in_transit": Situation.ON_ITS_WAY,
    "out_for_delivery": Situation.OUT_FOR_DELIVERY,
    "ready_for_pickup": Situation.READY_FOR_PICKUP,
    "delivery_failed": Situation.DELIVERY_FAILED,
    "delivery_delayed": Situation.DELAYED,
    "on_hold": Situation.ON_HOLD,
}
_STEPS = {
    Situation.BEING_PACKED: Step.ORDERED,
    Situation.PACKED: Step.PACKED,
    Situation.ON_ITS_WAY: Step.ON_ITS_WAY,
    Situation.DELAYED: Step.ON_ITS_WAY,
    Situation.ON_HOLD: Step.ON_ITS_WAY,
    Situation.OUT_FOR_DELIVERY: Step.OUT_FOR_DELIVERY,
    Situation.DELIVERY_FAILED: Step.OUT_FOR_DELIVERY,
    Situation.READY_FOR_PICKUP: Step.OUT_FOR_DELIVERY,
    Situation.DELIVERED: Step.DELIVERED,
}
# These say by themselves what comes next, so no day is told.
_HAS_NO_DAY = frozenset(
    {
        Situation.DELIVERY_FAILED,
        Situation.READY_FOR_PICKUP,
        Situation.DELAYED,
        Situation.ON_HOLD,
    }
)
# What moves nothing, or that we have no words for, is not told.
_UNTOLD = frozenset({"unknown", "cancelled"})
_OVER = frozenset({Situation.DELIVERED, Situation.GOING_BACK})


def tell(order: FollowedOrder, now: datetime) -> Story:
    """The order's story as it is at `now`."""
    zone = ZoneInfo(order.time_zone)
    today, promised_on = day_in(zone, now), day_in(zone, order.promised_at)
    parcels = tuple(_parcel(order, parcel, today, promised_on, zone) for parcel in order.parcels)
    lead = min(parcels, key=_comes_first, default=None)
    has_rest = bool(order.out_of_stock or order.waiting)
    situation, arrival, day = _headline(order, lead, has_rest=has_rest)
    if lead is None and arrival is Arrival.BY:
        arrival, day = _by(promised_on, today)
    return Story(
        language=language_for(order.language, order.country),
        number_end=order.number_end,
        situation=situation,
        arrival=arrival,
        day=day,
        lead=lead,
        parcels=parcels,
        is_late=lead.is_late if lead else today > promised_on and order.state != "cancelled",
        delivered=sum(parcel.situation is Situation.DELIVERED for parcel in parcels),
        history=_beginnings(order) if lead is None else (),
        ordered_on=day_in(zone, order.ordered_at),
        promised_on=promised_on,
        is_wanted_back=order.is_wanted_back and order.state != "cancelled",
        out_of_stock=order.out_of_stock,
        waiting=order.waiting,
        cancelled=0 if order.state == "cancelled" else order.cancelled,
        restocked_on=_restocked_on(order, today, zone),
        today=today,
        zone=zone,
    )


def _headline(
    order: FollowedOrder, lead: ParcelStory | None, *, has_rest: bool
) -> tuple[Situation, Arrival, date | None]:
    if order.state == "cancelled":
        return Situation.CANCELLED, Arrival.OVER, None
    if lead is None:
        if order.state == "backordered":
            return Situation.OUT_OF_STOCK, Arrival.LATER, None
        return Situation.RECEIVED, Arrival.BY, None
    if lead.situation is Situation.DELIVERED and has_rest:
        return Situation.PARTLY_DELIVERED, Arrival.OVER, None
    return lead.situation, lead.arrival, lead.day


def _parcel(
    order: FollowedOrder, parcel: FollowedParcel, today: date, promised_on: date, zone: tzinfo
) -> ParcelStory:
    situation = _situation(parcel, today, zone)
    arrival, day = _arrival(parcel, situation, today, promised_on, zone)
    is_over = situation in _OVER
    return ParcelStory(
        situation=situation,
        arrival=arrival,
        day=day,
        step=_STEPS.get(situation),
        is_late=not is_over
        and (
            today > promised_on or (arrival is Arrival.ON and day is not None and day > promised_on)
        ),
        reason=None if situation is Situation.DELIVERED else _reason(parcel),
        carrier=parcel.carrier,
        code_end=parcel.code_end,
        units=parcel.units,
        history=_history(order, parcel),
    )


def _situation(parcel: FollowedParcel, today: date, zone: tzinfo) -> Situation:
    if parcel.returned_at is not None:
        return Situation.GOING_BACK
    if parcel.delivered_at is not None:
        return Situation.DELIVERED
    if parcel.shipped_at is None:
        return Situation.BEING_PACKED if parcel.picked_at is None else Situation.PACKED
    found = _SITUATIONS.get(parcel.status, Situation.ON_ITS_WAY)
    is_stale = parcel.status_at is None or day_in(zone, parcel.status_at) < today
    if found is Situation.OUT_FOR_DELIVERY and is_stale:
        return Situation.ON_ITS_WAY  # the day went by, and nobody has told how it ended
    return found


def _arrival(
    parcel: FollowedParcel, situation: Situation, today: date, promised_on: date, zone: tzinfo
) -> tuple[Arrival, date | None]:
    if situation is Situation.DELIVERED:
        return Arrival.OVER, day_in(zone, parcel.delivered_at) if parcel.delivered_at else None
    if situation is Situation.GOING_BACK:
        return Arrival.OVER, None
    if situation is Situation.OUT_FOR_DELIVERY:
        return Arrival.ON, today
    if situation in _HAS_NO_DAY:
        return Arrival.LATER, None
    if parcel.arrives_on is None:
        return _by(promised_on, today)
    expected_on = parcel.arrives_on
    if parcel.ship_on is not None:
        # As many days as it was planned to take, from the day on which it really leaves.
        left_on = today if parcel.shipped_at is None else day_in(zone, parcel.shipped_at)
        expected_on += max(left_on - parcel.ship_on, timedelta(0))
    return (Arrival.ON, expected_on) if expected_on >= today else (Arrival.LATER, None)


def _by(promised_on: date, today: date) -> tuple[Arrival, date | None]:
    return (Arrival.BY, promised_on) if promised_on >= today else (Arrival.LATER, None)


def _reason(parcel: FollowedParcel) -> str | None:
    """Why it stands as it does: as its latest news with its status says."""
    reasons = [news.reason for news in parcel.news if news.status == parcel.status]
    return reasons[-1] if reasons else None


def _history(order: FollowedOrder, parcel: FollowedParcel) -> tuple[Entry, ...]:
    end = parcel.returned_at or parcel.delivered_at
    last = "return_to_sender" if parcel.returned_at else "delivered"
    # What comes after the end contradicts it, or is the arrival back at the sender.
    told = [
        news
        for news in parcel.news
        if news.status not in _UNTOLD
        and (end is None or news.status == last or news.occurred_at < end)
    ]
    entries = [Entry("ordered", order.ordered_at)]
    if parcel.picked_at is not None:
        entries.append(Entry("packed", parcel.picked_at))
    entries += _merged(told)
    entries.sort(key=lambda entry: entry.at)
    return tuple(reversed(entries))


def _merged(told: Sequence[News]) -> Iterable[Entry]:
    """Scan after scan of the same is one line."""
    for (status, reason), same in groupby(told, key=lambda news: (news.status, news.reason)):
        moments = [news.occurred_at for news in same]
        last_at = moments[-1] if moments[-1] != moments[0] else None
        yield Entry(status, moments[0], reason, last_at)


def _beginnings(order: FollowedOrder) -> tuple[Entry, ...]:
    entries = [Entry("ordered", order.ordered_at)]
    if order.state == "cancelled" and order.closed_at is not None:
        entries.insert(0, Entry("cancelled", order.closed_at))
    return tuple(entries)


def _comes_first(parcel: ParcelStory) -> tuple[int, int, int]:
    """Those that ask something of the customer, then who comes first, then who goes back or came.

    Of those that have come the last one: with it the order had.
    """
    rank = list(Situation).index(parcel.situation)
    asks = list(Situation).index(Situation.OUT_FOR_DELIVERY)
    is_over = parcel.arrival is Arrival.OVER
    day = (parcel.day or date.max).toordinal()
    return rank if rank <= asks else asks + 1 + is_over, -day if is_over else day, rank


def _restocked_on(order: FollowedOrder, today: date, zone: tzinfo) -> date | None:
    if order.expected_at is None or not order.out_of_stock:
        return None
    day = day_in(zone, order.expected_at)
    return day if day >= today else None
