"""`python -m emulators.easypost`: start the simulator, say where it listens, stop on SIGTERM."""

import argparse
import asyncio
import json
import signal
import socket
import sys

from aiohttp import web

from emulators.easypost.hooks import Hooks
from emulators.easypost.server import Server
from emulators.easypost.shipments import Shipments
from emulators.easypost.trackers import Trackers

HOST = "127.0.0.1"


def main() -> int:
    """Run until a signal; 1 when the port is taken."""
    options = _options()
    try:
        listener = socket.create_server((HOST, options.port), backlog=1024)
    except OSError as error:
        print(
            f"easypost: cannot listen on {HOST}:{options.port}: {error.strerror}", file=sys.stderr
        )
        return 1
    with listener:
        asyncio.run(_serve(listener, options))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="emulators.easypost", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--webhook-url", required=True)
    parser.add_argument("--webhook-secret", required=True)
    parser.add_argument("--step-s", type=float, default=0.3, help="from one status to the next")
    parser.add_argument("--duplicates", type=float, default=0.1, help="share sent twice")
    parser.add_argument("--reorder", type=float, default=0.1, help="share overtaken by the next")
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args()


async def _serve(listener: socket.socket, options: argparse.Namespace) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    address = f"{HOST}:{listener.getsockname()[1]}"
    async with Hooks(options.webhook_url, options.webhook_secret) as hooks:
        trackers = Trackers(
            hooks,
            step_s=options.step_s,
            duplicates=options.duplicates,
            reorder=options.reorder,
            seed=options.seed,
        )
        server = Server(Shipments(f"http://{address}"), trackers, hooks)
        runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        await web.SockSite(runner, listener).start()
        print(json.dumps({"http": address}), flush=True)
        await stopping.wait()
        await runner.cleanup()


if __name__ == "__main__":
    raise SystemExit(main())
