"""`python -m emulators.easypost`: start the simulator, say where it listens, stop on SIGTERM."""

import hmac
import unicodedata
from collections.abc import Mapping

from aiohttp import web

from emulators.easypost.ledger import Ledger
from emulators.easypost.server import Server
from emulators.easypost.shipments import Shipments
from emulators.easypost.trackers import Trackers
from emulators.sellers.hooks import Hooks
from emulators.sellers.journeys import Pace
from emulators.sellers.process import Vendor, run


def sign(secret: str, body: bytes) -> Mapping[str, str]:
    """EasyPost's signature, as easypost-python's `validate_webhook` checks it."""
    key = unicodedata.normalize("NFKD", secret).encode()
    return {"X-Hmac-Signature": "hmac-sha256-hex=" + hmac.digest(key, body, "sha256").hex()}


def build(url: str, ledger: Ledger, hooks: Hooks, pace: Pace) -> web.Application:
    """Everything behind the address, with what an earlier process left."""
    trackers = Trackers(hooks, ledger, pace)
    shipments = Shipments(url, ledger)
    trackers.restore(shipments)
    return Server(shipments, trackers, hooks, ledger).application()


EASYPOST = Vendor("easypost", "EASYPOST_WEBHOOK_SECRET", sign, Ledger, build)

if __name__ == "__main__":
    raise SystemExit(run(EASYPOST, __doc__))
