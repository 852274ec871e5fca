"""`python -m emulators.google`: start every stand-in, print their addresses, run until stopped."""

import argparse
import asyncio
import json
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from emulators import disk
from emulators.google import rpc, web
from emulators.google.control import SERVICES
from emulators.google.faults import Faults
from emulators.google.outbound import Outbound
from emulators.google.pubsub import server as pubsub
from emulators.google.pubsub.topics import Topics
from emulators.google.pushes import Pushes
from emulators.google.scheduler import runner as scheduler
from emulators.google.scheduler.shelf import Shelf as JobShelf
from emulators.google.tasks import dispatch
from emulators.google.tasks import server as tasks
from emulators.google.tasks.queues import Queues, Windows
from emulators.google.tasks.shelf import Shelf as TaskShelf
from emulators.google.telemetry.spans import Shelf
from emulators.google.tokens import TokenIssuer

TOMBSTONE_S = 3_600.0
QUEUE_TOMBSTONE_S = 3 * 24 * 3_600.0


def main() -> int:
    options = _options()
    try:
        asyncio.run(run(options))
    except (rpc.PortTaken, disk.Unusable) as taken:
        print(taken, file=sys.stderr)
        return 1
    return 0


async def run(options: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        PortTaken: one of the ports cannot be listened at.
        Unusable: the state cannot be kept where it was wanted.
    """
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    async with AsyncExitStack() as stack:
        faults = Faults()
        if options.paused:
            for service in SERVICES:
                faults.pause(service)
        outbound, pushes = Outbound(), Pushes(faults)
        for client in (outbound, pushes):
            stack.push_async_callback(client.close)
        state: Path | None = options.state_dir
        kept = disk.Disk(state / "tasks.sqlite3" if state else None)
        stack.push_async_callback(kept.close)
        tokens = TokenIssuer(key_file=state / "signing-key.pem" if state else None)
        topics = Topics(pushes, tokens, state=state, slow_start=options.slow_start)
        stack.push_async_callback(topics.close)
        windows = Windows(options.tombstone_s, options.queue_tombstone_s)
        queues = Queues(dispatch.Outside(outbound, tokens, faults, TaskShelf(kept)), windows)
        runner = scheduler.Runner(scheduler.Outside(outbound, tokens, faults, JobShelf(kept)))
        for part in (queues, runner):
            stack.callback(part.close)
        queues.restore()
        runner.restore()
        host = options.host
        pubsub_server, pubsub_port = await rpc.serve(
            pubsub.services(topics), host, options.pubsub_port
        )
        stack.push_async_callback(pubsub_server.stop, None)
        tasks_server, tasks_port = await rpc.serve(tasks.services(queues), host, options.tasks_port)
        stack.push_async_callback(tasks_server.stop, None)
        spans = Shelf(state / "spans.sqlite3" if state else None)
        stack.callback(spans.close)
        app = web.application(topics, queues, runner, tokens, faults=faults, spans=spans)
        site, http_port = await web.serve(app, host, options.http_port)
        stack.push_async_callback(site.cleanup)
        ports = {"pubsub": pubsub_port, "tasks": tasks_port, "http": http_port}
        print(json.dumps({name: f"{host}:{port}" for name, port in ports.items()}), flush=True)
        await stopped.wait()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m emulators.google", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at")
    for part in ("pubsub", "tasks", "http"):
        parser.add_argument(
            f"--{part}-port", type=int, required=True, help=f"{part} port, 0 for any free one"
        )
    parser.add_argument(
        "--tombstone-s",
        type=float,
        default=TOMBSTONE_S,
        help="seconds for which the name of a finished task stays taken",
    )
    parser.add_argument(
        "--queue-tombstone-s",
        type=float,
        default=QUEUE_TOMBSTONE_S,
        help="seconds for which the name of a deleted queue stays taken",
    )
    parser.add_argument(
        "--state-dir", type=Path, metavar="DIR", help="keep everything here over a restart"
    )
    parser.add_argument(
        "--paused", action="store_true", help="deliver nothing until DELETE /control/faults"
    )
    parser.add_argument(
        "--slow-start", action="store_true", help="let the window of each push begin small"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
