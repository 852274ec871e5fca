"""Hold units for a cart or an unpaid order: all that it wants, or nothing."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple
from zlib import crc32

from shared.contracts.http_stock import HoldRequest
from shared.flows.checked_skus import checked_skus
from shared.flows.stocked import told
from shared.flows.supply import OwnSupply, SawTooLittle, lock_shelves
from shared.holds import store as holds
from shared.holds.types import (
    HeldUnits,
    Hold,
    HoldConflict,
    HoldState,
    NotEnoughStock,
    Purpose,
    release_of,
)
from shared.kit.errors import WrongField
from shared.kit.geo import Point, distance_m
from shared.orders import store as orders
from shared.placement.engine import decide
from shared.placement.types import Demand, Shortage, Site, Step, Tariff
from shared.platform.db import Transaction
from shared.stock import store as stock
from shared.stock import warehouses
from shared.stock.types import Change, Key, UnknownWarehouse

# Every warehouse costs the same, so the cheapest is the fewest; the preferred one a little less.
_A_WAREHOUSE_CENTS = 2
_PREFERRED_CENTS = 1
_ANY_WEIGHT = (Step(max_weight_g=10**12, price_cents=0),)


class _Cart(NamedTuple):
    """A cart as a taker of stock."""

    channel: str | None
    sale: str | None
    scope: Mapping[str, int] | None
    excluded: frozenset[tuple[str, str]] = frozenset()


def hold_stock(tx: Transaction, request: HoldRequest, ttl_s: int) -> tuple[Hold, bool]:
    """Hold the units until `ttl_s` from now. Returns the hold, and whether it is new.

    The same request again gives the hold as it stands, ended or not.

    Raises:
        HoldConflict: the hold id is known with other contents; both fingerprints are told.
        UnknownSku: names every line whose SKU is not in the catalogue.
        UnknownWarehouse: there is no such warehouse to prefer.
        NotEnoughStock: names every line that wants of what is missing, and how much of it is.
    """
    fingerprint = hashlib.sha256(request.encode()).hexdigest()[:32]
    known = holds.find(tx, request.hold_id)
    if known is not None:
        if known.fingerprint == fingerprint:
            return known, False
        raise HoldConflict(
            "hold_id: the hold is known with other contents",
            field="hold_id",
            hold_id=request.hold_id,
            known_fingerprint=known.fingerprint,
            fingerprint=fingerprint,
        )
    kits = checked_skus(tx, [line.sku for line in request.lines])
    parts = [
        {sku: n * line.quantity for sku, n in (kits[line.sku] or {line.sku: 1}).items()}
        for line in request.lines
    ]
    if request.warehouse is not None and warehouses.find(tx, request.warehouse) is None:
        raise UnknownWarehouse(f"warehouse: {request.warehouse} is not known", field="warehouse")
    scope = orders.scope_of(tx, request.channel) if request.channel is not None else None
    cart = _Cart(request.channel, request.sale, scope)
    try:
        # The locks of a look that saw too little are given back with it.
        with tx.attempt():
            items = _chosen(tx, request, cart, parts, draw=crc32(request.hold_id.encode()))
    except SawTooLittle:
        items = _chosen(tx, request, cart, parts, draw=None)
    expires_at = tx.now + timedelta(seconds=ttl_s)
    hold = Hold(
        hold_id=request.hold_id,
        purpose=Purpose(request.purpose),
        reference=request.reference or request.hold_id,
        channel=request.channel,
        sale=request.sale,
        state=HoldState.OPEN,
        created_at=tx.now,
        expires_at=expires_at,
        release_at=release_of(request.hold_id, expires_at),
        items=items,
        fingerprint=fingerprint,
    )
    tx.write(
        *holds.insert(hold),
        stock.change(
            Change(Key(item.sku, item.warehouse, item.partition), held=item.quantity)
            for item in items
        ),
        told(tx, [Key(item.sku, item.warehouse) for item in items]),
    )
    return hold, True


def _chosen(
    tx: Transaction,
    request: HoldRequest,
    cart: _Cart,
    parts: list[dict[str, int]],
    *,
    draw: int | None,
) -> tuple[HeldUnits, ...]:
    """Where the units are to be held, from as few warehouses as will do; the balances are locked.

    Raises:
        SawTooLittle: partitions were drawn, and that was not enough to decide.
    """
    wanted = Counter[str]()
    for of_line in parts:
        wanted.update(of_line)
    supply = lock_shelves(tx, [cart], wanted, draw=draw).supply(tx, cart, wanted)
    decision = decide(
        [Demand(sku, wanted[sku], supply.skus[sku].weight_g) for sku in sorted(wanted)],
        _sites(supply, request),
    )
    if isinstance(decision, Shortage):
        if not supply.saw_all:
            raise SawTooLittle
        raise _not_enough({item.sku: item.quantity for item in decision.missing}, parts)
    picks = Counter[tuple[str, str]]()
    for parcel in decision.parcels:
        for item in parcel.items:
            picks[item.sku, parcel.warehouse] += item.quantity
    return tuple(
        HeldUnits(*key, units)
        for place, quantity in sorted(picks.items())
        for key, units in supply.take(*place, quantity)
    )


def _sites(supply: OwnSupply, request: HoldRequest) -> list[Site]:
    available: dict[str, dict[str, int]] = defaultdict(dict)
    for (sku, warehouse), units in supply.units.items():
        available[warehouse][sku] = units
    sites = []
    for warehouse in sorted(available):
        at = request.destination
        away_m = 0 if at is None else distance_m(supply.places[warehouse], Point(at.lat, at.lon))
        cents = _PREFERRED_CENTS if warehouse == request.warehouse else _A_WAREHOUSE_CENTS
        flat = Tariff("none", "none", "XXX", cents, _ANY_WEIGHT)
        sites.append(Site(warehouse, away_m, available[warehouse], (flat,)))
    return sites


def _not_enough(missing: Mapping[str, int], parts: list[dict[str, int]]) -> NotEnoughStock:
    said = ", ".join(f"{units} of {sku}" for sku, units in sorted(missing.items()))
    wrong = [
        WrongField(f"lines.{position}.quantity", f"{missing[sku]} of {sku} are missing")
        for position, of_line in enumerate(parts)
        for sku in sorted(of_line.keys() & missing.keys())
    ]
    return NotEnoughStock(
        f"{wrong[0].field}: less can be promised than is wanted; missing are {said}",
        missing=missing,
        wrong=wrong,
        field=wrong[0].field,
    )
