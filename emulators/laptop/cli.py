"""The verbs of `python3 -m emulators`. A verb's module is imported when it is asked for."""

import argparse
import sys
from collections.abc import Sequence
from datetime import date, datetime
from importlib import import_module
from typing import Protocol, cast

# verb -> (module, what it does). A new verb is one line here and a module like `VerbModule`.
VERBS: dict[str, tuple[str, str]] = {
    "up": ("emulators.laptop.up", "start everything, and run it until Ctrl-C"),
    "demo": ("emulators.line.demo", "run sample orders to the end, audit, sum up, stop"),
    "replay": ("emulators.line.replay", "run a recorded data set to the end, the same way"),
    "status": ("emulators.laptop.status", "show what runs, where, and how much waits"),
    "letters": ("emulators.letters.verb", "read, try, resend or discard what was refused"),
    "stock": ("emulators.stock.verb", "look at balances, spread, allot, compare the books"),
    "policies": (
        "emulators.policies.verb",
        "check, publish, show what placements are to be",
    ),
    "rates": ("emulators.rates.verb", "check, publish and look at rate cards"),
    "parcels": ("emulators.parcels.verb", "parcels that stand still, and asking carriers"),
    "labels": ("emulators.labels.verb", "labels and manifests: look, print, quote, close a day"),
    "costs": ("emulators.costs.verb", "what was quoted, charged and really paid"),
    "carriers": ("emulators.carriers.verb", "who answers, what waits, how full label queues are"),
    "webhooks": ("emulators.webhooks.verb", "who gets webhooks, and whether they arrive"),
    "trace": ("emulators.tracing.verb", "show one order's whole way, with timings"),
    "explain": ("emulators.decisions.explain", "say why an order was placed as it was"),
    "link": ("emulators.laptop.link", "print where a customer can follow an order"),
    "override": ("emulators.override.verb", "decide about an order by hand"),
    "users": ("emulators.people.verb", "who may use the console, and what they may"),
    "decisions": ("emulators.decisions.verb", "make kept decisions again, and compare"),
    "audit": ("emulators.line.audit", "check on the running stack what must always be true"),
    "fault": ("emulators.chaos.fault", "let something go wrong on the running stack"),
    "token": ("emulators.laptop.token", "print a token for the HTTP API of the running stack"),
    "down": ("emulators.laptop.down", "stop what `up` started"),
    "simulate": ("emulators.simulation.verb", "run a seed with a fault at any step, and audit"),
    "bench": ("emulators.bench.verb", "measure a figure beside what the machine allows"),
    "test": ("emulators.laptop.checks", "run types, lint, import rules and tests"),
    "test-old-code": (
        "emulators.laptop.old_code",
        "run an older revision's tests on today's schema",
    ),
    "drill": ("emulators.laptop.drill", "back up, restore into a new database, audit that"),
    "docs": ("emulators.laptop.docs", "write the generated parts of the documents anew"),
    "lock": ("emulators.laptop.lock", "choose and lock the versions of all packages anew"),
}


class VerbModule(Protocol):
    """What a verb's module offers. `run` returns the exit code and may raise UserMistake.

    A module with `FORWARDS = True` finds the words that its parser does not know in
    `arguments.forwarded`; for others such a word is a mistake.
    """

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, arguments: argparse.Namespace) -> int: ...


def add_json(*parsers: argparse.ArgumentParser) -> None:
    """Declare the option that every verb has, for programs."""
    for parser in parsers:
        parser.add_argument("--json", action="store_true", help="print one JSON object")


def positive(word: str) -> int:
    """An option that counts something; argparse shows the reason."""
    if not word.isdecimal() or int(word) == 0:
        raise argparse.ArgumentTypeError(f"{word} is no whole number above 0")
    return int(word)


def moment(word: str) -> datetime:
    """An option that names a moment; without an offset it is meant in this machine's time."""
    try:
        return datetime.fromisoformat(word).astimezone()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{word} is no moment; 2027-01-31T08:00Z is") from None


def day(word: str) -> date:
    """An option that names a day."""
    try:
        return date.fromisoformat(word)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{word} is no day; 2027-01-31 is") from None


def port(word: str) -> int:
    """An option that names a TCP port."""
    if not word.isdecimal() or not 0 < int(word) < 65_536:
        raise argparse.ArgumentTypeError(f"{word} is no port; 1 to 65535 are")
    return int(word)


class UserMistake(Exception):
    """Something the user can set right; the message is one sentence that says how."""


def is_help(words: Sequence[str]) -> bool:
    """Whether `words` ask for the list of verbs, which needs no package and no environment."""
    return not words or words[0] in {"-h", "--help"} or words[0] not in VERBS


def main(words: Sequence[str]) -> int:
    """Run the verb that `words` begin with and return its exit code."""
    if is_help(words):
        return _help(words)
    verb, *rest = words
    module_name, purpose = VERBS[verb]
    module = cast("VerbModule", import_module(module_name))
    parser = argparse.ArgumentParser(prog=f"python3 -m emulators {verb}", description=purpose)
    module.add_arguments(parser)
    arguments, forwarded = parser.parse_known_args(rest)
    if forwarded and not getattr(module, "FORWARDS", False):
        parser.error(f"there is no such option: {' '.join(forwarded)}")
    arguments.forwarded = forwarded
    try:
        return module.run(arguments)
    except UserMistake as mistake:
        sys.stderr.write(f"{mistake}\n")
        return 1
    except BrokenPipeError:
        return 1


def _help(words: Sequence[str]) -> int:
    unknown = bool(words) and words[0] not in {"-h", "--help"}
    lines = [f"There is no verb {words[0]!r}.", ""] if unknown else []
    lines += ["python3 -m emulators VERB [OPTIONS]", ""]
    lines += [f"  {verb:<13} {purpose}" for verb, (_, purpose) in VERBS.items()]
    lines += ["", "`python3 -m emulators VERB --help` shows the options of a verb.", ""]
    (sys.stderr if unknown else sys.stdout).write("\n".join(lines))
    return 2 if unknown else 0
