"""`up`: start everything, say where to look, and stay until Ctrl-C."""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import NoReturn

from rich.console import Console
from rich.table import Table

from emulators.chaos import monkey
from emulators.chaos.switchboard import Switchboard
from emulators.laptop.cli import UserMistake, port, positive
from emulators.laptop.processes import ProcessFailed
from emulators.laptop.running import running
from emulators.laptop.stack import STABLE_PORTS, Options, Stack, state_directory
from emulators.line.stream import streaming
from emulators.people.accounts import first_accounts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `up`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object when ready")
    parser.add_argument(
        "--process-per-function", action="store_true", help="as on Cloud Run; slower to start"
    )
    parser.add_argument("--workers", type=positive, default=2, help="processes that host functions")
    parser.add_argument(
        "--orders-per-minute", type=float, default=60.0, metavar="N", help="sample orders (60)"
    )
    parser.add_argument(
        "--step-s",
        type=float,
        default=5.0,
        metavar="S",
        help="seconds between two events of a parcel (5)",
    )
    parser.add_argument(
        "--fresh", action="store_true", help="forget what earlier runs left, and begin anew"
    )
    parser.add_argument(
        "--chaos",
        type=int,
        nargs="?",
        const=1,
        metavar="SEED",
        help="let things go wrong all the time, the same things for the same seed (1)",
    )
    for name, stable in STABLE_PORTS.items():
        parser.add_argument(
            f"--{name}-port", type=port, metavar="PORT", help=f"usually {stable}, else a free one"
        )


def run(arguments: argparse.Namespace) -> int:
    """Run a stack until Ctrl-C, SIGTERM or the end of the terminal."""
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _interrupt)
    console = Console(stderr=True, highlight=False)
    started_s = time.monotonic()

    def report(text: str) -> None:
        console.print(f"[dim]{time.monotonic() - started_s:5.1f} s[/dim]  {text}")

    try:
        with (
            Stack(state_directory(), _options(arguments), report) as stack,
            streaming(stack, arguments.orders_per_minute, report),
            _chaos(stack, arguments.chaos, report),
        ):
            _show(stack, console, as_json=arguments.json)
            stack.wait()
    except ProcessFailed as failure:
        raise UserMistake(str(failure)) from failure
    except KeyboardInterrupt:
        console.print("Stopped.")
    return 0


def _options(arguments: argparse.Namespace) -> Options:
    given = {name: getattr(arguments, f"{name}_port") for name in STABLE_PORTS}
    return Options(
        process_per_function=arguments.process_per_function,
        workers=arguments.workers,
        carrier_step_s=arguments.step_s,
        database_url=os.environ.get("DATABASE_URL"),
        ports={name: port for name, port in given.items() if port is not None},
        stable_ports=True,
        fresh=arguments.fresh,
        telemetry=True,
    )


def _chaos(
    stack: Stack, seed: int | None, report: Callable[[str], None]
) -> AbstractContextManager[None]:
    if seed is None:
        return nullcontext()
    switchboard = Switchboard(stack.addresses["google"], stack.pids)
    return monkey.running(switchboard, seed, report)


def _show(stack: Stack, console: Console, *, as_json: bool) -> None:
    made = _first_accounts(stack)
    if as_json:
        sys.stdout.write(json.dumps({"pid": os.getpid(), "addresses": stack.addresses}) + "\n")
        sys.stdout.flush()
        return
    console.print(address_table(stack.addresses))
    console.print(f"Logs are in {stack.directory / 'logs'}.")
    if "order_api" in stack.addresses:
        console.print(f"Orders over HTTP go to {stack.addresses['order_api']}orders, with a token:")
        console.print("  TOKEN=$(python3 -m emulators token)")
    if "ops" in stack.addresses:
        _show_console(stack.addresses["ops"], made, console)
    console.print(f"Figures are at http://{stack.addresses['google']}/metrics.")
    console.print("In another terminal: python3 -m emulators status | trace ORDER | audit | down")
    console.print("Ctrl-C stops everything; the next start goes on from there.")


def _first_accounts(stack: Stack) -> Mapping[str, str]:
    if "ops" not in stack.addresses:
        return {}
    with running() as (database, _):
        return first_accounts(database, stack.directory)


def _show_console(address: str, made: Mapping[str, str], console: Console) -> None:
    console.print(f"The console is at {address}")
    for email, password in made.items():
        console.print(f"  sign in as {email} with {password}", markup=False)
    if not made:
        console.print("  python3 -m emulators users list  shows who may sign in")


def address_table(addresses: Mapping[str, str]) -> Table:
    """The addresses of a stack, for people."""
    table = Table(box=None, padding=(0, 2))
    table.add_column("what")
    table.add_column("address")
    for name, address in addresses.items():
        table.add_row(name, address)
    return table


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt
