"""What machines may ask for about stock over HTTP: holds for carts, and what can be promised."""

from collections import Counter
from collections.abc import Mapping

from shared.contracts.http_stock import (
    Availability,
    AvailabilityQuery,
    HeldItem,
    HoldFor,
    HoldRequest,
    HoldView,
    Nothing,
)
from shared.edge.api import Operation, answer, made
from shared.flows.hold_stock import hold_stock
from shared.flows.own_hold import find_own
from shared.flows.release_hold import release_hold
from shared.flows.renew_hold import renew_hold
from shared.holds.types import Hold, HoldConflict, HoldEnded, NotEnoughStock, UnknownHold
from shared.kit.errors import WrongField
from shared.ops.availability import available_to_promise
from shared.platform.db import Transaction
from shared.platform.idempotency import Answer
from shared.stock import warehouses
from shared.stock.types import UnknownSku, UnknownWarehouse


def operations(hold_ttl_s: int) -> tuple[Operation, ...]:
    """What may be asked for, where a hold lasts `hold_ttl_s` seconds."""

    def hold(tx: Transaction, _parts: Mapping[str, str], request: HoldRequest) -> Answer:
        held, is_new = hold_stock(tx, request, hold_ttl_s)
        return made(_view(held), "/holds", held.hold_id, is_new=is_new)

    def renew(tx: Transaction, parts: Mapping[str, str], _body: Nothing) -> Answer:
        return answer(_view(renew_hold(tx, parts["hold_id"], hold_ttl_s)))

    return (
        Operation(
            name="holdStock",
            method="POST",
            path="/holds",
            purpose="Hold units for a cart or an unpaid order: all of them, or none.",
            act=hold,
            body=HoldRequest,
            answer=HoldView,
            outcomes={
                201: "The units are held.",
                200: "The hold was known with these contents, and is as it stands.",
            },
            refusals={
                HoldConflict: 409,
                NotEnoughStock: 409,
                UnknownSku: 422,
                UnknownWarehouse: 422,
            },
        ),
        Operation(
            name="showHold",
            method="GET",
            path="/holds/{hold_id}",
            purpose="Show a hold with its units.",
            act=_show,
            answer=HoldView,
            outcomes={200: "The hold as it stands."},
            refusals={UnknownHold: 404},
        ),
        Operation(
            name="renewHold",
            method="POST",
            path="/holds/{hold_id}/renew",
            purpose="Keep the units longer: the time begins anew.",
            act=renew,
            body=Nothing,
            answer=HoldView,
            outcomes={200: "The hold with its new end."},
            refusals={UnknownHold: 404, HoldEnded: 409},
        ),
        Operation(
            name="releaseHold",
            method="POST",
            path="/holds/{hold_id}/release",
            purpose="Give the units back before the hold ends; giving them back again changes "
            "nothing.",
            act=_release,
            body=Nothing,
            answer=HoldView,
            outcomes={200: "The hold has ended."},
            refusals={UnknownHold: 404, HoldEnded: 409},
        ),
        Operation(
            name="showAvailability",
            method="GET",
            path="/availability",
            purpose="Show what can be promised of some SKUs, for a channel and some warehouses.",
            act=_availability,
            query=AvailabilityQuery,
            answer=Availability,
            outcomes={200: "What can be promised at this moment."},
            refusals={UnknownSku: 422, UnknownWarehouse: 422},
        ),
    )


def _show(tx: Transaction, parts: Mapping[str, str], _body: None) -> Answer:
    return answer(_view(find_own(tx, parts["hold_id"])))


def _release(tx: Transaction, parts: Mapping[str, str], _body: Nothing) -> Answer:
    return answer(_view(release_hold(tx, parts["hold_id"])))


def _availability(tx: Transaction, _parts: Mapping[str, str], asked: AvailabilityQuery) -> Answer:
    found = available_to_promise(
        tx, asked.sku, channel=asked.channel, sale=asked.sale, warehouses=asked.warehouse
    )
    known = {line.sku for line in found}
    wrong = [
        WrongField(f"sku.{position}", f"{sku} is not in the catalogue")
        for position, sku in enumerate(asked.sku)
        if sku not in known
    ]
    if wrong:
        raise UnknownSku.naming(wrong)
    places = warehouses.known(tx, asked.warehouse) if asked.warehouse else ()
    wrong = [
        WrongField(f"warehouse.{position}", f"there is no warehouse {name}")
        for position, name in enumerate(asked.warehouse)
        if name not in places
    ]
    if wrong:
        raise UnknownWarehouse.naming(wrong)
    return answer(Availability(skus=found))


def _view(hold: Hold) -> HoldView:
    assert hold.expires_at is not None, "what is for a customer ends"
    units = Counter[tuple[str, str]]()
    for item in hold.items:
        units[item.sku, item.warehouse] += item.quantity
    return HoldView(
        hold_id=hold.hold_id,
        purpose=HoldFor(hold.purpose),
        reference=hold.reference,
        channel=hold.channel,
        sale=hold.sale,
        state=hold.state,
        created_at=hold.created_at,
        expires_at=hold.expires_at,
        items=tuple(
            HeldItem(sku=sku, warehouse=warehouse, quantity=quantity)
            for (sku, warehouse), quantity in sorted(units.items())
        ),
    )
