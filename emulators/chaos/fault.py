"""`fault`: let something go wrong on the running stack, see what waits, take it back."""

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any

from rich.table import Table

from emulators.chaos.switchboard import MODES, POSTGRES, Switchboard
from emulators.laptop.cli import UserMistake, add_json
from emulators.laptop.screen import screen
from emulators.laptop.stack import read_state, state_directory

# verb -> (kind of fault, what it does)
ORDERS: Mapping[str, tuple[str, str]] = {
    "fail": ("fail", "deliver nothing, and answer with a status instead"),
    "delay": ("delay", "deliver later"),
    "twice": ("twice", "deliver two copies at once"),
    "reorder": ("reorder", "deliver after the next one to the same target"),
    "lose-answer": ("lose_answer", "deliver, and act as if the answer was lost"),
}
WHERE = "a subscription, queue, job, function or service"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs of `fault` and their options."""
    common = argparse.ArgumentParser(add_help=False)
    add_json(common)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, purpose: str) -> argparse.ArgumentParser:
        return verbs.add_parser(name, help=purpose, description=purpose, parents=[common])

    for name, (_, purpose) in ORDERS.items():
        order = verb(name, purpose)
        order.add_argument("target", metavar="TARGET", help=WHERE)
        order.add_argument("--next", type=int, default=1, metavar="N", help="how many (1)")
        if name == "fail":
            order.add_argument("--status", type=int, default=503, help="what the sender sees (503)")
        if name in {"delay", "reorder"}:
            longest = {"delay": 1.0, "reorder": 5.0}[name]
            told = "how much later, in seconds" if name == "delay" else "longest wait, in seconds"
            order.add_argument(
                "--s", type=float, default=longest, metavar="S", help=f"{told} ({longest:g})"
            )
    for name, purpose in (
        ("pause", "hold deliveries back, or let a process stand still"),
        ("resume", "let what was paused go on"),
    ):
        verb(name, purpose).add_argument("target", metavar="TARGET", help=f"{WHERE}, or a process")
    verb("kill", "kill a process; the stack starts it anew").add_argument("process")
    restart = verb("restart-database", "stop Postgres; the stack starts it anew")
    restart.add_argument("mode", choices=list(MODES), help="immediate is a crash")
    verb("list", "show what waits to go wrong, what did, and all possible targets")
    verb("clear", "take every fault and every pause back")


def run(arguments: argparse.Namespace) -> int:
    """Do what the verb says and show what it led to."""
    directory = state_directory()
    state = read_state(directory)
    if state is None:
        raise UserMistake("Nothing runs here; `python3 -m emulators up` starts it.")

    def processes() -> Mapping[str, int]:
        now = read_state(directory)
        return now["processes"] if now else {}

    switchboard = Switchboard(state["addresses"]["google"], processes)
    figures = _act(switchboard, arguments)
    if arguments.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        _show(figures)
    return 0


def _act(switchboard: Switchboard, arguments: argparse.Namespace) -> dict[str, Any]:
    match arguments.verb:
        case "list":
            pass
        case "clear":
            switchboard.clear()
        case "pause":
            switchboard.pause(arguments.target)
        case "resume":
            switchboard.resume(arguments.target)
        case "kill":
            name = arguments.process
            old_pid = switchboard.kill(name)
            return _restarted(switchboard, name, old_pid)
        case "restart-database":
            old_pid = switchboard.restart_database(arguments.mode)
            return _restarted(switchboard, POSTGRES, old_pid)
        case verb:
            how: dict[str, object] = {"next": arguments.next}
            if verb == "fail":
                how["status"] = arguments.status
            if verb in {"delay", "reorder"}:
                how["delay_s"] = arguments.s
            switchboard.order(ORDERS[verb][0], arguments.target, **how)
    return switchboard.state()


def _restarted(switchboard: Switchboard, name: str, old_pid: int) -> dict[str, Any]:
    new_pid = switchboard.wait_for_restart(name, old_pid)
    return {"process": name, "old_pid": old_pid, "new_pid": new_pid}


def _show(figures: Mapping[str, Any]) -> None:
    console = screen()
    if "process" in figures:
        console.print(
            f"{figures['process']} runs again, as {figures['new_pid']} instead of"
            f" {figures['old_pid']}."
        )
        return
    table = Table(box=None, padding=(0, 2))
    for heading in ("fault", "target", "left"):
        table.add_column(heading)
    for fault in figures["waiting"]:
        table.add_row(fault["kind"], fault["target"], str(fault["left"]))
    console.print(table if figures["waiting"] else "No fault waits.")
    if figures["paused"]:
        console.print(f"Paused: {', '.join(figures['paused'])}.")
    happened = ", ".join(f"{count} {kind}" for kind, count in sorted(figures["happened"].items()))
    console.print(f"So far: {happened or 'nothing'}.")
    for kind, names in figures["targets"].items():
        console.print(f"[dim]{kind}[/dim] {' '.join(names)}")
