"""`python -m emulators.shippo`: start the simulator, say where it listens, stop on SIGTERM."""

import hmac
import time
from collections.abc import Mapping

from aiohttp import web

from emulators.sellers.hooks import Hooks
from emulators.sellers.journeys import Pace
from emulators.sellers.ledger import Ledger
from emulators.sellers.process import Vendor, run
from emulators.shippo.server import Server
from emulators.shippo.shipments import Shipments
from emulators.shippo.tracks import Tracks
from emulators.shippo.transactions import Transactions


def sign(secret: str, body: bytes) -> Mapping[str, str]:
    """Shippo's signature: an HMAC of the moment and the body."""
    moment = str(int(time.time()))
    signed = hmac.digest(secret.encode(), moment.encode() + b"." + body, "sha256").hex()
    return {"Shippo-Auth-Signature": f"t={moment},v1={signed}"}


def build(url: str, ledger: Ledger, hooks: Hooks, pace: Pace) -> web.Application:
    """Everything behind the address, with what an earlier process left."""
    shipments = Shipments(ledger)
    transactions = Transactions(url, shipments, ledger)
    tracks = Tracks(hooks, ledger, pace)
    tracks.restore(transactions)
    return Server(shipments, transactions, tracks, hooks, ledger).application()


SHIPPO = Vendor("shippo", "SHIPPO_WEBHOOK_SECRET", sign, Ledger, build)

if __name__ == "__main__":
    raise SystemExit(run(SHIPPO, __doc__))
