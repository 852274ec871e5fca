"""The console over HTTP: what its pages show and its acts take. Additive only, as events are.

A page and its operation below `/api/v1` have the same document, so neither can know more.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from shared.contracts.base import Document, Identifier, Moment
from shared.contracts.http_ops_acts import Because, PriorityName, Said
from shared.contracts.http_orders import OrderView

OrderStateName = Literal[
    "waiting",
    "backordered",
    "partly_placed",
    "review",
    "placed",
    "shipped",
    "delivered",
    "returned",
    "cancelled",
]


class Queue(Document):
    """Orders that wait to be placed, in the queue that was asked last.

    `came` and `decided` are orders of the last minute. `empty_in_s` is how long it takes at that
    pace until none waits; null: none does, or there are not fewer from minute to minute.
    """

    priority: PriorityName
    waiting: int
    oldest_at: Moment | None
    came: int = 0
    decided: int = 0
    empty_in_s: int | None = None


class StateCount(Document):
    """Orders in a state: all of an open one; of a final one those accepted in the last 24 h."""

    state: OrderStateName
    orders: int


class PromisesThen(Document):
    """Orders that no carrier had, and how many of them had a day or less to their promise, or none.

    All are of one minute: the worst of its hour, with the most `at_risk` and `broken` together.
    """

    unshipped: int
    at_risk: int
    broken: int


class Hour(Document):
    """What happened in the hour that begins then, and how promises stood; null: nobody looked."""

    begins_at: Moment
    accepted: int
    decided: int
    promises: PromisesThen | None = None


class Risk(Document):
    """Orders that no carrier has yet, by their promise, and late ones that are on their way."""

    late: int
    within_4_h: int
    within_24_h: int
    later: int
    late_on_their_way: int


class CarrierHealth(Document):
    """Whether a carrier is called, and what waits for it."""

    carrier: str
    breaker: str
    next_probe_at: Moment | None
    waiting: int
    waiting_since: Moment | None
    bought_today: int


class LetterCount(Document):
    """Open dead letters with one source and code."""

    source: str
    code: str
    letters: int
    oldest_at: Moment


class StandingCount(Document):
    """Parcels that stand still in one way."""

    kind: str
    parcels: int
    oldest_at: Moment


class Alarm(Document):
    """Something that a person should look at, and what they can do about it."""

    severity: Literal["critical", "warning"]
    what: str
    remedy: str
    path: str | None = None  # of the page where it is done


class CutOff(Document):
    """Who gets no webhooks since a moment, because calls failed and not by a person's word."""

    subscriber: str
    since: Moment
    because: str


class OpsOverview(Document):
    """How everything stands at a moment.

    States, promises, letters and parcels that stand still are those of the warehouses of whoever
    asks, with what has none yet; everything else is counted for all warehouses.
    """

    at: Moment
    alarms: tuple[Alarm, ...]
    queues: tuple[Queue, ...]
    states: tuple[StateCount, ...]
    hours: tuple[Hour, ...]
    decided_by_hand: int  # of those of the last 24 h
    risk: Risk
    carriers: tuple[CarrierHealth, ...]
    letters: tuple[LetterCount, ...]
    standing: tuple[StandingCount, ...]
    cut_off: tuple[CutOff, ...]  # for whom what happens still waits
    unsent: int  # messages that wait to be sent
    unsent_since: Moment | None


class OrderFilters(Document):
    """Which orders. `q` is anything a caller would say; `cursor` is `next` of the page before.

    The newest come first, of late ones those that are so for longest.
    """

    q: Said = ""
    state: OrderStateName | None = None
    priority: PriorityName | None = None
    channel: Said = ""
    warehouse: Said = ""
    late: bool = False
    cursor: Said = ""


class OrderRow(Document):
    """An order in a list."""

    order_id: str
    channel: str
    state: OrderStateName
    state_reason: str
    priority: PriorityName
    accepted_at: Moment
    promised_at: Moment
    expected_at: Moment | None
    is_late: bool
    postcode: str
    city: str
    country: str
    units: int
    warehouses: tuple[str, ...]
    carriers: tuple[str, ...]


class OpsOrders(Document):
    """A page of orders; `next` is None on the last one."""

    orders: tuple[OrderRow, ...]
    next: str | None


class Happening(Document):
    """Something that happened to an order."""

    at: Moment
    kind: Literal["order", "decision", "parcel", "tracking", "charge", "person", "problem"]
    title: str
    detail: str = ""
    parcel_id: str | None = None
    by: str | None = None


class DecisionView(Document):
    """A decision with all that it came from; `receipt` is {inputs, result} of the engine."""

    decided_at: Moment
    outcome: str
    cost_cents: int | None
    policy_id: str
    duration_us: int
    decided_by: str
    reason: str
    receipt: dict[str, Any]


class ReservedUnits(Document):
    """Units that are promised to the order: in a parcel, or kept while it waits."""

    sku: str
    warehouse: str
    units: int
    parcel_id: str | None


class UnitsToSend(Document):
    """All that a decision about the order would send of a SKU; a kit as its components."""

    sku: str
    units: int


class LetterAbout(Document):
    """A dead letter that concerns the order."""

    letter_id: int
    source: str
    code: str
    reason: str
    state: str
    last_failed_at: Moment


class NoteView(Document):
    """A note on an order."""

    at: Moment
    by: str
    note: str


class OpsOrder(Document):
    """An order with all that is known of it. `version` is what an act on it is checked against."""

    version: str
    order: OrderView
    is_late: bool
    timeline: tuple[Happening, ...]
    decisions: tuple[DecisionView, ...]
    to_send: tuple[UnitsToSend, ...]
    reserved: tuple[ReservedUnits, ...]
    letters: tuple[LetterAbout, ...]
    acts: tuple[str, ...]  # names of operations that are open to whoever asks, as it stands
    warehouses: tuple[str, ...]  # from where they may have it sent
    notes: tuple[NoteView, ...]  # the newest first
    relabel: tuple[str, ...] = ()  # parcels that they may give another label
    print: tuple[str, ...] = ()  # parcels that have a label, which they may print
    choose: tuple[str, ...] = ()  # parcels whose service they may choose


class Assignment(Because):
    """From which warehouses alone an order is to be sent."""

    warehouses: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=20)]


class SplitUnits(Document):
    """So many units of a SKU from a warehouse."""

    warehouse: Identifier
    sku: Identifier
    quantity: Annotated[int, Field(ge=1, le=1_000_000)]


class SplitWanted(Because):
    """Exactly what is sent from where: all that is still to be sent."""

    units: Annotated[tuple[SplitUnits, ...], Field(min_length=1, max_length=200)]
