"""Cloud Tasks `placement-*` -> place waiting orders -> facts about them, and labels to buy."""

import functions_framework
from flask import Request, Response

from shared.contracts.base import Cause
from shared.contracts.work import PlaceOrder
from shared.edge import tasks
from shared.flows.place_order import place_waiting
from shared.wiring import crowd, rules, services


@functions_framework.http
def placement_worker(request: Request) -> Response:
    """Place the order that the task names, and those that wait before it."""

    def place(work: PlaceOrder, cause: Cause) -> None:
        again = tasks.attempt(request) > 1
        place_waiting(services().runner(cause), work, rules(), crowd(), alone=again)

    return tasks.perform(request, services(), {PlaceOrder: place})
