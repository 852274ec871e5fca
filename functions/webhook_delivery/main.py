"""Cloud Tasks `webhooks` -> one signed call to a subscriber, or the work of many of them."""

import functions_framework
from flask import Request, Response

from shared.contracts.base import Cause
from shared.contracts.work import DeliverWebhook, GiveOutWebhooks
from shared.edge import tasks
from shared.flows.deliver_webhook import deliver_webhook
from shared.flows.give_out_webhooks import give_out_webhooks
from shared.wiring import services, webhook_keyring, webhook_sender


@functions_framework.http
def webhook_delivery(request: Request) -> Response:
    """Deliver the webhook that the task names, or give out what waits for a subscriber."""

    def deliver(work: DeliverWebhook, cause: Cause) -> None:
        deliver_webhook(services().runner(cause), work, webhook_sender(), webhook_keyring())

    def give_out(work: GiveOutWebhooks, cause: Cause) -> None:
        services().run(lambda tx: give_out_webhooks(tx, work), cause)

    return tasks.perform(request, services(), {DeliverWebhook: deliver, GiveOutWebhooks: give_out})
