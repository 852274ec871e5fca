"""What stock pages start from, said in a line each."""

from collections.abc import Mapping
from datetime import timedelta

from shared.carriers import manifests
from shared.carriers.types import Handover
from shared.contracts.http_stock import HeldLine, HoldRequest
from shared.contracts.inbound import InboundUnits, TransferRequested
from shared.flows.hold_stock import hold_stock
from shared.flows.request_transfer import request_transfer
from shared.platform.db import Database, Transaction
from shared.stock import warehouses
from shared.subscribers import store as subscribers
from shared.subscribers.types import SecretName, Secrets, Subscriber
from tests.subscribers.given import KEYS, told
from tests.support import given


def transfer(
    database: Database, inbound_id: str, origin: str, warehouse: str, units: Mapping[str, int]
) -> None:
    """Units are asked for, from one warehouse to another, which there is from then on."""

    def ask(tx: Transaction) -> None:
        for name in (origin, warehouse):
            if warehouses.find(tx, name) is None:
                warehouses.put(tx, name, given.ADDRESS, given.PLACES[name])
        event = TransferRequested(
            inbound_id=inbound_id,
            origin=origin,
            warehouse=warehouse,
            expected_at=tx.now + timedelta(days=2),
            lines=tuple(InboundUnits(sku=sku, quantity=n) for sku, n in units.items()),
        )
        request_transfer(tx, event)

    database.run(ask, given.cause())


def hold(database: Database, hold_id: str, warehouse: str, units: Mapping[str, int]) -> None:
    """A cart is held in a warehouse for a quarter of an hour."""
    request = HoldRequest(
        hold_id=hold_id,
        warehouse=warehouse,
        lines=tuple(HeldLine(sku=sku, quantity=n) for sku, n in units.items()),
    )
    database.run(lambda tx: hold_stock(tx, request, 900), given.cause())


def manifest(database: Database, manifest_id: str, warehouse: str) -> None:
    """A manifest of correios is asked for in a warehouse, for today, and is not closed yet."""
    database.run(
        lambda tx: tx.write(
            manifests.request(
                tx, manifest_id, Handover("correios", warehouse, tx.now.date()), number=1
            )
        ),
        given.cause(),
    )


def webhook(database: Database, name: str, delivery_id: str) -> None:
    """Somebody gets webhooks, by nobody's doing, and one of them was given up."""
    secrets = Secrets(SecretName(1, KEYS.newest_id))
    subscriber = Subscriber(f"whs_{name}", name, "https://shop.test/hooks", None, None, secrets)
    database.run(lambda tx: subscribers.add(tx, subscriber, "test"), given.cause())
    told(database)
    given.rows(
        database,
        f"UPDATE webhook_deliveries SET delivery_id = '{delivery_id}', state = 'failed',"
        " attempts_left = 0, ended_at = created_at RETURNING 1",
    )
