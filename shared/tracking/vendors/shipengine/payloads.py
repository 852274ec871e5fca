"""ShipEngine's `API_TRACK` and `TRACK_EVENT_V2` messages, read into reports with their history.

`occurred_at` is UTC; `carrier_occurred_at` beside it is the scanner's clock, whatever it ends in,
and is not read. Source: https://docs.shipstation.com/apis/shipengine/docs/reference/webhooks-schemas.
"""

from shared.contracts.base import Document
from shared.kit.errors import Malformed
from shared.tracking.types import Location, TrackingReport, TrackingUpdate
from shared.tracking.vendors.reading import Code, LocalMoment, Tolerant, report_of, update_of
from shared.tracking.vendors.shipengine.statuses import STATUSES

TRACKING = frozenset({"API_TRACK", "TRACK_EVENT_V2"})


class _Event(Document):
    occurred_at: LocalMoment
    status_code: Tolerant = ""
    status_detail_code: Tolerant = ""
    description: Tolerant = ""
    city_locality: Tolerant = ""
    state_province: Tolerant = ""
    postal_code: Tolerant = ""
    country_code: Tolerant = ""


class _Tracking(Document):
    tracking_number: Code
    carrier_code: Tolerant = ""
    status_code: Code
    status_detail_code: Tolerant = ""
    ship_date: LocalMoment | None = None
    events: tuple[_Event, ...] | None = None


class _AnyMessage(Document):
    resource_type: str


class _Message(Document):
    data: _Tracking


def read_event(body: bytes) -> TrackingReport | None:
    """The report in a webhook's body; None when the message is not about a tracking.

    Raises:
        Malformed: not JSON, or a field that we need is missing or wrong; `field` is its path.
    """
    if _AnyMessage.decode(body).resource_type not in TRACKING:
        return None
    tracking = _Message.decode(body).data
    events = tracking.events or ()
    # A scan without a code is the carrier's remark, and says nothing that is in any table.
    updates = [_update(event) for event in events if event.status_code]
    if all(update.raw_status != tracking.status_code for update in updates):
        updates.append(_current(tracking))
    return report_of(tracking.tracking_number, tracking.carrier_code, updates)


def _update(event: _Event) -> TrackingUpdate:
    return update_of(
        STATUSES,
        event.status_code,
        event.status_detail_code,
        event.occurred_at,
        message=event.description,
        location=Location(
            event.city_locality, event.state_province, event.postal_code, event.country_code
        ),
    )


def _current(tracking: _Tracking) -> TrackingUpdate:
    moments = [event.occurred_at for event in tracking.events or ()]
    if tracking.ship_date is not None and not moments:
        moments = [tracking.ship_date]
    if not moments:
        field = "data.events"
        raise Malformed(f"{field}: needed where there is no ship_date", field=field)
    return update_of(STATUSES, tracking.status_code, tracking.status_detail_code, max(moments))
