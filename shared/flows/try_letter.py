"""Find out what would happen if a dead letter were sent again now, and change nothing."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from shared.contracts.base import Cause, Event, decode
from shared.contracts.inbound import (
    InboundAnnounced,
    InboundChanged,
    TransferCancelled,
    TransferReceived,
    TransferRequested,
    TransferShipped,
)
from shared.contracts.order_facts import OrderAccepted, OrderChanged
from shared.contracts.orders import OrderAmended, OrderCancelled, OrderSubmitted
from shared.contracts.parcels import CarrierUpdateReceived, ParcelCancelled, ParcelPlanned
from shared.contracts.stock import (
    ParcelPicked,
    ParcelRejected,
    ParcelShortPicked,
    QuarantineReleased,
    StockAdjusted,
    StockCounted,
    StockReceived,
    StockReturned,
)
from shared.contracts.stock_facts import StockIncreased
from shared.contracts.work import PlaceOrder
from shared.costing.book import Bookshelf
from shared.flows.accept_order import accept_order
from shared.flows.adjust_stock import adjust_stock
from shared.flows.cancel_order import cancel_order
from shared.flows.cancel_transfer import cancel_transfer
from shared.flows.change_order import change_order
from shared.flows.charge_parcel import charge_parcel, take_charges_back
from shared.flows.count_stock import count_stock
from shared.flows.expect_backorders import expect_after
from shared.flows.expect_delivery import expect_delivery
from shared.flows.pick_parcel import pick_parcel
from shared.flows.place_order import place_order
from shared.flows.receive_stock import receive_stock
from shared.flows.receive_transfer import receive_transfer
from shared.flows.reject_parcel import reject_parcel
from shared.flows.release_stock import release_stock
from shared.flows.request_placement import request_placement, wake_for_stock
from shared.flows.request_transfer import request_transfer
from shared.flows.retry_letter import make_way
from shared.flows.return_stock import return_stock
from shared.flows.rules import Rules
from shared.flows.ship_transfer import ship_transfer
from shared.flows.short_pick import short_pick
from shared.flows.tell_subscribers import tell_subscribers
from shared.flows.track_parcel import track_parcel
from shared.kit.errors import DispatchError, DoneBefore
from shared.ops import snapshots
from shared.ops.snapshots import Change
from shared.platform import inbox, letters
from shared.platform.db import LostRace, Transaction
from shared.platform.dead_letters import NEVER_SENT
from shared.platform.failed_attempts import failed
from shared.platform.letters import Letter
from shared.subscribers.offered import OFFERED

# What the functions do with each event; an event is handled by one of these only.
FLOWS: Mapping[type[Event], Callable[[Transaction, Any], object]] = MappingProxyType(
    {
        OrderSubmitted: accept_order,
        OrderAmended: change_order,
        OrderCancelled: cancel_order,
        OrderAccepted: request_placement,
        OrderChanged: request_placement,
        StockIncreased: wake_for_stock,
        StockReceived: receive_stock,
        StockCounted: count_stock,
        InboundAnnounced: expect_delivery,
        InboundChanged: expect_after,
        TransferRequested: request_transfer,
        TransferShipped: ship_transfer,
        TransferReceived: receive_transfer,
        TransferCancelled: cancel_transfer,
        StockAdjusted: adjust_stock,
        StockReturned: return_stock,
        QuarantineReleased: release_stock,
        ParcelPicked: pick_parcel,
        ParcelShortPicked: short_pick,
        ParcelRejected: reject_parcel,
        ParcelPlanned: lambda tx, event: charge_parcel(tx, event, Bookshelf()),
        ParcelCancelled: take_charges_back,
        CarrierUpdateReceived: track_parcel,
    }
)
# Webhooks are told of others' events as well.
TELLER = "webhook_events"
TOLD: Mapping[type[Event], Callable[[Transaction, Any], object]] = MappingProxyType(
    dict.fromkeys(OFFERED.values(), tell_subscribers)
)


class Outcome(StrEnum):
    """What would come of it."""

    APPLIED = "applied"
    DONE_BEFORE = "done_before"  # the same event was applied: it would be ignored
    UNTRIED = "untried"  # it would need somebody outside, whom a trial must not ask
    REJECTED = "rejected"
    NOT_YET = "not_yet"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Trial:
    """What would happen. Ids that are made anew, such as those of parcels, would be others.

    `charged_cents` and `quoted_cents` are differences by currency, in minor units; `announces` are
    the types of the events and the work that would go out.
    """

    outcome: Outcome
    code: str = ""
    reason: str = ""
    changes: tuple[Change, ...] = ()
    announces: tuple[str, ...] = ()
    charged_cents: Mapping[str, int] = field(default_factory=dict)
    quoted_cents: Mapping[str, int] = field(default_factory=dict)


def try_letter(tx: Transaction, letter_id: int) -> Trial:
    """Run the letter's flow on the database as it is, look at what changed, and take it all back.

    Locks are held for as long as the flow takes. The cause of a refusal is what a retry would meet.

    Raises:
        UnknownLetter: there is no such letter.
        LostRace: somebody else was faster; the step is run anew.
    """
    letter = letters.find(tx, letter_id)
    if letter.is_work and letter.attributes.get("ce-type") != PlaceOrder.type:
        return Trial(Outcome.UNTRIED, reason="somebody outside would have to be asked")
    if letter.function == NEVER_SENT:
        return Trial(Outcome.UNTRIED, reason="whoever would hear it was never told")
    skus = {*snapshots.ordered_skus(tx, letter.order_id), *_skus_in(letter.payload)}
    before = snapshots.take(tx, letter.order_id, skus)
    cause = Cause(letter.message_id, letter.correlation_id)
    try:
        with tx.trial(cause) as trial:
            _run(trial, letter)
            after = snapshots.take(trial, letter.order_id, skus)
            announced = snapshots.announced_since(trial, before)
    except LostRace:
        raise
    except DoneBefore:
        return Trial(Outcome.DONE_BEFORE)
    except DispatchError as error:
        why = failed(error)
        return Trial(Outcome(why.failure), why.code, why.reason)
    return Trial(
        Outcome.APPLIED,
        changes=snapshots.changes(before, after),
        announces=announced,
        charged_cents=_more(snapshots.charged_cents(before), snapshots.charged_cents(after)),
        quoted_cents=_more(snapshots.quoted_cents(before), snapshots.quoted_cents(after)),
    )


def _run(tx: Transaction, letter: Letter) -> None:
    """Do what the function behind the letter's source would; DoneBefore where it did."""
    if letter.is_work:
        work = PlaceOrder.decode(letter.payload)
        make_way(tx, letter)
        place_order(tx, work, Rules())
        return
    attributes = {**letter.attributes, "ce-id": letter.message_id}
    flows = TOLD if letter.function == TELLER else FLOWS
    received = decode(flows, attributes, letter.payload)
    inbox.take(tx, letter.function)
    flows[type(received.event)](tx, received.event)


def _more(before: Counter[str], after: Counter[str]) -> dict[str, int]:
    return {
        currency: after[currency] - before[currency]
        for currency in sorted(before.keys() | after.keys())
        if after[currency] != before[currency]
    }


def _skus_in(payload: bytes) -> Iterator[str]:
    """Every SKU that the message names, whatever its type: what it might move."""
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError):
        return
    waiting = [body]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            sku = part.get("sku")
            if isinstance(sku, str) and "\0" not in sku:
                yield sku
            waiting += part.values()
