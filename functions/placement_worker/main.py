"""Cloud Tasks `placement-*` -> place a waiting order -> facts about it, and labels to buy."""

import functions_framework
from flask import Request, Response

from shared.contracts.base import Cause
from shared.contracts.work import PlaceOrder
from shared.edge import tasks
from shared.flows.place_order import place_order
from shared.flows.supply import SawTooLittle
from shared.wiring import bookshelf, services


@functions_framework.http
def placement_worker(request: Request) -> Response:
    """Place the order that the task names."""

    def place(work: PlaceOrder, cause: Cause) -> None:
        try:
            services().run(
                lambda tx: place_order(tx, work, bookshelf(), all_partitions=False), cause
            )
        except SawTooLittle:
            services().run(lambda tx: place_order(tx, work, bookshelf()), cause)

    return tasks.perform(request, services(), {PlaceOrder: place})
