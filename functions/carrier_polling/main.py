"""Cloud Tasks `polls-<carrier>` -> ask a carrier about parcels -> `carrier-updates`."""

import functions_framework
from flask import Request, Response

from shared.contracts.base import Cause
from shared.contracts.work import PollParcels
from shared.edge import tasks
from shared.flows.ask_carrier import ask_carrier
from shared.wiring import carriers, services


@functions_framework.http
def carrier_polling(request: Request) -> Response:
    """Ask about the parcels that the task names."""

    def ask(work: PollParcels, cause: Cause) -> None:
        ask_carrier(services().runner(cause), work, carriers())

    return tasks.perform(request, services(), {PollParcels: ask})
