"""`audit`: check on the running stack everything that must always be true."""

import argparse
import json
import sys
import time
from dataclasses import asdict

from emulators.laptop.cli import UserMistake, add_json
from emulators.laptop.screen import screen
from emulators.laptop.stack import read_state, state_directory
from emulators.line.books import Books
from shared.ops.auditor import RULES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `audit`."""
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Audit once; exit code 1 when a rule is broken."""
    state = read_state(state_directory())
    if state is None:
        raise UserMistake("Nothing runs here; `python3 -m emulators up` starts it.")
    books = Books(state["environment"])
    started_s = time.monotonic()
    violations = books.violations()
    duration_s = round(time.monotonic() - started_s, 3)
    books.close()
    if arguments.json:
        found = [asdict(violation) for violation in violations]
        report = {"rules": list(RULES), "violations": found, "duration_s": duration_s}
        sys.stdout.write(json.dumps(report) + "\n")
        return 1 if violations else 0
    console = screen()
    for rule in RULES:
        broken = [violation for violation in violations if violation.rule == rule]
        console.print(f"{'[red]BROKEN[/red]' if broken else '[green]holds[/green]':<22} {rule}")
        for violation in broken:
            console.print(
                f"         {violation.subject}: {violation.found}, should be {violation.expected}"
            )
    console.print(f"{len(violations)} violations, {duration_s:g} s")
    return 1 if violations else 0
