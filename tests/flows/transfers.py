"""Transfers between BER and LIS, said in a line each."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from shared.contracts.inbound import (
    InboundUnits,
    TransferCancelled,
    TransferReceived,
    TransferRequested,
    TransferShipped,
)
from shared.flows.cancel_transfer import cancel_transfer
from shared.flows.receive_transfer import receive_transfer
from shared.flows.request_transfer import request_transfer
from shared.flows.ship_transfer import ship_transfer
from shared.platform.db import Database
from tests.support import given

BALANCES = "SELECT sku, warehouse, on_hand, held FROM stock_levels ORDER BY 1, 2"
ITEMS = """
    SELECT state, sku, quantity, shipped, received
      FROM inbounds JOIN inbound_items USING (inbound_id) ORDER BY inbound_id, sku
"""


def lines(units: Mapping[str, int]) -> tuple[InboundUnits, ...]:
    return tuple(InboundUnits(sku=sku, quantity=n) for sku, n in units.items())


def request(database: Database, units: Mapping[str, int], **others: Any) -> None:
    """BER is to send units to LIS, to be there in two days."""
    fields = {"expected_at": database.now() + timedelta(days=2), **_places(others)}
    event = TransferRequested(lines=lines(units), **{**fields, **others})
    given.apply(database, request_transfer, event)


def ship(
    database: Database, units: Mapping[str, int], at: datetime | None = None, **others: Any
) -> None:
    """They left."""
    fields = {"shipped_at": at or database.now(), **_places(others), **others}
    given.apply(database, ship_transfer, TransferShipped(lines=lines(units), **fields))


def receive(
    database: Database, units: Mapping[str, int], at: datetime | None = None, **others: Any
) -> None:
    """They arrived."""
    fields = {"received_at": at or database.now(), **_places(others), **others}
    given.apply(database, receive_transfer, TransferReceived(lines=lines(units), **fields))


def cancel(database: Database, **others: Any) -> None:
    """They are not wanted."""
    fields = {"reason": "no truck", **_places(others), **others}
    given.apply(database, cancel_transfer, TransferCancelled(**fields))


def _places(others: Mapping[str, Any]) -> dict[str, Any]:
    known = {"inbound_id": "trf_1", "origin": "BER", "warehouse": "LIS"}
    return {name: value for name, value in known.items() if name not in others}
