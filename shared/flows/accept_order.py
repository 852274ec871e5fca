"""A channel submitted an order: store it, and announce that it waits to be placed."""

import hashlib
from datetime import timedelta

from shared.contracts.order_facts import OrderAccepted
from shared.contracts.orders import OrderAmended, OrderCancelled, OrderSubmitted
from shared.costing import order_charges
from shared.flows.cancel_order import cancel_order
from shared.flows.change_order import change_order
from shared.flows.checked_lines import checked_lines
from shared.flows.link_order import page_of
from shared.holds import store as holds
from shared.kit.geo import Point
from shared.kit.ids import new_token
from shared.orders import early_changes, order_lines
from shared.orders import store as orders
from shared.orders.priority import priority_of
from shared.orders.types import OrderConflict
from shared.platform import outbox
from shared.platform.db import Transaction, Write

# No order waits longer to be placed, so that what its cart held does not end while it does.
CLAIMED_FOR = timedelta(hours=2)


def accept_order(tx: Transaction, event: OrderSubmitted, pages_url: str | None = None) -> bool:
    """Store the order once, however often and under however many event ids it is submitted.

    Returns whether it is new.

    What its cart held is its own from here on, of several orders that name the hold the first that
    is accepted; the others are placed like those that name none.

    A change or a cancellation that came before it is applied at once. `pages_url` is below which
    orders can be followed; what is announced has the order's own page.

    Raises:
        OrderConflict: the order id is known with another body; both fingerprints are told.
        UnknownSku: a line names something that the catalogue does not have.
    """
    # Of what the channel sent, so that a field we learn later does not make it another order.
    sent = event.model_dump_json(exclude_unset=True)
    fingerprint = hashlib.sha256(sent.encode()).hexdigest()[:32]
    orders.one_at_a_time(tx, event.order_id)
    known = orders.find(tx, event.order_id)
    if known is not None:
        if known.fingerprint == fingerprint:
            return False
        raise OrderConflict(
            "order_id: the order is known with another body",
            field="order_id",
            order_id=event.order_id,
            known_fingerprint=known.fingerprint,
            fingerprint=fingerprint,
        )
    lines = checked_lines(tx, event.order_id, event.lines)
    priority = priority_of(event.service_level, event.promised_at, tx.now)
    place = event.destination
    token = new_token()
    tx.write(
        orders.insert(
            tx=tx,
            order_id=event.order_id,
            channel=event.channel,
            fingerprint=fingerprint,
            priority=priority,
            currency=event.currency,
            address=place.model_dump(exclude={"lat", "lon"}),
            destination=Point(place.lat, place.lon),
            ordered_at=event.ordered_at,
            promised_at=event.promised_at,
            hold_id=event.hold_id,
            sale=event.sale,
            ship_together=event.ship_together,
            tracking_token=token,
            language=event.language,
        ),
        order_lines.insert(event.order_id, lines),
        *_shipping(tx, event),
    )
    accepted = OrderAccepted(
        order_id=event.order_id,
        priority=priority,
        revision=1,
        tracking_url=page_of(pages_url, token) if pages_url else None,
        has_hold=_claimed(tx, event),
    )
    tx.write(outbox.put(tx, accepted))
    early = early_changes.take(tx, event.order_id)
    if early is not None and early.type == OrderAmended.type:
        change_order(tx, OrderAmended.decode(early.body))
    elif early is not None:
        cancel_order(tx, OrderCancelled.decode(early.body))
    return True


def _claimed(tx: Transaction, event: OrderSubmitted) -> bool | None:
    """Whether what its cart held is the order's from here on; None: it names no hold."""
    if event.hold_id is None:
        return None
    return holds.claim(
        tx,
        event.hold_id,
        event.order_id,
        channel=event.channel,
        until=tx.now + CLAIMED_FOR,
    )


def _shipping(tx: Transaction, event: OrderSubmitted) -> tuple[Write, ...]:
    """What the customer pays for shipping, where the channel says it."""
    if event.shipping_cents is None:
        return ()
    return (order_charges.shipping(tx, event.order_id, event.shipping_cents, event.currency),)
