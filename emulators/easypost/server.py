"""The HTTP side: EasyPost's paths under /v2, labels, and a control endpoint that EasyPost lacks."""

import base64
import binascii
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from emulators.disk import Broken
from emulators.easypost import labels
from emulators.easypost.errors import Refusal
from emulators.easypost.faults import Faults
from emulators.easypost.hooks import Hooks
from emulators.easypost.ledger import Ledger
from emulators.easypost.shipments import Shipments, is_void
from emulators.easypost.trackers import JOURNEY, Trackers

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """Ties shipments, trackers and faults to paths."""

    def __init__(
        self, shipments: Shipments, trackers: Trackers, hooks: Hooks, ledger: Ledger
    ) -> None:
        self._shipments = shipments
        self._trackers = trackers
        self._hooks = hooks
        self._ledger = ledger
        self._faults = Faults()

    def application(self) -> web.Application:
        """The application to serve."""
        application = web.Application(middlewares=[_answer_refusals, _require_key])
        application.add_routes(
            [
                web.post("/v2/shipments", self._create),
                web.get("/v2/shipments/{key}", self._find_shipment),
                web.post("/v2/shipments/{key}/buy", self._buy),
                web.post("/v2/shipments/{key}/refund", self._refund),
                web.get("/v2/trackers/{key}", self._find_tracker),
                web.get("/labels/{key}.png", self._label_png),
                web.get("/labels/{key}.zpl", self._label_zpl),
                web.post("/control/faults", self._order_faults),
                web.post("/control/hold", self._hold),
                web.post("/control/release", self._release),
                web.get("/control/stats", self._stats),
            ]
        )
        return application

    async def _create(self, request: web.Request) -> web.StreamResponse:
        async def answer() -> web.Response:
            shipment = self._shipments.create(await _body(request))
            await self._ledger.saved()
            return web.json_response(shipment, status=201)

        return await self._faults.apply("create", request, answer)

    async def _buy(self, request: web.Request) -> web.StreamResponse:
        async def answer() -> web.Response:
            shipment = self._shipments.buy(request.match_info["key"], await _body(request))
            self._trackers.start(shipment)
            await self._ledger.saved()
            return web.json_response(shipment)

        carrier = self._shipments.carrier_of(request.match_info["key"], await _body(request))
        return await self._faults.apply("buy", request, answer, carrier)

    async def _refund(self, request: web.Request) -> web.StreamResponse:
        async def answer() -> web.Response:
            key = request.match_info["key"]
            was_void = is_void(self._shipments.find(key))
            shipment = self._shipments.refund(key)
            if is_void(shipment) and not was_void:
                self._trackers.stop(shipment)
            await self._ledger.saved()
            return web.json_response(shipment)

        return await self._faults.apply("refund", request, answer)

    async def _find_shipment(self, request: web.Request) -> web.StreamResponse:
        async def answer() -> web.Response:
            return web.json_response(self._shipments.find(request.match_info["key"]))

        return await self._faults.apply("find", request, answer)

    async def _find_tracker(self, request: web.Request) -> web.Response:
        return web.json_response(self._trackers.find(request.match_info["key"]))

    async def _label_png(self, request: web.Request) -> web.Response:
        self._shipments.find(request.match_info["key"])
        return web.Response(body=labels.PNG, content_type="image/png")

    async def _label_zpl(self, request: web.Request) -> web.Response:
        shipment = self._shipments.find(request.match_info["key"])
        return web.Response(text=labels.zpl(str(shipment["tracking_code"])))

    async def _order_faults(self, request: web.Request) -> web.Response:
        try:
            self._faults.order(await _body(request))
        except (TypeError, ValueError) as error:
            return web.json_response({"problem": str(error)}, status=400)
        return web.json_response({"waiting": len(self._faults)})

    async def _hold(self, request: web.Request) -> web.Response:
        body = await _body(request)
        at = body.get("at") if isinstance(body, dict) else None
        if at is not None and at not in {step.status for step in JOURNEY}:
            return web.json_response({"problem": f"no parcel is ever {at}"}, status=400)
        self._trackers.hold(at)
        return web.json_response({"held": self._trackers.held})

    async def _release(self, _: web.Request) -> web.Response:
        self._trackers.release()
        return web.json_response({"held": self._trackers.held})

    async def _stats(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "shipments": len(self._shipments),
                "labels_bought": self._shipments.bought,
                "labels_voided": self._trackers.stopped,
                "trackers": len(self._trackers),
                "trackers_delivered": self._trackers.delivered,
                "trackers_held": self._trackers.held,
                "webhooks_sent": self._hooks.sent,
                "webhooks_refused": self._hooks.refused,
                "webhooks_retried": self._hooks.retried,
                "webhooks_given_up": self._hooks.given_up,
                "webhooks_pending": self._hooks.pending,
                "faults_waiting": len(self._faults),
            }
        )


async def _body(request: web.Request) -> Any:
    text = await request.text()
    try:
        return json.loads(text) if text else {}
    except json.JSONDecodeError:
        raise Refusal(400, "BAD_REQUEST", "The body is not JSON.") from None


@web.middleware
async def _answer_refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refusal as refusal:
        return refusal.response()
    except Broken as broken:
        return Refusal(500, "INTERNAL_SERVER_ERROR", str(broken)).response()


@web.middleware
async def _require_key(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path.startswith("/v2/") and not _api_key(request):
        raise Refusal(401, "APIKEY.INACTIVE", "This api key is no longer active.")
    return await handler(request)


def _api_key(request: web.Request) -> str:
    """The key, which older clients send as a Basic user name and newer ones as a Bearer token."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""
