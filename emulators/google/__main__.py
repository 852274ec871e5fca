"""`python -m emulators.google`: start every stand-in, print their addresses, run until stopped."""

import argparse
import asyncio
import json
import signal
import sys
from contextlib import AsyncExitStack

from emulators.google import rpc, web
from emulators.google.outbound import Outbound
from emulators.google.pubsub import server as pubsub
from emulators.google.pubsub.topics import Topics
from emulators.google.scheduler.runner import Runner
from emulators.google.tasks import server as tasks
from emulators.google.tasks.queues import Queues
from emulators.google.tokens import TokenIssuer

TOMBSTONE_S = 3_600.0


def main() -> int:
    options = _options()
    try:
        asyncio.run(run(options))
    except rpc.PortTaken as taken:
        print(taken, file=sys.stderr)
        return 1
    return 0


async def run(options: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        PortTaken: one of the ports cannot be listened at.
    """
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    async with AsyncExitStack() as stack:
        outbound = Outbound()
        stack.push_async_callback(outbound.close)
        tokens = TokenIssuer()
        topics = Topics(outbound, tokens)
        queues = Queues(outbound, tokens, options.tombstone_s)
        runner = Runner(outbound, tokens)
        for part in (topics, queues, runner):
            stack.callback(part.close)
        host = options.host
        pubsub_server, pubsub_port = await rpc.serve(
            pubsub.services(topics), host, options.pubsub_port
        )
        stack.push_async_callback(pubsub_server.stop, None)
        tasks_server, tasks_port = await rpc.serve(tasks.services(queues), host, options.tasks_port)
        stack.push_async_callback(tasks_server.stop, None)
        app = web.application(topics, queues, runner, tokens)
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
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
