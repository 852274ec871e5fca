"""`docs`: write the generated documents and parts of documents anew, from the source.

A generated part of a document in FILES stands between `<!-- generated: NAME -->` and
`<!-- end of NAME -->`. OpenAPI, AsyncAPI and the schemas of contracts and topics are whole files. A
test fails when any of them is out of step.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any, get_args

from pydantic import BaseModel

from emulators.laptop.atlas import (
    Contract,
    Reach,
    contracts,
    queues_of,
    reaches,
    tables,
    writers,
)
from emulators.laptop.cli import UserMistake, add_json
from emulators.laptop.manifest import (
    HttpTrigger,
    Manifest,
    PubsubTrigger,
    ScheduleTrigger,
    TasksTrigger,
    load_all,
)
from emulators.laptop.stack import ROOT
from emulators.published import files as published
from shared.contracts.base import Event, Work
from shared.kit.lifecycle import Lifecycle

FILES = ("README.md", "functions/README.md", "shared/README.md", "shared/contracts/README.md")
_PART = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end of \2 -->)", re.DOTALL)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `docs`."""
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write what is out of step.

    Raises:
        UserMistake: a contract takes back what its stored schema promises; nothing is written.
    """
    if sentences := published.broken(ROOT):
        raise UserMistake("\n".join([*sentences, "A breaking change is a new version beside it."]))
    written = []
    for document, text in published.fresh(ROOT).items():
        path = ROOT / document
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            written.append(document.as_posix())
    for name in FILES:
        path = ROOT / name
        text = path.read_text()
        fresh = rendered(text)
        if fresh != text:
            path.write_text(fresh)
            written.append(name)
    if arguments.json:
        sys.stdout.write(json.dumps({"written": written}) + "\n")
    else:
        sys.stdout.write(f"Written: {', '.join(written) or 'nothing, all is in step'}.\n")
    return 0


def rendered(text: str) -> str:
    """`text` with every generated part as the source has it now.

    Raises:
        UserMistake: a part has a name that nothing generates.
    """

    def part(found: re.Match[str]) -> str:
        if found[2] not in PARTS:
            raise UserMistake(f"Nothing generates {found[2]!r}; there are {', '.join(PARTS)}.")
        return f"{found[1]}{PARTS[found[2]]()}\n{found[3]}"

    return _PART.sub(part, text)


def functions_in_short() -> str:
    """Every function with what starts it and what it does."""
    return _table(
        ("function", "started by", "what it does"),
        (
            (f"[`{name}`](functions/{name}/main.py)", _in_short(manifest), manifest.description)
            for name, manifest in load_all(ROOT / "functions").items()
        ),
    )


def functions_in_full() -> str:
    """Every function with what its function.yaml says."""
    return _table(
        ("function", "started by", "publishes", "enqueues", "at once, limit, instances"),
        (
            (
                f"[`{name}`]({name}/function.yaml)",
                _trigger(manifest),
                _codes(manifest.publishes),
                _codes(manifest.enqueues),
                _limits(manifest),
            )
            for name, manifest in load_all(ROOT / "functions").items()
        ),
    )


def lifecycles() -> str:
    """Every lifecycle as a diagram."""
    parts = []
    for path in sorted((ROOT / "shared").glob("*/lifecycle.py")):
        if path.parent.name == "kit":
            continue
        lifecycle: Lifecycle[Any, Any] = import_module(
            f"shared.{path.parent.name}.lifecycle"
        ).LIFECYCLE
        link = f"[{path.parent.name}/lifecycle.py]({path.parent.name}/lifecycle.py)"
        diagram = f"```mermaid\n{lifecycle.mermaid()}\n```"
        parts.append(f"### {lifecycle.noun.capitalize()}\n\nFrom {link}.\n\n{diagram}")
    return "\n\n".join(parts)


def events() -> str:
    """Every event: where it travels, who tells it, who hears it, and what it says."""
    known = reaches(ROOT)
    found = [c for c in contracts(ROOT).values() if issubclass(c, Event)]
    return _table(
        ("event", "topic", "told by", "heard by", "fields"),
        (
            (
                f"`{event.type}`<br>{_first_line(event)}",
                f"`{event.topic}`",
                _codes(_tellers(event, known)) or "the outside",
                _codes(_hearers(event, known)) or "downstream",
                _fields(event),
            )
            for event in sorted(found, key=lambda event: (event.topic, event.type))
        ),
    )


def work() -> str:
    """Every piece of work: which queues carry it, who gives it out, and who does it."""
    known = reaches(ROOT)
    manifests = load_all(ROOT / "functions")
    return _table(
        ("work", "queues", "given out by", "done by", "fields"),
        (
            (
                f"`{piece.type}`<br>{_first_line(piece)}",
                _codes(sorted(queues_of(piece, manifests))),
                _codes(_tellers(piece, known)),
                _codes(_hearers(piece, known)),
                _fields(piece),
            )
            for piece in contracts(ROOT).values()
            if issubclass(piece, Work)
        ),
    )


def owners() -> str:
    """Every table and the one module that writes to it."""
    by_table = writers(ROOT)
    return _table(
        ("table", "written by"),
        (
            (
                f"`{table}`",
                ", ".join(
                    f"[{module.removeprefix('shared/')}]({module.removeprefix('shared/')})"
                    for module in sorted(by_table[table])
                )
                or "older code only",
            )
            for table in tables(ROOT)
        ),
    )


PARTS = {
    "functions-in-short": functions_in_short,
    "functions-in-full": functions_in_full,
    "lifecycles": lifecycles,
    "events": events,
    "work": work,
    "owners": owners,
}


def _tellers(contract: Contract, known: Mapping[str, Reach]) -> list[str]:
    return [name for name, reach in known.items() if contract.__name__ in reach.tells]


def _hearers(contract: Contract, known: Mapping[str, Reach]) -> list[str]:
    return [name for name, reach in known.items() if contract.__name__ in reach.hears]


def _trigger(manifest: Manifest) -> str:
    trigger = manifest.trigger
    if isinstance(trigger, PubsubTrigger):
        return "Pub/Sub " + _codes(dict.fromkeys(heard.topic for heard in trigger.subscriptions))
    if isinstance(trigger, TasksTrigger):
        return "Cloud Tasks " + _codes(trigger.queues)
    if isinstance(trigger, HttpTrigger):
        return "HTTPS, public" if trigger.public else "HTTPS"
    jobs = (f"`{job.path}` at `{job.schedule}`" for job in trigger.jobs.values())
    return "Scheduler " + ", ".join(jobs)


def _in_short(manifest: Manifest) -> str:
    """What starts a function; of many jobs, how many."""
    trigger = manifest.trigger
    if isinstance(trigger, ScheduleTrigger) and len(trigger.jobs) > 1:
        return f"Scheduler, {len(trigger.jobs)} jobs"
    return _trigger(manifest)


def _limits(manifest: Manifest) -> str:
    limits = manifest.limits
    return f"{limits.concurrency}, {limits.timeout_s} s, {limits.max_instances}"


def _fields(contract: type[BaseModel]) -> str:
    return ", ".join(
        f"{name}{'' if field.is_required() else '?'}{_inner(field.annotation)}"
        for name, field in contract.model_fields.items()
    )


def _inner(annotation: object) -> str:
    """The fields of a document inside a field, in brackets."""
    for part in (annotation, *get_args(annotation)):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return f" ({_fields(part)})"
    return ""


def _first_line(thing: type[object]) -> str:
    return (thing.__doc__ or "").split("\n")[0]


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
