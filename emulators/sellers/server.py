"""The HTTP side that all simulators share: errors, keys, and a control endpoint.

| call | effect |
|---|---|
| `POST /control/faults` | what is to go wrong, see `faults.py`; `{"kind": null}` takes all back |
| `POST /control/hold` | `{}` stops every parcel where it is; `{"at": STAGE}` once it is there |
| `POST /control/release` | lets them go on |
| `POST /control/silence` | `{"carrier": NAME}`: no event tells of its parcels from now on |
| `GET /control/stats` | what was counted |
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web
from aiohttp.web_routedef import AbstractRouteDef

from emulators.disk import Broken
from emulators.sellers.faults import Faults
from emulators.sellers.hooks import Hooks
from emulators.sellers.journeys import Journeys
from emulators.sellers.ledger import Document, Ledger
from emulators.sellers.rating import SERVICES
from emulators.sellers.refusals import Refusal, Words

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class SellerServer(ABC):
    """Ties a vendor's paths and the control endpoint to what is behind them."""

    words: Words
    changes: tuple[str, ...]  # the calls that change something, as faults name them
    others: tuple[str, ...]  # the calls that only look
    open_paths: tuple[str, ...]  # what is below them needs no key

    def __init__(self, journeys: Journeys, hooks: Hooks, ledger: Ledger) -> None:
        self.ledger = ledger
        self.faults = Faults(self.words, changes=self.changes, others=self.others)
        self._journeys = journeys
        self._hooks = hooks

    @abstractmethod
    def routes(self) -> list[AbstractRouteDef]:
        """The vendor's paths."""

    @abstractmethod
    def api_key(self, request: web.Request) -> str:
        """The key with which somebody calls; empty where there is none."""

    @abstractmethod
    def counts(self) -> Mapping[str, int]:
        """What the vendor counts beside parcels and webhooks."""

    def application(self) -> web.Application:
        """The application to serve."""
        application = web.Application(middlewares=[self._answer_refusals, self._require_key])
        application.add_routes(
            [
                *self.routes(),
                web.post("/control/faults", self._order_faults),
                web.post("/control/hold", self._hold),
                web.post("/control/release", self._release),
                web.post("/control/silence", self._silence),
                web.get("/control/stats", self._stats),
            ]
        )
        return application

    async def body(self, request: web.Request) -> Any:
        """The JSON that came; an empty object where nothing came."""
        text = await request.text()
        try:
            return json.loads(text) if text else {}
        except json.JSONDecodeError:
            raise self.words.no_json() from None

    async def make(
        self, call: str, request: web.Request, create: Callable[[Any], Document]
    ) -> web.StreamResponse:
        """Answer a call that makes something: it is kept before anybody hears of it."""

        async def answer() -> web.Response:
            made = create(await self.body(request))
            await self.ledger.saved()
            return web.json_response(made, status=201)

        return await self.faults.apply(call, request, answer)

    async def _order_faults(self, request: web.Request) -> web.Response:
        try:
            self.faults.order(await self.body(request))
        except (TypeError, ValueError) as error:
            return web.json_response({"problem": str(error)}, status=400)
        return web.json_response({"waiting": len(self.faults)})

    async def _hold(self, request: web.Request) -> web.Response:
        body = await self.body(request)
        at = body.get("at") if isinstance(body, dict) else None
        if at is not None and at not in self._journeys.stages:
            return web.json_response({"problem": f"no parcel is ever {at}"}, status=400)
        self._journeys.hold(at)
        return web.json_response({"held": self._journeys.held})

    async def _release(self, _: web.Request) -> web.Response:
        self._journeys.release()
        return web.json_response({"held": self._journeys.held})

    async def _silence(self, request: web.Request) -> web.Response:
        body = await self.body(request)
        carrier = body.get("carrier") if isinstance(body, dict) else None
        names = {service.carrier for service in SERVICES}
        if carrier is not None and carrier not in names:
            problem = f"carrier must be one of {', '.join(sorted(names))}, or null"
            return web.json_response({"problem": problem}, status=400)
        self._journeys.silence(carrier)
        return web.json_response({"silent": carrier})

    async def _stats(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                **self.counts(),
                "labels_voided": self._journeys.stopped,
                "trackers": len(self._journeys),
                "trackers_delivered": self._journeys.delivered,
                "trackers_held": self._journeys.held,
                "webhooks_sent": self._hooks.sent,
                "webhooks_refused": self._hooks.refused,
                "webhooks_retried": self._hooks.retried,
                "webhooks_given_up": self._hooks.given_up,
                "webhooks_pending": self._hooks.pending,
                "faults_waiting": len(self.faults),
            }
        )

    @web.middleware
    async def _answer_refusals(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refusal as refusal:
            return refusal.response()
        except Broken as broken:
            return self.words.failed(str(broken)).response()

    @web.middleware
    async def _require_key(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith(self.open_paths) and not self.api_key(request):
            raise self.words.no_key()
        return await handler(request)
