"""`status`: what runs, where, and how much waits in queues and subscriptions."""

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from rich.table import Table

from emulators.laptop.cli import add_json
from emulators.laptop.screen import screen
from emulators.laptop.stack import State, read_state, state_directory
from emulators.laptop.up import address_table
from emulators.line.books import Books
from shared.kit.errors import NotYet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `status`."""
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show the running stack; exit code 1 when none runs or a part of it does not."""
    state = read_state(state_directory())
    if state is None:
        sys.stdout.write('{"running": false}\n' if arguments.json else "Nothing runs here.\n")
        return 1
    processes = {
        name: {"pid": pid, "alive": _is_alive(pid)} for name, pid in state["processes"].items()
    }
    figures = {
        "running": True,
        "pid": state["pid"],
        "addresses": state["addresses"],
        "processes": processes,
        "google": google_figures(state),
        "database": database_figures(state["environment"]),
    }
    if arguments.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        _show(figures)
    return 0 if all(process["alive"] for process in processes.values()) else 1


def google_figures(state: State) -> dict[str, Any]:
    """What the stand-ins count; empty when they do not answer."""
    try:
        with urllib.request.urlopen(
            f"http://{state['addresses']['google']}/stats", timeout=2
        ) as answer:
            figures: dict[str, Any] = json.load(answer)
            return figures
    except (OSError, ValueError):
        return {}


def database_figures(environment: Mapping[str, str]) -> dict[str, Any]:
    """Orders, parcels, outbox, costs and dead letters; empty when the database does not answer."""
    books = Books(environment)
    try:
        return books.figures()
    except NotYet:
        return {}
    finally:
        books.close()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0


def _show(figures: Mapping[str, Any]) -> None:
    console = screen()
    console.print(f"Running as pid {figures['pid']}.")
    table = Table(box=None, padding=(0, 2))
    for heading in ("process", "pid", "state"):
        table.add_column(heading)
    for name, process in figures["processes"].items():
        table.add_row(name, str(process["pid"]), "runs" if process["alive"] else "ENDED")
    console.print(table)
    console.print(address_table(figures["addresses"]))
    letters = figures["database"].pop("newest_dead_letters", [])
    for title, content in {**figures["google"], **figures["database"]}.items():
        console.print(_figure_table(title.replace("_", " "), content))
    for letter in letters:
        console.print(f"\n{letter['parked_at']}  {letter['source']}  {letter['message_id']}")
        console.print(f"  [red]{letter['code']}[/red]  {letter['reason']}", markup=True)
        console.print(f"  {letter['original']}", style="dim", markup=False, no_wrap=True)


def _figure_table(title: str, content: object) -> Table | str:
    """Figures by name as rows; anything else on one line."""
    if not isinstance(content, dict) or not all(isinstance(row, dict) for row in content.values()):
        return f"{title}: {_in_words(content)}"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1))
    headings = list(dict.fromkeys(key for row in content.values() for key in row))
    table.add_column("", no_wrap=True)
    for heading in headings:
        table.add_column(heading.removesuffix("_age_s").replace("_", " "), justify="right")
    for name, row in content.items():
        table.add_row(name.rpartition("/")[2], *(str(row.get(heading, "")) for heading in headings))
    return table


def _in_words(content: object) -> str:
    if isinstance(content, dict):
        return ", ".join(f"{count} {name}" for name, count in sorted(content.items())) or "none"
    return str(content) if content else "none"
