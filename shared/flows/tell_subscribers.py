"""An event that subscribers may hear of: a delivery and a piece of work for each who wants it."""

from shared.contracts.work import DeliverWebhook
from shared.orders import store as orders
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.subscribers import store as subscribers
from shared.subscribers import webhook_deliveries
from shared.subscribers.offered import OfferedEvent
from shared.subscribers.webhook_deliveries import KEPT, Announced


def tell_subscribers(tx: Transaction, event: OfferedEvent) -> None:
    """Who is disabled is told as well, when it is enabled in time.

    Its delivery waits until then. Who has been disabled for as long as deliveries are kept is
    told nothing new.
    """
    wanting = subscribers.wanting(tx, event.type, disabled_after=tx.now - KEPT)
    if any(channel is not None for _, channel in wanting):
        order = orders.find(tx, event.order_id)
        own = None if order is None else order.channel
        wanting = [(who, channel) for who, channel in wanting if channel in {None, own}]
    if not wanting:
        return
    announced = Announced(
        event_id=tx.cause.event_id,
        event_type=event.type,
        occurred_at=tx.cause.occurred_at or tx.now,
        data=event.model_dump_json(),
    )
    delivery_ids, deliveries = webhook_deliveries.put(tx, announced, [who for who, _ in wanting])
    work = (DeliverWebhook(delivery_id=delivery_id) for delivery_id in delivery_ids)
    tx.write(deliveries, outbox.put(tx, *work))
