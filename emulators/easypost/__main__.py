"""`python -m emulators.easypost`: start the simulator, say where it listens, stop on SIGTERM."""

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path

from aiohttp import web

from emulators import disk
from emulators.easypost.hooks import Hooks
from emulators.easypost.ledger import Ledger
from emulators.easypost.server import Server
from emulators.easypost.shipments import Shipments
from emulators.easypost.trackers import Trackers

HOST = "127.0.0.1"
# A command line can be read by everybody on the machine, the environment of a process cannot.
WEBHOOK_SECRET = "EASYPOST_WEBHOOK_SECRET"  # noqa: S105  its name


def main() -> int:
    """Run until a signal; 1 when the port or the state is taken."""
    options = _options()
    try:
        listener = socket.create_server((HOST, options.port), backlog=1024)
    except OSError as error:
        print(
            f"easypost: cannot listen on {HOST}:{options.port}: {error.strerror}", file=sys.stderr
        )
        return 1
    with listener:
        try:
            asyncio.run(_serve(listener, options))
        except disk.Unusable as unusable:
            print(f"easypost: {unusable}", file=sys.stderr)
            return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="emulators.easypost", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--webhook-url", required=True)
    parser.add_argument("--step-s", type=float, default=0.3, help="from one status to the next")
    parser.add_argument("--duplicates", type=float, default=0.1, help="share sent twice")
    parser.add_argument("--reorder", type=float, default=0.1, help="share overtaken by the next")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--state-dir", type=Path, metavar="DIR", help="keep everything here over a restart"
    )
    return parser.parse_args()


async def _serve(listener: socket.socket, options: argparse.Namespace) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    address = f"{HOST}:{listener.getsockname()[1]}"
    state: Path | None = options.state_dir
    kept = disk.Disk(state / "easypost.sqlite3" if state else None)
    ledger = Ledger(kept)
    async with Hooks(options.webhook_url, os.environ[WEBHOOK_SECRET], ledger) as hooks:
        trackers = Trackers(
            hooks,
            ledger,
            step_s=options.step_s,
            duplicates=options.duplicates,
            reorder=options.reorder,
            seed=options.seed,
        )
        shipments = Shipments(f"http://{address}", ledger)
        trackers.restore(shipments)
        application = Server(shipments, trackers, hooks, ledger).application()
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        await web.SockSite(runner, listener).start()
        print(json.dumps({"http": address}), flush=True)
        await stopping.wait()
        await runner.cleanup()
    await kept.close()


if __name__ == "__main__":
    raise SystemExit(main())
