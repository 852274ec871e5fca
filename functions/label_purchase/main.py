"""Cloud Tasks `labels-<carrier>` -> buy or void a label, or reroute -> `parcel-events`."""

import functions_framework
from flask import Request, Response

from shared.contracts.base import Cause
from shared.contracts.work import BuyLabel, VoidAbandonedLabel, VoidLabel
from shared.edge import tasks
from shared.flows.buy_label import buy_label
from shared.flows.void_label import Void, void_label
from shared.wiring import carrier, rules, services


@functions_framework.http
def label_purchase(request: Request) -> Response:
    """Buy or void the label of the parcel that the task names."""

    def buy(work: BuyLabel, cause: Cause) -> None:
        buy_label(services().runner(cause), work, carrier(), rules())

    def void(work: Void, cause: Cause) -> None:
        void_label(services().runner(cause), work, carrier())

    return tasks.perform(
        request, services(), {BuyLabel: buy, VoidLabel: void, VoidAbandonedLabel: void}
    )
