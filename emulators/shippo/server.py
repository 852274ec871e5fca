"""The HTTP side: Shippo's paths, and its documents."""

from collections.abc import Mapping

from aiohttp import web
from aiohttp.web_routedef import AbstractRouteDef

from emulators.sellers.hooks import Hooks
from emulators.sellers.ledger import Document, Ledger
from emulators.sellers.server import SellerServer
from emulators.shippo.errors import WORDS, not_found
from emulators.shippo.manifests import Manifests
from emulators.shippo.objects import page
from emulators.shippo.shipments import Shipments
from emulators.shippo.tracks import Tracks
from emulators.shippo.transactions import Transactions, is_void

TRANSACTIONS_PER_PAGE = 25  # where the request does not say
MANIFESTS_PER_PAGE = 5


class Server(SellerServer):
    """Ties shipments, transactions, manifests, tracks and faults to paths."""

    words = WORDS
    changes = ("create", "buy", "refund")
    others = ("find", "manifest", "track", "document")
    open_paths = ("/control/", "/documents/")

    def __init__(
        self,
        shipments: Shipments,
        transactions: Transactions,
        tracks: Tracks,
        hooks: Hooks,
        ledger: Ledger,
    ) -> None:
        super().__init__(tracks, hooks, ledger)
        self._shipments = shipments
        self._transactions = transactions
        self._manifests = Manifests(transactions, ledger)
        self._tracks = tracks

    def routes(self) -> list[AbstractRouteDef]:
        """See `SellerServer`."""
        return [
            web.post("/shipments", self._create),
            web.get("/rates/{key}", self._find_rate),
            web.post("/transactions", self._buy),
            web.get("/transactions", self._list_transactions),
            web.get("/transactions/{key}", self._find_transaction),
            web.post("/refunds", self._refund),
            web.post("/manifests", self._make_manifest),
            web.get("/manifests", self._list_manifests),
            web.get("/manifests/{key}", self._find_manifest),
            web.get("/tracks/{carrier}/{number}", self._track),
            web.get(r"/documents/labels/{key}.{ending:(pdf|png|zpl)}", self._label),
            web.get("/documents/manifests/{key}.pdf", self._manifest_pdf),
        ]

    def api_key(self, request: web.Request) -> str:
        """See `SellerServer`."""
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        return key.strip() if scheme == "ShippoToken" else ""

    def counts(self) -> Mapping[str, int]:
        """See `SellerServer`."""
        return {
            "shipments": len(self._shipments),
            "labels_bought": len(self._transactions),
            "manifests": len(self._manifests),
        }

    async def _create(self, request: web.Request) -> web.StreamResponse:
        return await self.make("create", request, self._shipments.create)

    async def _find_rate(self, request: web.Request) -> web.StreamResponse:
        async def answer() -> web.Response:
            rate = self._shipments.rate(request.match_info["key"])
            return web.json_response(rate or not_found())

        return await self.faults.apply("find", request, answer)

    async def _buy(self, request: web.Request) -> web.StreamResponse:
        async def answer() -> web.Response:
            sale = self._transactions.buy(await self.body(request))
            self._tracks.begin(sale["transaction"]["object_id"], sale)
            await self.ledger.saved()
            return web.json_response(sale["transaction"], status=201)

        rate = self._transactions.rate_of(await self.body(request))
        carrier = rate["provider"] if rate else None
        return await self.faults.apply("buy", request, answer, carrier)

    async def _list_transactions(self, request: web.Request) -> web.StreamResponse:
        async def answer() -> web.Response:
            rate = request.query.get("rate")
            found = [
                sale["transaction"]
                for sale in self._transactions
                if rate in (None, sale["transaction"]["rate"])
            ]
            return web.json_response(page(request, found, TRANSACTIONS_PER_PAGE))

        return await self.faults.apply("find", request, answer)

    async def _find_transaction(self, request: web.Request) -> web.StreamResponse:
        async def answer() -> web.Response:
            sale = self._transactions.find(request.match_info["key"])
            return web.json_response(sale["transaction"])

        return await self.faults.apply("find", request, answer)

    async def _refund(self, request: web.Request) -> web.StreamResponse:
        async def answer() -> web.Response:
            refund, sale = self._transactions.refund(await self.body(request))
            if is_void(sale):
                self._tracks.stop(sale["transaction"]["object_id"])
            await self.ledger.saved()
            return web.json_response(refund, status=201)

        return await self.faults.apply("refund", request, answer)

    async def _make_manifest(self, request: web.Request) -> web.StreamResponse:
        return await self.make("manifest", request, self._manifests.create)

    async def _list_manifests(self, request: web.Request) -> web.StreamResponse:
        async def answer() -> web.Response:
            return web.json_response(page(request, self._manifests.all(), MANIFESTS_PER_PAGE))

        return await self.faults.apply("find", request, answer)

    async def _find_manifest(self, request: web.Request) -> web.StreamResponse:
        async def answer() -> web.Response:
            return web.json_response(self._manifests.find(request.match_info["key"]))

        return await self.faults.apply("find", request, answer)

    async def _track(self, request: web.Request) -> web.StreamResponse:
        async def answer() -> web.Response:
            carrier, number = request.match_info["carrier"], request.match_info["number"]
            sale = self._transactions.of_number(carrier, number)
            unknown: Document = {
                "carrier": carrier,
                "tracking_number": number,
                "messages": [],
                "tracking_status": None,
                "tracking_history": [],
            }
            return web.json_response(sale["track"] if sale else unknown)

        return await self.faults.apply("track", request, answer)

    async def _label(self, request: web.Request) -> web.StreamResponse:
        async def answer() -> web.Response:
            content, media_type = self._transactions.document(
                request.match_info["key"], request.match_info["ending"]
            )
            return web.Response(body=content, content_type=media_type)

        return await self.faults.apply("document", request, answer)

    async def _manifest_pdf(self, request: web.Request) -> web.StreamResponse:
        async def answer() -> web.Response:
            content = self._manifests.document(request.match_info["key"])
            return web.Response(body=content, content_type="application/pdf")

        return await self.faults.apply("document", request, answer)
