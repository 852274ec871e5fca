"""The HTTP side: EasyPost's paths under /v2, and its labels."""

import base64
import binascii
from collections.abc import Mapping

from aiohttp import web
from aiohttp.web_routedef import AbstractRouteDef

from emulators.easypost.errors import WORDS
from emulators.easypost.ledger import Ledger
from emulators.easypost.scan_forms import ScanForms
from emulators.easypost.shipments import Shipments, is_void
from emulators.easypost.trackers import Trackers
from emulators.sellers import documents
from emulators.sellers.hooks import Hooks
from emulators.sellers.server import SellerServer


class Server(SellerServer):
    """Ties shipments, scan forms, trackers and faults to paths."""

    words = WORDS
    changes = ("create", "buy", "refund")
    others = ("scan_form", "find", "rate", "track", "document")
    open_paths = ("/control/", "/labels/", "/scan_forms/")

    def __init__(
        self, shipments: Shipments, trackers: Trackers, hooks: Hooks, ledger: Ledger
    ) -> None:
        super().__init__(trackers, hooks, ledger)
        self._shipments = shipments
        self._scan_forms = ScanForms(shipments, ledger)
        self._trackers = trackers

    def routes(self) -> list[AbstractRouteDef]:
        """See `SellerServer`."""
        return [
            web.post("/v2/shipments", self._create),
            web.get("/v2/shipments/{key}", self._find_shipment),
            web.post("/v2/shipments/{key}/rerate", self._rate),
            web.post("/v2/shipments/{key}/buy", self._buy),
            web.post("/v2/shipments/{key}/refund", self._refund),
            web.post("/v2/trackers/batch", self._find_trackers),
            web.get("/v2/trackers/{key}", self._find_tracker),
            web.post("/v2/scan_forms", self._make_scan_form),
            web.get("/v2/scan_forms/{key}", self._find_scan_form),
            web.get("/scan_forms/{key}.pdf", self._scan_form_pdf),
            web.get("/labels/{key}.png", self._label_png),
            web.get("/labels/{key}.pdf", self._label_pdf),
            web.get("/labels/{key}.zpl", self._label_zpl),
        ]

    def api_key(self, request: web.Request) -> str:
        """The key, which older clients send as a Basic user name, newer ones as a Bearer token."""
        return _api_key(request)

    def counts(self) -> Mapping[str, int]:
        """See `SellerServer`."""
        return {
            "shipments": len(self._shipments),
            "labels_bought": self._shipments.bought,
            "scan_forms": len(self._scan_forms),
        }

    async def _create(self, request: web.Request) -> web.StreamResponse:
        return await self.make("create", request, self._shipments.create)

    async def _buy(self, request: web.Request) -> web.StreamResponse:
        async def answer() -> web.Response:
            shipment = self._shipments.buy(request.match_info["key"], await self.body(request))
            self._trackers.start(shipment)
            await self.ledger.saved()
            return web.json_response(shipment)

        carrier = self._shipments.carrier_of(request.match_info["key"], await self.body(request))
        return await self.faults.apply("buy", request, answer, carrier)

    async def _refund(self, request: web.Request) -> web.StreamResponse:
        async def answer() -> web.Response:
            key = request.match_info["key"]
            was_void = is_void(self._shipments.find(key))
            shipment = self._shipments.refund(key)
            if is_void(shipment) and not was_void:
                self._trackers.stop(shipment["id"])
            await self.ledger.saved()
            return web.json_response(shipment)

        return await self.faults.apply("refund", request, answer)

    async def _find_shipment(self, request: web.Request) -> web.StreamResponse:
        async def answer() -> web.Response:
            return web.json_response(self._shipments.find(request.match_info["key"]))

        return await self.faults.apply("find", request, answer)

    async def _rate(self, request: web.Request) -> web.StreamResponse:
        async def answer() -> web.Response:
            rated = self._shipments.rate(request.match_info["key"])
            await self.ledger.saved()
            return web.json_response(rated)

        return await self.faults.apply("rate", request, answer)

    async def _find_tracker(self, request: web.Request) -> web.Response:
        return web.json_response(self._trackers.find(request.match_info["key"]))

    async def _find_trackers(self, request: web.Request) -> web.StreamResponse:
        async def answer() -> web.Response:
            return web.json_response(self._trackers.page(await self.body(request)))

        return await self.faults.apply("track", request, answer)

    async def _make_scan_form(self, request: web.Request) -> web.StreamResponse:
        return await self.make("scan_form", request, self._scan_forms.create)

    async def _find_scan_form(self, request: web.Request) -> web.Response:
        return web.json_response(self._scan_forms.find(request.match_info["key"]))

    async def _scan_form_pdf(self, request: web.Request) -> web.StreamResponse:
        async def answer() -> web.Response:
            document = self._scan_forms.document(request.match_info["key"])
            return web.Response(body=document, content_type="application/pdf")

        return await self.faults.apply("document", request, answer)

    async def _label_png(self, request: web.Request) -> web.StreamResponse:
        async def answer() -> web.Response:
            self._shipments.find(request.match_info["key"])
            return web.Response(body=documents.PNG, content_type="image/png")

        return await self.faults.apply("document", request, answer)

    async def _label_pdf(self, request: web.Request) -> web.StreamResponse:
        async def answer() -> web.Response:
            shipment = self._shipments.find(request.match_info["key"])
            to, rate = shipment["to_address"], shipment["selected_rate"] or {}
            lines = [
                f"{rate.get('carrier')} {rate.get('service')}",
                str(shipment["tracking_code"]),
                "",
                *(str(to.get(field) or "") for field in ("name", "street1", "zip", "city")),
                "",
                str(shipment["options"].get("print_custom_1") or ""),
            ]
            return web.Response(body=documents.label_pdf(lines), content_type="application/pdf")

        return await self.faults.apply("document", request, answer)

    async def _label_zpl(self, request: web.Request) -> web.Response:
        shipment = self._shipments.find(request.match_info["key"])
        return web.Response(text=documents.zpl(str(shipment["tracking_code"])))


def _api_key(request: web.Request) -> str:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""
