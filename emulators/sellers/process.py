"""A simulator as a process: start, say where it listens, stop on SIGTERM."""

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from emulators import disk
from emulators.sellers.hooks import Hooks
from emulators.sellers.journeys import Pace
from emulators.sellers.ledger import Ledger

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Vendor:
    """What makes a process the simulator of one vendor.

    Attributes:
        name: of the program, and of its file of state.
        secret: the environment variable with the key that webhooks are signed with. A command line
            can be read by everybody on the machine, the environment of a process cannot.
        sign: (secret, body) -> the headers that prove who sent it now.
        ledger: makes what it remembers of a disk.
        build: (its address as a URL, its ledger, its webhooks, how parcels travel) -> what is
            served.
    """

    name: str
    secret: str
    sign: Callable[[str, bytes], Mapping[str, str]]
    ledger: Callable[[disk.Disk], Ledger]
    build: Callable[..., web.Application]


def run(vendor: Vendor, purpose: str | None) -> int:
    """Run until a signal; 1 when the port or the state is taken."""
    options = _options(vendor, purpose)
    try:
        listener = socket.create_server((HOST, options.port), backlog=1024)
    except OSError as error:
        print(
            f"{vendor.name}: cannot listen on {HOST}:{options.port}: {error.strerror}",
            file=sys.stderr,
        )
        return 1
    with listener:
        try:
            asyncio.run(_serve(vendor, listener, options))
        except disk.Unusable as unusable:
            print(f"{vendor.name}: {unusable}", file=sys.stderr)
            return 1
    return 0


def _options(vendor: Vendor, purpose: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"emulators.{vendor.name}", description=purpose)
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


async def _serve(vendor: Vendor, listener: socket.socket, options: argparse.Namespace) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    address = f"{HOST}:{listener.getsockname()[1]}"
    secret = os.environ[vendor.secret]
    state: Path | None = options.state_dir
    kept = disk.Disk(state / f"{vendor.name}.sqlite3" if state else None)
    ledger = vendor.ledger(kept)
    async with Hooks(options.webhook_url, lambda body: vendor.sign(secret, body), ledger) as hooks:
        pace = Pace(options.step_s, options.duplicates, options.reorder, options.seed)
        application = vendor.build(f"http://{address}", ledger, hooks, pace)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        await web.SockSite(runner, listener).start()
        print(json.dumps({"http": address}), flush=True)
        await stopping.wait()
        await runner.cleanup()
    await kept.close()
